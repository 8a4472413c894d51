#include "cli/duration_text.h"

#include "tests/support/catch.h"

using namespace van::cli;
using namespace std::chrono_literals;

TEST_CASE("durations are read as people write them", "[cli][duration]") {
  CHECK(parse_duration("0") == 0ms);
  CHECK(parse_duration("30") == 30s);
  CHECK(parse_duration("1.5") == 1500ms);
  CHECK(parse_duration("30s") == 30s);
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("15m") == 15min);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("1d2h3m4s5ms") == 26h + 3min + 4s + 5ms);
  CHECK(parse_duration("1h0.5s") == 1h + 500ms);
  CHECK(parse_duration("3660d") == kDurationMax);
}

TEST_CASE("what is no duration is refused", "[cli][duration]") {
  for (const std::string text : {"",
                                 " ",
                                 "s",
                                 "-1",
                                 "+1",
                                 "1 s",
                                 "1x",
                                 "1m1h",
                                 "1s1s",
                                 "1.",
                                 ".5",
                                 "1.5h30m",
                                 "5s3",
                                 "1e3",
                                 "0x10",
                                 "1h30",
                                 "ms",
                                 "3661d",
                                 "99999999999999999999",
                                 "1.5.5s",
                                 "1S"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("a duration is shown by its two largest units", "[cli][duration]") {
  CHECK(duration_text(0s) == "0s");
  CHECK(duration_text(-5s) == "0s");
  CHECK(duration_text(59s) == "59s");
  CHECK(duration_text(90s) == "1m30s");
  CHECK(duration_text(2h) == "2h");
  CHECK(duration_text(26h + 3min) == "1d2h");
  CHECK(duration_text(1h + 5s) == "1h");
}

TEST_CASE("a duration that is shown can be read again", "[cli][duration]") {
  for (const auto duration : {1s, 61s, 3600s, 7261s, 86400s, 90061s})
    CHECK(parse_duration(duration_text(duration)).has_value());
}
