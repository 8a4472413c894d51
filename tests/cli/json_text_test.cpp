#include "cli/json_text.h"

#include "tests/support/catch.h"

using namespace van::cli;

TEST_CASE("JSON keeps the order of its fields", "[cli][json]") {
  CHECK(compact_json(parse_json(R"({"b": 1, "a": [true, null]})").value()) == R"({"b":1,"a":[true,null]})");
}

TEST_CASE("what is no JSON is refused", "[cli][json]") {
  for (const std::string text : {"", "{", "{}x", "nul", "\"\xff\""}) {
    CAPTURE(text);
    CHECK_FALSE(parse_json(text).has_value());
  }
}

TEST_CASE("JSON that is nested without end is refused", "[cli][json]") {
  CHECK(parse_json(std::string(20, '[') + std::string(20, ']')).has_value());
  CHECK_FALSE(parse_json(std::string(100'000, '[') + std::string(100'000, ']')).has_value());
}

TEST_CASE("text that is not UTF-8 can't be sent, but can be shown", "[cli][json]") {
  CHECK_FALSE(compact_json(Json{{"a", "\xff"}}).has_value());
  CHECK(pretty_json(Json{{"a", "\xff"}}) == "{\n  \"a\": \"\xef\xbf\xbd\"\n}\n");
}
