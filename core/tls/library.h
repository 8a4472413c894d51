#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include <string>

#include "core/base/expected.h"
#include "core/base/random.h"
#include "core/tls/error.h"

// Private to core/tls: mbedTLS 2.28 and 3.x under one roof. 3.x marks the members of its structures.
#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

namespace van::tls {

/// One structure of the library with its init and free functions.
template <class T, void (*init)(T*), void (*release)(T*)>
class Owned {
 public:
  Owned() { init(&value_); }
  ~Owned() { release(&value_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  [[nodiscard]] T* get() { return &value_; }
  [[nodiscard]] const T* get() const { return &value_; }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }

 private:
  T value_;
};

using CertificateChain = Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;
using Key = Owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;

/// Makes the library ready (once), and checks that the one loaded is the one whose headers we have: their
/// structures differ. Call it before any other function of the library. Errors: internal.
Expected<void, Error> start_library();

/// The library's text for one of its error codes.
std::string library_error(int code);

/// mbedtls_pk_parse_key and mbedtls_pk_check_pair of either version. `pem` ends with a zero byte.
int parse_key(Key& key, const std::string& pem, SecureRandom& random);
int check_pair(const mbedtls_pk_context& public_key, const Key& private_key, SecureRandom& random);

}  // namespace van::tls
