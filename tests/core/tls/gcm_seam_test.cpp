// The seam between mbedTLS and libcrypto: is it there, and does it compute what AES-GCM is?
#include <mbedtls/gcm.h>

#include <algorithm>

#include "core/base/random.h"
#include "core/tls/aead.h"
#include "core/tls/secure_random.h"
#include "core/tls/self_check.h"
#include "tests/core/tls/session_pair.h"
#include "tests/support/catch.h"

using namespace van;

namespace {

Bytes random_bytes(Rng& rng, std::size_t count) {
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  return bytes;
}

class Gcm {
 public:
  Gcm() { mbedtls_gcm_init(&context_); }
  ~Gcm() { mbedtls_gcm_free(&context_); }
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;
  mbedtls_gcm_context* get() { return &context_; }
  int set_key(const Bytes& key) {
    return mbedtls_gcm_setkey(&context_, MBEDTLS_CIPHER_ID_AES, key.data(), static_cast<unsigned>(key.size() * 8));
  }

 private:
  mbedtls_gcm_context context_;
};

}  // namespace

TEST_CASE("AES-GCM gives the NIST vector, and it is the fast one", "[tls][seam]") {
  const tls::SelfCheck check = tls::run_self_check();
  CHECK(check.vector_ok);
  CHECK(check.seam_active);
}

TEST_CASE("the records of a session go through the seam", "[tls][seam]") {
  tls::SystemRandom random;
  const test::Identities identities{random};
  const auto client = test::client_context(identities.client_options());
  const auto server = test::server_context(identities.server_options());
  test::SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  REQUIRE(pair.both_done());
  if (pair.client.session->peer().cipher.find("GCM") == std::string::npos) return;  // a machine without AES instructions
  const std::uint64_t before = tls::aead_operations();
  pair.client.send(as_bytes("x"));
  pair.settle();
  CHECK(tls::aead_operations() == before + 2);
}

TEST_CASE("what is sealed is opened again, in place and not, for every length", "[tls][seam]") {
  Rng rng{1};
  const std::size_t key_bytes = GENERATE(16u, 32u);
  const Bytes key = random_bytes(rng, key_bytes);
  Gcm gcm;
  REQUIRE(gcm.set_key(key) == 0);
  for (std::size_t length = 0; length < 300; ++length) {
    const Bytes iv = random_bytes(rng, 12);
    const Bytes aad = random_bytes(rng, length % 21);
    const Bytes plaintext = random_bytes(rng, length);
    Bytes sealed(length);
    Bytes tag(16);
    REQUIRE(mbedtls_gcm_crypt_and_tag(gcm.get(), MBEDTLS_GCM_ENCRYPT, length, iv.data(), iv.size(), aad.data(), aad.size(),
                                      plaintext.data(), sealed.data(), tag.size(), tag.data()) == 0);
    Bytes in_place = plaintext;
    Bytes second_tag(16);
    REQUIRE(mbedtls_gcm_crypt_and_tag(gcm.get(), MBEDTLS_GCM_ENCRYPT, length, iv.data(), iv.size(), aad.data(), aad.size(),
                                      in_place.data(), in_place.data(), second_tag.size(), second_tag.data()) == 0);
    REQUIRE(in_place == sealed);
    REQUIRE(second_tag == tag);
    Bytes opened(length);
    REQUIRE(mbedtls_gcm_auth_decrypt(gcm.get(), length, iv.data(), iv.size(), aad.data(), aad.size(), tag.data(), tag.size(),
                                     sealed.data(), opened.data()) == 0);
    REQUIRE(opened == plaintext);
  }
}

TEST_CASE("a flipped bit anywhere is found, and the output is wiped", "[tls][seam]") {
  Rng rng{2};
  Gcm gcm;
  REQUIRE(gcm.set_key(random_bytes(rng, 16)) == 0);
  const Bytes iv = random_bytes(rng, 12);
  const Bytes aad = random_bytes(rng, 13);
  const Bytes plaintext = random_bytes(rng, 40);
  Bytes sealed(40);
  Bytes tag(16);
  REQUIRE(mbedtls_gcm_crypt_and_tag(gcm.get(), MBEDTLS_GCM_ENCRYPT, 40, iv.data(), 12, aad.data(), 13, plaintext.data(), sealed.data(), 16,
                                    tag.data()) == 0);
  const auto open = [&gcm](const Bytes& with_iv, const Bytes& with_aad, const Bytes& with_sealed, const Bytes& with_tag) {
    Bytes opened(40, 0xaa);
    const int result = mbedtls_gcm_auth_decrypt(gcm.get(), 40, with_iv.data(), 12, with_aad.data(), 13, with_tag.data(), 16,
                                                with_sealed.data(), opened.data());
    if (result != 0) CHECK(opened == Bytes(40, 0));
    return result;
  };
  REQUIRE(open(iv, aad, sealed, tag) == 0);
  const auto check_each_byte = [](Bytes bytes, const auto& open_with) {
    for (auto& byte : bytes) {
      byte ^= 1;
      CHECK(open_with(bytes) == MBEDTLS_ERR_GCM_AUTH_FAILED);
      byte ^= 1;
    }
  };
  check_each_byte(iv, [&](const Bytes& changed) { return open(changed, aad, sealed, tag); });
  check_each_byte(aad, [&](const Bytes& changed) { return open(iv, changed, sealed, tag); });
  check_each_byte(sealed, [&](const Bytes& changed) { return open(iv, aad, changed, tag); });
  check_each_byte(tag, [&](const Bytes& changed) { return open(iv, aad, sealed, changed); });
}

TEST_CASE("the seam refuses what TLS does not use", "[tls][seam]") {
  Rng rng{3};
  Gcm gcm;
  Bytes bytes(32);
  Bytes tag(16);
  const auto seal = [&](std::size_t iv_bytes, std::size_t tag_bytes, int mode) {
    return mbedtls_gcm_crypt_and_tag(gcm.get(), mode, 32, bytes.data(), iv_bytes, nullptr, 0, bytes.data(), bytes.data(), tag_bytes, tag.data());
  };
  CHECK(seal(12, 16, MBEDTLS_GCM_ENCRYPT) == MBEDTLS_ERR_GCM_BAD_INPUT);  // no key yet
  const Bytes key = random_bytes(rng, 24);
  CHECK(gcm.set_key(key) == MBEDTLS_ERR_GCM_BAD_INPUT);
  CHECK(mbedtls_gcm_setkey(gcm.get(), MBEDTLS_CIPHER_ID_CAMELLIA, key.data(), 128) == MBEDTLS_ERR_GCM_BAD_INPUT);
  REQUIRE(gcm.set_key(random_bytes(rng, 16)) == 0);
  REQUIRE(gcm.set_key(random_bytes(rng, 32)) == 0);  // a second key replaces the first
  CHECK(seal(12, 16, MBEDTLS_GCM_ENCRYPT) == 0);
  CHECK(seal(11, 16, MBEDTLS_GCM_ENCRYPT) == MBEDTLS_ERR_GCM_BAD_INPUT);
  CHECK(seal(12, 12, MBEDTLS_GCM_ENCRYPT) == MBEDTLS_ERR_GCM_BAD_INPUT);
  CHECK(seal(12, 16, MBEDTLS_GCM_DECRYPT) == MBEDTLS_ERR_GCM_BAD_INPUT);
}
