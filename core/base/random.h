#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace van {

/// Seeded pseudo-random numbers (splitmix64): jitter, ids on the wire, tie-breaks. The same seed gives the same
/// numbers on every platform. Not for secrets.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_{seed} {}
  std::uint64_t next();
  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double unit();
  /// `length` characters of a-z A-Z 0-9 + _, as routers use in names ("discriminator": 15 of them).
  std::string discriminator(std::size_t length = 15);

 private:
  std::uint64_t state_;
};

/// Randomness for keys, tokens and nonces, from the operating system. Handed in where it is needed.
class SecureRandom {
 public:
  virtual ~SecureRandom() = default;
  /// Fills all of `out`; ends the process when the system has no randomness to give.
  virtual void fill(std::span<std::uint8_t> out) = 0;
};

}  // namespace van
