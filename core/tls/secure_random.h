#pragma once

#include <cstddef>
#include <memory>

#include "core/base/random.h"

namespace van::tls {

/// SecureRandom from the operating system, stretched by mbedTLS's CTR-DRBG (which reseeds itself). May be used from
/// several threads.
class SystemRandom final : public SecureRandom {
 public:
  SystemRandom();  ///< ends the process when the system has no randomness to give
  ~SystemRandom() override;
  SystemRandom(const SystemRandom&) = delete;
  SystemRandom& operator=(const SystemRandom&) = delete;
  void fill(std::span<std::uint8_t> out) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The random function that mbedTLS asks for (`f_rng`), with a SecureRandom* as its context (`p_rng`). Gives 0.
int fill_random(void* secure_random, unsigned char* out, std::size_t count);

}  // namespace van::tls
