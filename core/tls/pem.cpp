#include "core/tls/pem.h"

#include <mbedtls/platform_util.h>

#include <string>

namespace van::tls {
namespace {

constexpr std::string_view kCertificateStart = "-----BEGIN CERTIFICATE-----";

/// How many certificates could not be read; bad_certificate_file when that is all of them.
Expected<int, Error> parse_certificates(std::string_view pem, CertificateChain& chain) {
  if (const auto started = start_library(); !started) return Unexpected{started.error()};
  // Without the marker the library would try the text as DER.
  if (pem.find(kCertificateStart) == std::string_view::npos) {
    return Unexpected{Error{Error::Code::bad_certificate_file, "no certificate in PEM form found"}};
  }
  const std::string text{pem};
  const int unread = mbedtls_x509_crt_parse(chain.get(), reinterpret_cast<const unsigned char*>(text.c_str()), text.size() + 1);
  if (unread < 0) {
    return Unexpected{Error{Error::Code::bad_certificate_file, "the certificate can't be read: " + library_error(unread)}};
  }
  return unread;
}

std::string describe_key_error(int code) {
  if (code == MBEDTLS_ERR_PK_PASSWORD_REQUIRED) return "the key is protected by a password; give it without one";
  if (code == MBEDTLS_ERR_PK_UNKNOWN_PK_ALG) return "the key is of a kind that is not supported; use RSA, or ECDSA with P-256";
  return "the key can't be read: " + library_error(code);
}

}  // namespace

Expected<void, Error> read_certificates(std::string_view pem, CertificateChain& chain) {
  const auto unread = parse_certificates(pem, chain);
  if (!unread) return Unexpected{unread.error()};
  if (*unread > 0) {
    return Unexpected{Error{Error::Code::bad_certificate_file, std::to_string(*unread) + " of the certificates can't be read"}};
  }
  return {};
}

Expected<void, Error> read_authorities(std::string_view pem, CertificateChain& chain) {
  const auto unread = parse_certificates(pem, chain);
  if (!unread) return Unexpected{unread.error()};
  return {};
}

Expected<void, Error> read_key(std::string_view pem, Key& key, SecureRandom& random) {
  if (const auto started = start_library(); !started) return Unexpected{started.error()};
  if (pem.find("-----BEGIN ") == std::string_view::npos) {
    return Unexpected{Error{Error::Code::bad_key, "no key in PEM form found"}};
  }
  std::string text{pem};
  const int result = parse_key(key, text, random);
  mbedtls_platform_zeroize(text.data(), text.size());
  if (result != 0) return Unexpected{Error{Error::Code::bad_key, describe_key_error(result)}};
  return {};
}

Expected<void, Error> check_match(const CertificateChain& chain, const Key& key, SecureRandom& random) {
  if (check_pair(chain->pk, key, random) != 0) {
    return Unexpected{Error{Error::Code::key_mismatch, "the key does not belong to the certificate"}};
  }
  return {};
}

}  // namespace van::tls
