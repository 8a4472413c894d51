#include "agent/json_reader.h"

#include "tests/support/catch.h"

namespace van::agent {
namespace {

TEST_CASE("fields are read by their types", "[agent][json]") {
  JsonReader reader{R"({"a": "x", "n": 5, "f": true, "l": ["p", "q"], "s": 1.5, "nothing": null})"};
  CHECK(reader.text("a") == "x");
  CHECK(reader.optional_integer("n", 1, 10) == 5);
  CHECK(reader.flag("f"));
  CHECK(reader.texts("l") == std::vector<std::string>{"p", "q"});
  CHECK(reader.optional_seconds("s", std::chrono::seconds{10}) == std::chrono::milliseconds{1500});
  CHECK_FALSE(reader.optional_text("nothing"));
  CHECK_FALSE(reader.optional_text("absent"));
  CHECK_FALSE(reader.flag("absent"));
  CHECK(reader.finish());
}

std::string complaint(std::string_view body) {
  JsonReader reader{body};
  static_cast<void>(reader.text("name"));
  static_cast<void>(reader.optional_integer("count", 1, 10));
  static_cast<void>(reader.optional_seconds("wait", std::chrono::seconds{10}));
  static_cast<void>(reader.flag("flag"));
  static_cast<void>(reader.texts("list"));
  const auto done = reader.finish();
  if (done) return {};
  CHECK(done.error().code == Error::Code::bad_request);
  return done.error().message;
}

TEST_CASE("a body that is wrong names the field", "[agent][json]") {
  CHECK(complaint(R"({"name": "x"})").empty());
  CHECK(complaint("").find("'name' is missing") != std::string::npos);
  CHECK(complaint("[]") == "the body is not a JSON object");
  CHECK(complaint("{") == "the body is not a JSON object");
  CHECK(complaint("{\"name\": \"\xff\"}") == "the body is not a JSON object");
  CHECK(complaint(R"({"name": 1})").find("'name' must be a string") != std::string::npos);
  CHECK(complaint(R"({"name": "x", "nome": 1})").find("'nome' is not known") != std::string::npos);
  CHECK(complaint(R"({"name": "x", "flag": 1})").find("'flag'") != std::string::npos);
  CHECK(complaint(R"({"name": "x", "list": "a"})").find("'list'") != std::string::npos);
  CHECK(complaint(R"({"name": "x", "list": [1]})").find("'list'") != std::string::npos);
  CHECK(complaint(R"({"name": "x", "wait": -1})").find("'wait'") != std::string::npos);
  for (const char* count : {"0", "11", "1.5", "\"1\"", "18446744073709551615", "9223372036854775808", "1e3"}) {
    CAPTURE(count);
    CHECK(complaint(std::string{R"({"name": "x", "count": )"} + count + "}").find("'count'") != std::string::npos);
  }
}

TEST_CASE("a body can't be nested so deeply that it would use up the stack", "[agent][json]") {
  CHECK(complaint(std::string(500'000, '[')) == "the body is nested too deeply");
  CHECK(complaint(R"({"name": "[[[[[[[[[[[[[[[\"[[[["})").empty());
}

}  // namespace
}  // namespace van::agent
