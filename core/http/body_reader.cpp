#include "core/http/body_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "core/base/limits.h"
#include "core/http/head_text.h"
#include "core/http/text.h"

namespace van::http {
namespace {

constexpr std::size_t kSizeDigits = 15;  ///< below 2^60
constexpr std::array<std::string_view, 6> kNoTrailers{"Content-Length", "Transfer-Encoding", "Host", "Connection", "Trailer", "Upgrade"};

Unexpected<Error> refuse(int status, std::string_view what) { return {{status, what}}; }

}  // namespace

BodyReader::BodyReader(Framing framing) {
  switch (framing.kind) {
    case Framing::Kind::none:
    case Framing::Kind::tunnel:
      return;
    case Framing::Kind::length:
      left_ = framing.length;
      state_ = left_ == 0 ? State::done : State::data;
      return;
    case Framing::Kind::chunked:
      state_ = State::chunk_size;
      return;
    case Framing::Kind::until_close:
      state_ = State::until_close;
      return;
  }
}

Expected<BodyReader::Piece, Error> BodyReader::read(ByteView octets) {
  if (octets.empty()) return Piece{};
  switch (state_) {
    case State::done:
      return Piece{};
    case State::until_close:
      return Piece{octets.size(), octets};
    case State::data:
      return take(octets, State::done);
    case State::chunk_data:
      return take(octets, State::chunk_end);
    case State::chunk_size:
    case State::chunk_end:
    case State::trailer:
      return read_line(octets);
  }
  return Piece{};
}

Expected<std::size_t, Error> BodyReader::skip(ByteView octets) {
  std::size_t used = 0;
  while (used < octets.size() && !complete()) {
    const auto piece = read(octets.subspan(used));
    if (!piece) return Unexpected{piece.error()};
    used += piece->used;
  }
  return used;
}

bool BodyReader::end() {
  if (state_ == State::until_close) state_ = State::done;
  return complete();
}

BodyReader::Piece BodyReader::take(ByteView octets, State next) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, octets.size()));
  left_ -= count;
  if (left_ == 0) state_ = next;
  return {count, octets.first(count)};
}

Expected<BodyReader::Piece, Error> BodyReader::read_line(ByteView octets) {
  const std::string_view text = as_text(octets);
  const std::size_t end = text.find('\n');
  const std::string_view piece = text.substr(0, end == std::string_view::npos ? end : end + 1);
  const std::size_t most = state_ == State::trailer ? limits::kHttpTrailerBytes : limits::kHttpChunkLineBytes;
  if (trailers_.size() + line_.size() + piece.size() > most)
    return state_ == State::trailer ? refuse(431, "the trailers are too long") : refuse(400, "the line of a chunk's size is too long");
  line_ += piece;
  if (end == std::string_view::npos) return Piece{piece.size(), {}};
  if (!line_.ends_with("\r\n")) return refuse(400, "a line does not end in CR LF");
  if (const auto ended = end_line(); !ended) return Unexpected{ended.error()};
  line_.clear();
  return Piece{piece.size(), {}};
}

Expected<void, Error> BodyReader::end_line() {
  if (state_ == State::trailer) return read_trailer();
  if (state_ == State::chunk_size) return read_size();
  if (line_.size() > 2) return refuse(400, "a chunk is longer than its size");
  state_ = State::chunk_size;
  return {};
}

/// §7.1: chunk-size [ chunk-ext ] CRLF. What follows the size is a ';' and text, or nothing.
Expected<void, Error> BodyReader::read_size() {
  const std::string_view line = std::string_view{line_}.substr(0, line_.size() - 2);
  const std::size_t digits = std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
  if (digits == 0) return refuse(400, "a chunk has no size");
  if (digits > kSizeDigits) return refuse(413, "a chunk is too large");
  const std::string_view extension = trim(line.substr(digits));
  if (digits != line.size() && (!extension.starts_with(';') || !is_field_text(extension))) return refuse(400, "a chunk's size is no number");
  std::from_chars(line.data(), line.data() + digits, left_, 16);
  state_ = left_ == 0 ? State::trailer : State::chunk_data;
  return {};
}

Expected<void, Error> BodyReader::read_trailer() {
  const std::string_view line = std::string_view{line_}.substr(0, line_.size() - 2);
  if (line.empty()) {
    state_ = State::done;
    return {};
  }
  const auto field = read_field(line);
  if (!field) return Unexpected{field.error()};
  if (std::ranges::any_of(kNoTrailers, [&](std::string_view name) { return same(name, field->name); }))
    return refuse(400, "a header that frames the message stands among its trailers");
  trailers_ += line_;
  return {};
}

}  // namespace van::http
