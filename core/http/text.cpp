#include "core/http/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace van::http {
namespace {

enum : std::uint8_t { kToken = 1, kFieldText = 2, kTarget = 4, kHost = 8 };

constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&classes](std::string_view characters, int what) {
    for (const char c : characters) classes[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(what);
  };
  for (unsigned c = 0x21; c < 256; ++c)
    if (c != 0x7f) classes[c] = c == '#' ? kFieldText : kFieldText | kTarget;
  add(" \t", kFieldText);
  add("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!$%&'*+-._~", kToken | kHost);
  add("#^`|", kToken);
  add("(),;=", kHost);
  return classes;
}();

bool is(char c, std::uint8_t what) { return (kClasses[static_cast<unsigned char>(c)] & what) != 0; }
std::size_t count_first(std::string_view text, std::uint8_t what) {
  std::size_t count = 0;
  while (count < text.size() && is(text[count], what)) ++count;
  return count;
}
bool all(std::string_view text, std::uint8_t what) { return count_first(text, what) == text.size(); }

/// False: there is no control character among these eight octets. They are the digits of a number; one that is too small for what is
/// taken from all borrows from its top bit, and DEL with one more has it.
bool maybe_control(const char* eight) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  std::uint64_t octets = 0;
  std::memcpy(&octets, eight, sizeof octets);
  return (((octets - kEach * ' ') | (octets + kEach)) & ~octets & (kEach * 0x80)) != 0;
}

}  // namespace

bool is_token_char(char c) { return is(c, kToken); }
bool is_target_text(std::string_view text) { return all(text, kTarget); }
bool is_host_text(std::string_view text) { return all(text, kHost); }
bool is_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

std::size_t token_size(std::string_view text) { return count_first(text, kToken); }

bool is_field_text(std::string_view text) {
  constexpr std::size_t kAtOnce = 8;
  if (text.size() < kAtOnce) return all(text, kFieldText);
  const std::size_t last = text.size() - kAtOnce;
  bool maybe = maybe_control(text.data() + last);
  for (std::size_t at = 0; at < last && !maybe; at += kAtOnce) maybe = maybe_control(text.data() + at);
  return !maybe || all(text, kFieldText);
}

}  // namespace van::http
