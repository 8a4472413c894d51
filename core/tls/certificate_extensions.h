#pragma once

#include <string>
#include <vector>

#include "core/tls/certificate.h"
#include "core/tls/library.h"

namespace van::tls {

// Private to core/tls: the extensions that mbedTLS 2.28 can't write. All give the library's error code, 0 for success.

using CertificateWriter = Owned<mbedtls_x509write_cert, mbedtls_x509write_crt_init, mbedtls_x509write_crt_free>;

/// Bytes that one host may take in the certificate.
inline constexpr std::size_t kHostBytes = 300;

/// Each host as DNS entry, an IP address as IP entry too. No hosts: no extension.
int set_alternative_names(CertificateWriter& writer, const std::vector<std::string>& hosts);

int set_extended_usage(CertificateWriter& writer, LeafOptions::Use use);

/// The authority's own identifier, whichever way it was made; when it has none, no extension (RFC 5280 §4.2.1.1).
int set_authority_key_identifier(CertificateWriter& writer, const mbedtls_x509_crt& authority);

}  // namespace van::tls
