#include "core/http/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace van::http {
namespace {

enum : std::uint8_t { kToken = 1, kFieldText = 2, kDigit = 4 };

constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0x21; c < 256; ++c)
    if (c != 0x7f) classes[c] = kFieldText;
  classes[' '] = classes['\t'] = kFieldText;
  for (unsigned c = '0'; c <= '9'; ++c) classes[c] |= kToken | kDigit;
  for (unsigned c = 'a'; c <= 'z'; ++c) classes[c] |= kToken;
  for (unsigned c = 'A'; c <= 'Z'; ++c) classes[c] |= kToken;
  for (const char c : std::string_view{"!#$%&'*+-.^_`|~"}) classes[static_cast<unsigned char>(c)] |= kToken;
  return classes;
}();

bool is(char c, std::uint8_t what) { return (kClasses[static_cast<unsigned char>(c)] & what) != 0; }
bool all(std::string_view text, std::uint8_t what) {
  return std::ranges::all_of(text, [what](char c) { return is(c, what); });
}
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_space(char c) { return c == ' ' || c == '\t'; }

}  // namespace

bool is_token_char(char c) { return is(c, kToken); }
bool is_token(std::string_view text) { return !text.empty() && all(text, kToken); }
bool is_field_text(std::string_view text) { return all(text, kFieldText); }
bool is_digits(std::string_view text) { return !text.empty() && all(text, kDigit); }

bool same_letters(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, [](char a, char b) { return a == b || lower(a) == lower(b); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace van::http
