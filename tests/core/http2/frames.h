#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/slice.h"
#include "core/http2/session.h"

namespace van::http2::test {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum Type : std::uint8_t { data = 0, headers = 1, priority = 2, rst_stream = 3, settings = 4, push_promise = 5, ping = 6, goaway = 7, window_update = 8, continuation = 9 };
inline constexpr std::uint8_t kEnd = 1, kAck = 1, kEndHeaders = 4;

inline void put_u32(std::string& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(value >> shift);
}
inline std::string u32(std::uint32_t value) {
  std::string text;
  put_u32(text, value);
  return text;
}

/// RFC 9113 §4.1.
inline std::string frame(Type type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = {}) {
  std::string text;
  put_u32(text, static_cast<std::uint32_t>(payload.size()) << 8 | type);
  text += static_cast<char>(flags);
  put_u32(text, stream);
  return text.append(payload);
}

/// RFC 7541 §6.2.2: literals without indexing. Names and values below 127 octets.
inline std::string literals(const Headers& lines) {
  std::string block;
  for (const Header& line : lines) {
    block += '\0';
    for (const std::string* text : {&line.name, &line.value}) {
      block += static_cast<char>(text->size());
      block += *text;
    }
  }
  return block;
}

inline const Headers kGet{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "mill"}};

struct Frame {
  std::uint8_t type = 0, flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
  [[nodiscard]] std::uint32_t code(std::size_t at) const {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<std::uint8_t>(payload[i]);
    return value;
  }
};

inline std::vector<Frame> frames_of(std::string_view text) {
  std::vector<Frame> frames;
  if (text.starts_with(kPreface)) text.remove_prefix(kPreface.size());
  while (text.size() >= 9) {
    const auto octet = [&text](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    const std::size_t size = static_cast<std::size_t>(octet(0)) << 16 | static_cast<std::size_t>(octet(1)) << 8 | octet(2);
    Frame read{octet(3), octet(4), static_cast<std::uint32_t>(octet(5) << 24 | octet(6) << 16 | octet(7) << 8 | octet(8)), {}};
    read.payload = std::string{text.substr(9, size)};
    frames.push_back(std::move(read));
    text.remove_prefix(9 + std::min(size, text.size() - 9));
  }
  return frames;
}

inline std::string output_of(Session& session, std::size_t budget = 1u << 30) {
  SliceQueue output;
  session.take_output(output, budget);
  const Bytes bytes = output.peek(output.bytes());
  return std::string{as_text(bytes)};
}

inline std::vector<Event> events_of(Session& session) {
  std::vector<Event> events;
  while (auto event = session.poll_event()) events.push_back(*std::move(event));
  return events;
}

inline void receive(Session& session, std::string_view text, TimePoint now = {}) { session.receive(Slice::copy_of(as_bytes(text)), now); }

/// The error code of the last GOAWAY, or of the last RST_STREAM on `stream`.
inline std::optional<std::uint32_t> goaway_in(const std::vector<Frame>& frames) {
  std::optional<std::uint32_t> code;
  for (const Frame& each : frames)
    if (each.type == goaway) code = each.code(4);
  return code;
}
inline std::optional<std::uint32_t> reset_in(const std::vector<Frame>& frames, std::uint32_t stream) {
  std::optional<std::uint32_t> code;
  for (const Frame& each : frames)
    if (each.type == rst_stream && each.stream == stream) code = each.code(0);
  return code;
}

}  // namespace van::http2::test
