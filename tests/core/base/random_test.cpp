#include "core/base/random.h"

#include <array>
#include <set>

#include "tests/support/catch.h"

namespace van {
namespace {

TEST_CASE("the same seed gives the same numbers, on every platform", "[base][random]") {
  Rng rng{0};  // the published sequence of splitmix64
  CHECK(rng.next() == 0xE220A8397B1DCDAFu);
  CHECK(rng.next() == 0x6E789E6AA1B965F4u);
  CHECK(rng.next() == 0x06C45D188009454Fu);
}

TEST_CASE("numbers below a bound are below it and reach each of them", "[base][random]") {
  Rng rng{1};
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(rng.below(7));
  for (const int count : seen) CHECK((count > 800 && count < 1200));
  CHECK(rng.below(1) == 0);
  CHECK(rng.below(std::uint64_t{1} << 63) < std::uint64_t{1} << 63);
}

TEST_CASE("a unit number is at least 0 and below 1", "[base][random]") {
  Rng rng{2};
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double number = rng.unit();
    REQUIRE((number >= 0 && number < 1));
    sum += number;
  }
  CHECK((sum > 4800 && sum < 5200));
}

TEST_CASE("a discriminator has 15 characters of the routers' alphabet (control-plane, Notation)", "[base][random]") {
  Rng rng{3};
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = rng.discriminator();
    REQUIRE(text.size() == 15);
    REQUIRE(text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_") ==
            std::string::npos);
    seen.insert(text);
  }
  CHECK(seen.size() == 1000);
  CHECK(rng.discriminator(5).size() == 5);
}

}  // namespace
}  // namespace van
