#pragma once

#include <chrono>
#include <string>

#include "agent/token.h"
#include "core/io/loop.h"
#include "core/tls/certificate.h"
#include "core/tls/secure_random.h"
#include "tests/support/catch.h"

namespace van::test {

struct CredentialDates {
  std::chrono::seconds age{0};  ///< made so long ago
  std::chrono::seconds authority{std::chrono::hours{24}};    ///< validity from then
  std::chrono::seconds certificate{std::chrono::hours{24}};
};

/// An authority of its own, and a client certificate of it.
inline agent::Credentials make_credentials(const CredentialDates& dates = {}) {
  tls::SystemRandom random;
  const auto now = std::chrono::system_clock::now() - dates.age;
  const auto authority = tls::create_authority({.common_name = "test CA", .now = now, .validity = dates.authority}, random);
  REQUIRE(authority);
  const auto client =
      tls::issue(*authority, {.common_name = "client", .hosts = {}, .now = now, .validity = dates.certificate}, random);
  REQUIRE(client);
  return {authority->certificate_pem, client->certificate_pem, client->key_pem};
}

}  // namespace van::test
