#include "core/router/turns.h"

#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using router::StreamId;
using router::Turns;

TEST_CASE("turns: so many at once, the others in the order in which they asked", "[router][turns]") {
  Turns turns;
  const TimePoint now{1s};
  for (std::uint64_t i = 1; i <= Turns::kAtOnce; ++i) CHECK(turns.ask(StreamId{i}, now));
  CHECK_FALSE(turns.ask(StreamId{10}, now));
  CHECK_FALSE(turns.ask(StreamId{11}, now));
  CHECK_FALSE(turns.ask(StreamId{10}, now));  // keeps its place
  CHECK(turns.ask(StreamId{1}, now));         // has it
  CHECK(turns.held() == Turns::kAtOnce);

  CHECK(turns.leave(StreamId{3}, now) == StreamId{10});
  CHECK(turns.holds(StreamId{10}));
  CHECK_FALSE(turns.leave(StreamId{11}, now));  // it only waited
  CHECK_FALSE(turns.leave(StreamId{1}, now));
  CHECK_FALSE(turns.leave(StreamId{99}, now));
  CHECK(turns.held() == Turns::kAtOnce - 1);
  CHECK(turns.ask(StreamId{12}, now));
}

TEST_CASE("turns end when nothing is reported, but only while others wait", "[router][turns]") {
  Turns turns;
  TimePoint now{1s};
  for (std::uint64_t i = 1; i <= Turns::kAtOnce; ++i) REQUIRE(turns.ask(StreamId{i}, now));
  CHECK(turns.deadline() == kNever);
  now += 10s;
  CHECK(turns.expire(now).empty());

  REQUIRE_FALSE(turns.ask(StreamId{10}, now));
  REQUIRE_FALSE(turns.ask(StreamId{11}, now));
  for (std::uint64_t i = 2; i <= Turns::kAtOnce; ++i) turns.reported(StreamId{i}, now);
  CHECK(turns.expire(now) == std::vector{StreamId{10}});
  CHECK_FALSE(turns.holds(StreamId{1}));
  CHECK(turns.deadline() == now + Turns::kPatience);
  CHECK(turns.expire(now + Turns::kPatience - 1ms).empty());
  CHECK(turns.expire(now + Turns::kPatience) == std::vector{StreamId{11}});
  CHECK(turns.deadline() == kNever);
}
