#include "cli/http_response.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/limits.h"

namespace van::cli {
namespace {

Unexpected<std::string> bad(std::string_view why) { return Unexpected{"not an HTTP answer: " + std::string{why}}; }

/// Digits of `base` alone, at most `digits_max` of them, so that the number fits.
std::optional<std::uint64_t> number(std::string_view text, unsigned base, std::size_t digits_max) {
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    unsigned digit = base;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A') + 10;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&lower](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

bool HttpResponse::wants_line() const {
  switch (part_) {
    case Part::status_line:
    case Part::headers:
    case Part::chunk_size:
    case Part::chunk_end:
    case Part::trailers:
      return true;
    case Part::body_by_length:
    case Part::chunk:
    case Part::body_to_end:
    case Part::done:
      return false;
  }
  return false;
}

Expected<void, std::string> HttpResponse::push(std::string_view bytes) {
  while (!bytes.empty()) {
    if (part_ == Part::done) return bad("bytes behind its end");
    if (!wants_line()) {
      const auto taken = take_body_bytes(bytes);
      if (!taken) return Unexpected{taken.error()};
      bytes.remove_prefix(*taken);
      continue;
    }
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end == bytes.npos ? end : end + 1);
    line_bytes_ += piece.size();
    if (line_bytes_ > limits::kApiHeaderBytes) return bad("its headers are too long");
    line_ += piece;
    bytes.remove_prefix(piece.size());
    if (end == std::string_view::npos) return {};
    if (!line_.ends_with("\r\n")) return bad("a line does not end with CR LF");
    const std::string line = std::exchange(line_, {});
    const auto accepted = take_line(std::string_view{line}.substr(0, line.size() - 2));
    if (!accepted) return accepted;
  }
  return {};
}

Expected<void, std::string> HttpResponse::take_line(std::string_view line) {
  switch (part_) {
    case Part::status_line:
      return take_status_line(line);
    case Part::headers:
      if (!line.empty()) return take_header(line);
      end_headers();
      return {};
    case Part::chunk_size:
      return take_chunk_size(line);
    case Part::chunk_end:
      if (!line.empty()) return bad("a chunk is longer than its size");
      part_ = Part::chunk_size;
      line_bytes_ = 0;
      return {};
    case Part::trailers:
      if (line.empty()) part_ = Part::done;
      return {};
    case Part::body_by_length:
    case Part::chunk:
    case Part::body_to_end:
    case Part::done:
      break;
  }
  return bad("a line where none belongs");
}

// RFC 9112 §4: HTTP-version SP status-code SP [reason].
Expected<void, std::string> HttpResponse::take_status_line(std::string_view line) {
  if (!line.starts_with("HTTP/1.1 ") && !line.starts_with("HTTP/1.0 ")) return bad("no status line");
  const auto status = number(line.substr(9, 3), 10, 3);
  const bool whole = line.size() == 12 || (line.size() > 12 && line[12] == ' ');
  if (!status || !whole || *status < 100 || *status > 599) return bad("no status code");
  status_ = static_cast<int>(*status);
  part_ = Part::headers;
  return {};
}

Expected<void, std::string> HttpResponse::take_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return bad("a header without a name");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (same_letters(name, "content-length")) {
    const auto length = number(value, 10, 15);
    if (!length || (has_length_ && *length != left_)) return bad("a length that is none");
    left_ = *length;
    has_length_ = true;
  }
  if (same_letters(name, "transfer-encoding")) {
    if (!same_letters(value, "chunked")) return bad("an unknown transfer encoding");
    chunked_ = true;
  }
  return {};
}

void HttpResponse::end_headers() {
  const bool interim = status_ < 200;
  const bool empty = status_ == 204 || status_ == 304 || (has_length_ && left_ == 0 && !chunked_);
  if (interim) {
    part_ = Part::status_line;
    has_length_ = chunked_ = false;
    left_ = 0;
  } else if (empty) {
    part_ = Part::done;
  } else if (chunked_) {  // §6.3: it wins over a length
    part_ = Part::chunk_size;
  } else {
    part_ = has_length_ ? Part::body_by_length : Part::body_to_end;
  }
  if (!interim) line_bytes_ = 0;
}

// §7.1: hexadecimal, then perhaps extensions, which mean nothing to us.
Expected<void, std::string> HttpResponse::take_chunk_size(std::string_view line) {
  const auto size = number(trimmed(line.substr(0, line.find(';'))), 16, 12);
  if (!size) return bad("no chunk size");
  left_ = *size;
  part_ = *size == 0 ? Part::trailers : Part::chunk;
  line_bytes_ = 0;
  return {};
}

Expected<std::size_t, std::string> HttpResponse::take_body_bytes(std::string_view bytes) {
  const bool counted = part_ != Part::body_to_end;
  const std::size_t count = counted && left_ < bytes.size() ? static_cast<std::size_t>(left_) : bytes.size();
  if (count > kBodyBytesMax - body_.size()) return bad("its body is too long");
  body_ += bytes.substr(0, count);
  if (counted) {
    left_ -= count;
    if (left_ == 0) part_ = part_ == Part::chunk ? Part::chunk_end : Part::done;
  }
  return count;
}

Expected<void, std::string> HttpResponse::finish() {
  if (part_ == Part::body_to_end) part_ = Part::done;
  if (part_ != Part::done)
    return Unexpected{std::string{"the agent closed the connection in the middle of its answer"}};
  return {};
}

std::string HttpResponse::take_body() { return std::exchange(body_, {}); }

}  // namespace van::cli
