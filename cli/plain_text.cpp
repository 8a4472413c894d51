#include "cli/plain_text.h"

#include <cstdint>

namespace van::cli {
namespace {

/// Length of the UTF-8 character that `text` begins with, and its number; length 0 when it begins with none (RFC 3629
/// §3).
struct Character {
  std::size_t length = 0;
  std::uint32_t number = 0;
};

Character first_character(std::string_view text) {
  const auto byte = [text](std::size_t i) -> std::uint32_t { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  std::uint32_t number = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return {};
    number = number << 6u | (byte(i) & 0x3Fu);
  }
  const bool overlong = (length == 3 && number < 0x800) || (length == 4 && number < 0x10000);
  const bool surrogate = number >= 0xD800 && number <= 0xDFFF;
  if (overlong || surrogate || number > 0x10FFFF) return {};
  return {length, number};
}

bool steers_terminal(std::uint32_t number) {
  if (number < 0x20 || (number >= 0x7F && number < 0xA0)) return true;
  return number == 0x200E || number == 0x200F || (number >= 0x2028 && number <= 0x202E) ||
         (number >= 0x2066 && number <= 0x2069);
}

void append_escaped(std::string& to, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    to += "\\x";
    to += digits[byte >> 4u];
    to += digits[byte & 15u];
  }
}

std::string escape(std::string_view text, std::string_view kept) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    const std::string_view bytes = text.substr(0, character.length == 0 ? 1 : character.length);
    const bool shown = character.length != 0 && (!steers_terminal(character.number) || kept.find(bytes) != kept.npos);
    if (shown)
      result += bytes;
    else
      append_escaped(result, bytes);
    text.remove_prefix(bytes.size());
  }
  return result;
}

}  // namespace

std::string plain_text(std::string_view text) { return escape(text, ""); }
std::string plain_lines(std::string_view text) { return escape(text, "\n\t"); }

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text)
    if ((static_cast<unsigned char>(c) & 0xC0u) != 0x80u) ++count;
  return count;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = first_character(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace van::cli
