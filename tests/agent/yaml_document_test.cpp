#include "agent/yaml_document.h"

#include "tests/support/catch.h"

namespace van::agent {
namespace {

constexpr YamlLimits kLimits{.bytes = 4096, .documents = 4, .values = 100, .depth = 6};

std::vector<YamlValue> parsed(std::string_view text) {
  const auto documents = parse_yaml(text, kLimits);
  INFO(text);
  INFO((documents ? std::string{} : documents.error()));
  REQUIRE(documents);
  return *documents;
}
bool refused(std::string_view text, std::string_view why = {}) {
  const auto documents = parse_yaml(text, kLimits);
  return !documents && documents.error().find(why) != std::string::npos;
}

TEST_CASE("scalars are texts whatever they look like", "[agent][yaml]") {
  const auto documents = parsed("a: 1\nb: \"2\"\nc: true\nd: 0x10\ne: ~\nf: |\n  two\n  lines\n");
  REQUIRE(documents.size() == 1);
  const YamlValue& map = documents[0];
  CHECK(map["a"].text() == "1");
  CHECK(map["b"].text() == "2");
  CHECK(map["c"].text() == "true");
  CHECK(map["d"].text() == "0x10");
  CHECK(map["e"].kind == YamlValue::Kind::null);
  CHECK(map["f"].text() == "two\nlines\n");
  CHECK(map["f"].line == 6);
  CHECK(map["absent"].kind == YamlValue::Kind::null);
  CHECK(map["a"]["below"]["nothing"].text().empty());
}

TEST_CASE("documents come in any number, and empty ones are left out", "[agent][yaml]") {
  CHECK(parsed("").empty());
  CHECK(parsed("---\n---\n").empty());
  CHECK(parsed("---\na: 1\n---\n---\nb: 2\n...\n").size() == 2);
  CHECK(parsed("# only a remark\n").empty());
}

TEST_CASE("JSON documents may follow each other without separator", "[agent][yaml]") {
  const auto documents = parsed("{\"a\": {\"b\": [1, \"x\"]}}\n{\n    \"c\": \"d\"\n}\n");
  REQUIRE(documents.size() == 2);
  CHECK(documents[0]["a"]["b"].elements.at(1).text() == "x");
  CHECK(documents[1]["c"].text() == "d");
}

TEST_CASE("every limit of a YAML text is kept", "[agent][yaml]") {
  CHECK(refused(std::string(4097, ' '), "longer than 4096 bytes"));
  CHECK(refused("a\n---\na\n---\na\n---\na\n---\na\n", "too many documents"));
  CHECK(refused("[[[[[[[1]]]]]]]", "nested too deeply"));
  CHECK_FALSE(refused("[[[[[1]]]]]"));
  std::string many = "[";
  for (int i = 0; i < 120; ++i) many += "1,";
  CHECK(refused(many + "1]", "too many values"));
}

TEST_CASE("aliases are refused, so no text can grow when it is read", "[agent][yaml]") {
  CHECK(refused("a: &x [1, 2]\nb: [*x, *x]\n", "line 2: aliases"));
}

TEST_CASE("what is no YAML is refused with its line", "[agent][yaml]") {
  CHECK(refused("a: 1\nb: [1, 2\n", "line"));
  CHECK(refused("a: 'open", "line"));
  CHECK(refused(std::string_view{"a\0b", 3}, "zero byte"));
}

TEST_CASE("a YAML text cut at any place is read or refused", "[agent][yaml]") {
  const std::string text = "---\na: {b: [1, 'two', \"thr\\u0065e\"]}\n---\nc: |\n  d\n- e\n";
  for (std::size_t size = 0; size <= text.size(); ++size)
    static_cast<void>(parse_yaml(std::string_view{text}.substr(0, size), kLimits));
}

}  // namespace
}  // namespace van::agent
