#include "core/link/backoff.h"

#include <array>
#include <vector>

#include "tests/support/catch.h"

namespace van::link {
using namespace std::chrono_literals;

namespace {

constexpr Backoff::Range kRange{.first = 1s, .longest = 10s};

/// The wait after `failures` failures in a row, once for each of many seeds.
std::vector<Duration> waits(int failures) {
  std::vector<Duration> all;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Rng rng{seed};
    Backoff backoff{kRange};
    for (int i = 1; i < failures; ++i) backoff.next(rng);
    all.push_back(backoff.next(rng));
  }
  return all;
}

}  // namespace

TEST_CASE("the wait is anywhere below a limit that doubles with each failure, up to the longest", "[link][backoff]") {
  constexpr std::array<Duration, 7> kLimits{1s, 2s, 4s, 8s, 10s, 10s, 10s};
  for (std::size_t i = 0; i < kLimits.size(); ++i) {
    CAPTURE(i);
    const std::vector<Duration> all = waits(static_cast<int>(i) + 1);
    const auto [least, most] = std::ranges::minmax(all);
    CHECK(least >= 0s);
    CHECK(least < kLimits[i] / 50);
    CHECK(most < kLimits[i]);
    CHECK(most > kLimits[i] * 49 / 50);
  }
}

TEST_CASE("the waits of many spread evenly over the range", "[link][backoff]") {
  std::array<int, 10> tenths{};
  for (const Duration wait : waits(3)) ++tenths[static_cast<std::size_t>(wait * 10 / Duration{4s})];
  for (const int count : tenths) {
    CHECK(count > 140);  // of 200
    CHECK(count < 260);
  }
}

TEST_CASE("after a success the limit begins anew", "[link][backoff]") {
  Rng rng{7};
  Backoff backoff{kRange};
  for (int i = 0; i < 20; ++i) backoff.next(rng);
  Duration most{};
  for (int i = 0; i < 500; ++i) {
    backoff.reset();
    most = std::max(most, backoff.next(rng));
  }
  CHECK(most < 1s);
  CHECK(most > 900ms);
}

TEST_CASE("the same random numbers give the same waits", "[link][backoff]") {
  Rng one{42};
  Rng two{42};
  Backoff first{kRange};
  Backoff second{kRange};
  for (int i = 0; i < 10; ++i) CHECK(first.next(one) == second.next(two));
}

TEST_CASE("a first limit above the longest one is not exceeded by the second", "[link][backoff]") {
  Rng rng{1};
  Backoff backoff{{.first = 5s, .longest = 3s}};
  backoff.next(rng);
  for (int i = 0; i < 200; ++i) CHECK(backoff.next(rng) < 3s);
}

}  // namespace van::link
