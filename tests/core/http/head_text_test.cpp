#include "core/http/head_text.h"

#include <string>

#include "core/base/limits.h"
#include "tests/support/catch.h"

namespace van::http {
namespace {

/// What is read out of a head that comes in pieces: its lines and how much follows, or what is wrong with it.
std::string lines(std::string_view octets, std::size_t piece = std::string_view::npos) {
  HeadText head;
  while (!head.whole() && !octets.empty()) {
    const auto used = head.feed(as_bytes(octets.substr(0, piece)));
    if (!used) return std::to_string(used.error().status) + " " + std::string{used.error().what};
    octets.remove_prefix(*used);
  }
  if (!head.whole()) return "…";
  std::string text{head.start_line()};
  for (const Field& field : head.fields()) {
    text.append(";").append(field.name).append("=").append(field.value);
    if (field.usual) CHECK(field.line() == std::string{field.name}.append(": ").append(field.value).append("\r\n"));
  }
  return text + " +" + std::to_string(octets.size());
}

void check_split(std::string_view octets, const std::string& expected) {
  CAPTURE(octets.size());
  for (const std::size_t piece : {std::string_view::npos, std::size_t{1}, std::size_t{2}, std::size_t{1000}, std::size_t{1023}, std::size_t{1024}, std::size_t{1025}})
    CHECK(lines(octets, piece) == expected);
}

TEST_CASE("a head is cut into the same lines in any split, also when it outgrows the room for it", "[http][head]") {
  std::string head = "\r\nSTART\r\n";
  std::string expected = "START";
  for (std::size_t count = 1; count < 100; ++count) {
    const std::string value(count, 'v');
    head += "n" + std::to_string(count) + (count % 3 == 0 ? ":\t" : ": ") + value + (count % 5 == 0 ? " \r\n" : "\r\n");
    expected += ";n" + std::to_string(count) + "=" + value;
    if (count % 7 == 0) check_split(head + "\r\nrest", expected + " +4");
  }
  check_split(head + "\r\n" + std::string(5000, '\n'), expected + " +5000");
  check_split(head, "…");
}

TEST_CASE("what is wrong first is said in any split, and a field that is none only at the end of the head", "[http][head]") {
  const std::string begin = "START\r\na: b\r\n";
  const std::string filler = "x: " + std::string(1500, 'y') + "\r\n";
  check_split(begin + "no colon\r\nc : d\r\n" + filler + "\r\n", "400 a header line has no colon");
  check_split(begin + "c : d\r\nno colon\r\n" + filler + "\r\n", "400 a header has no valid name");
  check_split(begin + " c: d\r\n" + filler + "\r\n", "400 a header line goes on in the next one");
  check_split(begin + "c: \x01\r\n" + filler + "\r\n", "400 a header's value has a control character");
  check_split(begin + "no colon\r\n" + filler, "…");
  check_split(begin + "no colon\r\n" + filler + "c: d\n\r\n", "400 a line does not end in CR LF");
  check_split(begin + "no colon\r\n" + filler + "c: " + std::string(limits::kHttpLineBytes, 'd'), "431 a header line is too long");
  check_split("no colon" + std::string(limits::kHttpLineBytes, 'd'), "414 the request line is too long");

  std::string most = begin + "no colon\r\n";
  for (std::size_t count = 2; count < limits::kHttpFields; ++count) most += "x:\r\n";
  check_split(most, "…");
  check_split(most + "x:\r\n", "431 there are too many headers");
  std::string longest = begin + "no colon\r\n";
  while (longest.size() + filler.size() < limits::kHttpHeadBytes) longest += filler;
  check_split(longest + std::string(limits::kHttpHeadBytes - longest.size(), 'z'), "…");
  check_split(longest + std::string(limits::kHttpHeadBytes - longest.size() + 1, 'z'), "431 the headers are too long");
  check_split(longest + std::string(limits::kHttpHeadBytes, 'z'), "431 the headers are too long");
}

TEST_CASE("a reader of heads is used again", "[http][head]") {
  HeadText head;
  for (const std::size_t size : {std::size_t{1}, std::size_t{60000}, std::size_t{5000}, std::size_t{10}}) {
    std::string text = "\r\nSTART\r\n";
    for (std::size_t left = size; left > 0; left -= std::min<std::size_t>(left, 6000)) text += "x: " + std::string(std::min<std::size_t>(left, 6000), 'y') + "\r\n";
    text += "\r\n";
    REQUIRE(head.feed(as_bytes(text + "more")).value() == text.size());
    REQUIRE(head.whole());
    CHECK(head.start_line() == "START");
    CHECK(head.fields().size() == (size + 5999) / 6000);
    CHECK(head.feed(as_bytes("more")).value() == 0);
    head.reset();
    CHECK_FALSE(head.begun());
    CHECK(head.fields().empty());
  }
}

}  // namespace
}  // namespace van::http
