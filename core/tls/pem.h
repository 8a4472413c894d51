#pragma once

#include <string_view>

#include "core/tls/library.h"

namespace van::tls {

// Private to core/tls: PEM texts into the library's structures. Certificates and keys in any order and with
// other text between them; only the blocks asked for are read.

/// Every certificate, in order. Errors: bad_certificate_file when there is none, or one can't be read.
Expected<void, Error> read_certificates(std::string_view pem, CertificateChain& chain);

/// The certificates that can be read, at least one. Errors: bad_certificate_file.
Expected<void, Error> read_authorities(std::string_view pem, CertificateChain& chain);

/// The first private key: PKCS#1, SEC1 or PKCS#8. Errors: bad_key.
Expected<void, Error> read_key(std::string_view pem, Key& key, SecureRandom& random);

/// Errors: key_mismatch.
Expected<void, Error> check_match(const CertificateChain& chain, const Key& key, SecureRandom& random);

}  // namespace van::tls
