#include "core/tls/secure_random.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>

#include <algorithm>

#include "core/base/assert.h"
#include "core/tls/library.h"

namespace van::tls {

struct SystemRandom::State {
  Owned<mbedtls_entropy_context, mbedtls_entropy_init, mbedtls_entropy_free> entropy;
  Owned<mbedtls_ctr_drbg_context, mbedtls_ctr_drbg_init, mbedtls_ctr_drbg_free> generator;
};

SystemRandom::SystemRandom() : state_{std::make_unique<State>()} {
  const int seeded = mbedtls_ctr_drbg_seed(state_->generator.get(), mbedtls_entropy_func, state_->entropy.get(), nullptr, 0);
  VAN_ASSERT(seeded == 0);
}

SystemRandom::~SystemRandom() = default;

void SystemRandom::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const std::size_t count = std::min<std::size_t>(out.size(), MBEDTLS_CTR_DRBG_MAX_REQUEST);
    const int filled = mbedtls_ctr_drbg_random(state_->generator.get(), out.data(), count);
    VAN_ASSERT(filled == 0);
    out = out.subspan(count);
  }
}

int fill_random(void* secure_random, unsigned char* out, std::size_t count) {
  static_cast<SecureRandom*>(secure_random)->fill({out, count});
  return 0;
}

}  // namespace van::tls
