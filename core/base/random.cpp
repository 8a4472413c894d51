#include "core/base/random.h"

#include "core/base/assert.h"

namespace van {

std::uint64_t Rng::next() {
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

std::uint64_t Rng::below(std::uint64_t bound) {
  VAN_ASSERT(bound > 0);
  const std::uint64_t reject_below = (0 - bound) % bound;  // makes the rest a multiple of bound
  std::uint64_t value = next();
  while (value < reject_below) value = next();
  return value % bound;
}

double Rng::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::string Rng::discriminator(std::size_t length) {
  static constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_";
  static_assert(sizeof kAlphabet == 65);
  std::string text(length, ' ');
  for (char& c : text) c = kAlphabet[next() >> 58];
  return text;
}

}  // namespace van
