#pragma once

#include "core/base/bytes.h"
#include "core/tls/certificate.h"
#include "core/tls/library.h"

namespace van::tls {

// Private to core/tls: what a parsed certificate says.

CertificateInfo describe(const mbedtls_x509_crt& certificate);

/// Whether an IP entry of the alternative names is this address. mbedTLS 2.28 does not look at them (tokens 9.3).
bool names_address(const mbedtls_x509_crt& certificate, ByteView address);

/// The last common name of a subject or issuer, as found.
std::string common_name(const mbedtls_x509_name& name);

WallTime wall_time(const mbedtls_x509_time& time);

/// "2026-01-02", UTC.
std::string date_text(WallTime time);

}  // namespace van::tls
