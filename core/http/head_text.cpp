#include "core/http/head_text.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/base/limits.h"
#include "core/http/text.h"

namespace van::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kUsualHead = 1024;  ///< octets that are made room for at once

}  // namespace

const Field* find(const Fields& fields, std::string_view name) {
  const auto found = std::ranges::find_if(fields, [name](const Field& field) { return same(field.name, name); });
  return found == fields.end() ? nullptr : &*found;
}

Expected<Field, Error> read_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (line.front() == ' ' || line.front() == '\t') return Unexpected{Error{400, "a header line goes on in the next one"}};
  if (colon == std::string_view::npos) return Unexpected{Error{400, "a header line has no colon"}};
  const Field field{line.substr(0, colon), trim(line.substr(colon + 1))};
  if (!is_token(field.name)) return Unexpected{Error{400, "a header has no valid name"}};
  if (!is_field_text(field.value)) return Unexpected{Error{400, "a header's value has a control character"}};
  return field;
}

Expected<std::size_t, Error> HeadText::feed(ByteView octets) {
  std::string_view rest = as_text(octets);
  if (text_.empty() && !rest.empty() && !whole_) text_.reserve(kUsualHead);
  while (!whole_ && !rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view piece = rest.substr(0, end == std::string_view::npos ? end : end + 1);
    // One octet above a limit says it all.
    text_ += piece.substr(0, limits::kHttpHeadBytes + 1 - text_.size());
    rest.remove_prefix(piece.size());
    if (const auto within = check_limits(); !within) return Unexpected{within.error()};
    if (end == std::string_view::npos) break;
    if (const auto ended = end_line(); !ended) return Unexpected{ended.error()};
  }
  return octets.size() - rest.size();
}

Expected<void, Error> HeadText::check_limits() const {
  const char first = text_.front();
  // Whoever speaks something else (TLS, say) is told at once and not after a line end that never comes.
  if (!is_token_char(first) && (first != '\r' || skipped_)) return Unexpected{Error{400, "this is not HTTP/1"}};
  if (text_.size() - line_ > limits::kHttpLineBytes)
    return Unexpected{lines_ == 0 ? Error{414, "the request line is too long"} : Error{431, "a header line is too long"}};
  if (text_.size() > limits::kHttpHeadBytes) return Unexpected{Error{431, "the headers are too long"}};
  return {};
}

Expected<void, Error> HeadText::end_line() {
  const std::string_view line = std::string_view{text_}.substr(line_);
  if (!line.ends_with(kLineEnd)) return Unexpected{Error{400, "a line does not end in CR LF"}};
  const bool empty = line.size() == kLineEnd.size();
  if (empty && lines_ == 0) {  // check_limits() lets one pass
    skipped_ = true;
    text_.clear();
    return {};
  }
  if (empty) return read_lines();
  ++lines_;
  line_ = text_.size();
  if (lines_ > limits::kHttpFields + 1) return Unexpected{Error{431, "there are too many headers"}};
  return {};
}

Expected<void, Error> HeadText::read_lines() {
  std::string_view rest = text_;
  rest.remove_suffix(kLineEnd.size());
  const std::size_t end = rest.find(kLineEnd);
  start_line_ = rest.substr(0, end);
  rest.remove_prefix(end + kLineEnd.size());
  fields_.reserve(lines_);
  while (!rest.empty()) {
    const std::size_t at = rest.find(kLineEnd);
    const auto field = read_field(rest.substr(0, at));
    if (!field) return Unexpected{field.error()};
    fields_.push_back(*field);
    rest.remove_prefix(at + kLineEnd.size());
  }
  whole_ = true;
  return {};
}

void HeadText::reset() {
  text_.clear();
  if (text_.capacity() > 4 * kUsualHead) text_.shrink_to_fit();
  fields_.clear();
  start_line_ = {};
  line_ = lines_ = 0;
  skipped_ = whole_ = false;
}

}  // namespace van::http
