#include "core/http/text.h"

#include <cctype>
#include <string>

#include "core/http/field_name.h"
#include "tests/support/catch.h"

namespace van::http {
namespace {

TEST_CASE("each octet is judged alike wherever it stands", "[http][text]") {
  for (unsigned octet = 0; octet < 256; ++octet) {
    const bool control = octet < 0x20 || octet == 0x7f;
    const bool token = octet < 0x80 && (std::isalnum(static_cast<int>(octet)) != 0 || std::string_view{"!#$%&'*+-.^_`|~"}.find(static_cast<char>(octet)) != std::string_view::npos);
    for (std::size_t size = 1; size < 20; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(octet);
        CAPTURE(octet, size, at);
        REQUIRE(is_field_text(text) == (!control || octet == '\t'));
        REQUIRE(is_target_text(text) == (!control && octet != ' ' && octet != '#'));
        REQUIRE(token_size(text) == (token ? size : at));
        REQUIRE(is_token(text) == token);
        REQUIRE(is_digits(text) == (size == 1 && octet >= '0' && octet <= '9'));
      }
    }
  }
  CHECK(is_field_text(""));
  CHECK_FALSE(is_token(""));
  CHECK_FALSE(is_digits(""));
}

TEST_CASE("a value with a control character is not saved by octets beside it", "[http][text]") {
  for (unsigned octet = 0; octet < 256; ++octet)
    for (const char control : {'\0', '\x1f', '\x7f', '\r', '\n'})
      for (std::size_t at = 0; at < 16; ++at) {
        std::string text(16, static_cast<char>(octet));
        text[at] = control;
        REQUIRE_FALSE(is_field_text(text));
      }
}

TEST_CASE("a known name is known in either case, and no other is", "[http][text]") {
  constexpr std::pair<std::string_view, FieldName> kNames[] = {
      {"close", FieldName::close}, {"Connection", FieldName::connection}, {"Content-Length", FieldName::content_length}, {"Expect", FieldName::expect},
      {"Forwarded", FieldName::forwarded}, {"Host", FieldName::host}, {"Keep-Alive", FieldName::keep_alive}, {"Max-Forwards", FieldName::max_forwards},
      {"Proxy-Connection", FieldName::proxy_connection}, {"TE", FieldName::te}, {"Transfer-Encoding", FieldName::transfer_encoding},
      {"Upgrade", FieldName::upgrade}, {"Via", FieldName::via}, {"X-Forwarded-For", FieldName::x_forwarded_for},
      {"X-Forwarded-Host", FieldName::x_forwarded_host}, {"X-Forwarded-Proto", FieldName::x_forwarded_proto}};
  for (const auto& [name, known] : kNames) {
    CAPTURE(name);
    std::string upper{name}, lower{name};
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    CHECK(field_name_of(name) == known);
    CHECK(field_name_of(upper) == known);
    CHECK(field_name_of(lower) == known);
    CHECK(field_name_of(upper.substr(1)) == FieldName::other);
    CHECK(field_name_of(upper + "s") == FieldName::other);
    for (std::size_t at = 0; at < name.size(); ++at) {
      for (unsigned octet = 0; octet < 256; ++octet) {
        std::string changed = lower;
        changed[at] = static_cast<char>(octet);
        REQUIRE(field_name_of(changed) == (changed[at] == lower[at] || changed[at] == upper[at] ? known : FieldName::other));
      }
    }
  }
  CHECK(field_name_of("") == FieldName::other);
}

}  // namespace
}  // namespace van::http
