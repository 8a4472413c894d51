#include "core/base/expected.h"

#include <memory>
#include <string>

#include "tests/support/catch.h"

namespace van {
namespace {

struct Failure {
  int code = 0;
};

Expected<int, Failure> half(int number) {
  if (number % 2 != 0) return Unexpected{Failure{number}};
  return number / 2;
}

TEST_CASE("an expected holds a value or an error", "[base][expected]") {
  const auto good = half(8);
  REQUIRE(good);
  CHECK(good.has_value());
  CHECK(*good == 4);
  CHECK(good.value() == 4);

  const auto bad = half(7);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == 7);
}

TEST_CASE("an expected gives what it holds away", "[base][expected]") {
  Expected<std::unique_ptr<int>, Failure> owner{std::make_unique<int>(5)};
  CHECK(**owner == 5);
  const std::unique_ptr<int> taken = std::move(owner).value();
  CHECK(*taken == 5);
}

TEST_CASE("an expected is made from what converts to its value or error", "[base][expected]") {
  const Expected<std::string, std::string> value{"text"};
  CHECK(value->size() == 4);
  const Expected<std::string, std::string> error{Unexpected{"reason"}};
  REQUIRE_FALSE(error);
  CHECK(error.error() == "reason");
}

TEST_CASE("an expected without value says success or failure", "[base][expected]") {
  const Expected<void, Failure> good;
  CHECK(good);
  const Expected<void, Failure> bad{Unexpected{Failure{3}}};
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == 3);
}

}  // namespace
}  // namespace van
