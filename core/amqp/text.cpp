#include "core/amqp/text.h"

#include <cstddef>
#include <cstring>

namespace van::amqp {
namespace {

constexpr std::uint32_t octet(char c) { return static_cast<std::uint8_t>(c); }

/// Octets of the sequence that `first` begins; 0: none does.
constexpr std::size_t sequence_length(std::uint32_t first) {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;  // continuation, or an overlong form of ASCII
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF5 ? 4 : 0;
}

/// The sequence is whole, made of continuations, and the shortest form of a scalar value.
bool is_sequence(std::string_view sequence) {
  if (sequence.size() == 1) return true;
  std::uint32_t code_point = octet(sequence[0]) & (0x7Fu >> sequence.size());
  for (const char c : sequence.substr(1)) {
    if ((octet(c) & 0xC0u) != 0x80u) return false;
    code_point = code_point << 6 | (octet(c) & 0x3Fu);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  return code_point >= kLeast[sequence.size()] && is_code_point(code_point);
}

}  // namespace

bool is_ascii(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::uint64_t seen = 0;
  if (text.size() < sizeof seen) {
    for (const char c : text) seen |= octet(c);
    return (seen & 0x80) == 0;
  }
  const auto eight = [text](std::size_t at) {
    std::uint64_t octets = 0;
    std::memcpy(&octets, text.data() + at, sizeof octets);
    return octets;
  };
  const std::size_t last = text.size() - sizeof seen;
  for (std::size_t at = 0; at < last; at += sizeof seen) seen |= eight(at);
  return ((seen | eight(last)) & kHighBits) == 0;
}

bool is_utf8(std::string_view text) {
  if (is_ascii(text)) return true;  // as nearly all is
  while (!text.empty()) {
    const std::size_t length = sequence_length(octet(text[0]));
    if (length == 0 || length > text.size() || !is_sequence(text.substr(0, length))) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace van::amqp
