#include "core/tls/library.h"

#include <mbedtls/error.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif

#include "core/tls/secure_random.h"

namespace van::tls {

Expected<void, Error> start_library() {
  if (mbedtls_version_get_number() >> 24 != MBEDTLS_VERSION_MAJOR) {
    return Unexpected{Error{Error::Code::internal, "the mbedTLS library loaded is not of the version this program was built for"}};
  }
#if MBEDTLS_VERSION_MAJOR >= 3
  static const psa_status_t started = psa_crypto_init();
  if (started != PSA_SUCCESS) return Unexpected{Error{Error::Code::internal, "mbedTLS does not start: PSA error " + std::to_string(started)}};
#endif
  return {};
}

std::string library_error(int code) {
  char text[160] = {};
  mbedtls_strerror(code, text, sizeof text);
  return text;
}

// The lengths count the zero byte: that is how the library tells PEM from DER.
int parse_key(Key& key, const std::string& pem, SecureRandom& random) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(pem.c_str());
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_parse_key(key.get(), bytes, pem.size() + 1, nullptr, 0, fill_random, &random);
#else
  static_cast<void>(random);
  return mbedtls_pk_parse_key(key.get(), bytes, pem.size() + 1, nullptr, 0);
#endif
}

int check_pair(const mbedtls_pk_context& public_key, const Key& private_key, SecureRandom& random) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_check_pair(&public_key, private_key.get(), fill_random, &random);
#else
  static_cast<void>(random);
  return mbedtls_pk_check_pair(&public_key, private_key.get());
#endif
}

}  // namespace van::tls
