#include "core/http/head_text.h"

#include <algorithm>
#include <utility>

#include "core/base/limits.h"
#include "core/http/text.h"

namespace van::http {
namespace {

constexpr std::size_t kUsualHead = 1024;  ///< octets that are made room for at once
constexpr std::size_t kUsualFields = 8;   ///< made room for, too

std::string_view why_no_name(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return "a header line goes on in the next one";
  return line.find(':') == std::string_view::npos ? "a header line has no colon" : "a header has no valid name";
}

/// read_field() into `field`; what is wrong, or nothing.
std::string_view read(std::string_view line, Field& field) {
  const std::size_t size = token_size(line);
  if (size == 0 || size == line.size() || line[size] != ':') return why_no_name(line);
  const std::string_view value = line.substr(size + 1);
  field.usual = value.size() > 1 && value[0] == ' ' && value[1] > ' ' && value.back() > ' ';
  field.value = field.usual ? value.substr(1) : trim(value);
  if (!is_field_text(field.value)) return "a header's value has a control character";
  field.name = line.substr(0, size);
  field.known = field_name_of(field.name);
  return {};
}

}  // namespace

const Field* find(const Fields& fields, FieldName name) {
  const auto found = std::ranges::find(fields, name, &Field::known);
  return found == fields.end() ? nullptr : &*found;
}

Expected<Field, Error> read_field(std::string_view line) {
  Field field;
  if (const std::string_view wrong = read(line, field); !wrong.empty()) return Unexpected{Error{400, wrong}};
  return field;
}

Expected<std::size_t, Error> HeadText::feed(ByteView octets) {
  if (whole_) return std::size_t{0};
  std::string_view rest = as_text(octets);
  while (!whole_ && !rest.empty()) {
    // Little of what follows the head is copied in vain, and one octet above a limit says it all.
    const std::string_view piece = rest.substr(0, std::min(kUsualHead, limits::kHttpHeadBytes + 1 - text_.size()));
    make_room(piece.size());
    text_ += piece;
    rest.remove_prefix(piece.size());
    if (const auto read = read_lines(); !read) return Unexpected{read.error()};
  }
  const std::size_t behind = text_.size() - searched_;
  return octets.size() - rest.size() - behind;
}

void HeadText::make_room(std::size_t octets) {
  if (text_.size() + octets <= text_.capacity()) return;
  text_.reserve(std::max(kUsualHead, 2 * text_.capacity()));
  fields_.reserve(kUsualFields);
  begin();
}

void HeadText::begin() {
  start_line_ = {};
  fields_.clear();
  wrong_ = {};
  line_ = searched_ = 0;
}

Expected<void, Error> HeadText::read_lines() {
  const std::string_view text = text_;
  while (searched_ < text.size()) {
    const std::size_t end = text.find('\n', searched_);
    searched_ = end == std::string_view::npos ? text.size() : end + 1;
    if (line_ == 0 && !may_begin(text.front())) return Unexpected{Error{400, "this is not HTTP/1"}};
    if (searched_ - line_ > limits::kHttpLineBytes || searched_ > limits::kHttpHeadBytes) return Unexpected{too_long()};
    if (end == std::string_view::npos) break;
    if (text[end - 1] != '\r') return Unexpected{Error{400, "a line does not end in CR LF"}};
    if (end - 1 == line_) return end_lines();
    add_line(text.substr(line_, end - 1 - line_));
    if (fields_.size() > limits::kHttpFields) return Unexpected{Error{431, "there are too many headers"}};
  }
  return {};
}

/// Whoever speaks something else (TLS, say) is told at once and not after a line end that never comes.
bool HeadText::may_begin(char first) const { return is_token_char(first) || (first == '\r' && !skipped_); }

Error HeadText::too_long() const {
  if (searched_ - line_ <= limits::kHttpLineBytes) return {431, "the headers are too long"};
  return line_ == 0 ? Error{414, "the request line is too long"} : Error{431, "a header line is too long"};
}

inline void HeadText::add_line(std::string_view line) {
  if (line_ == 0) {
    start_line_ = line;
  } else {
    const std::string_view wrong = read(line, fields_.emplace_back());
    if (wrong_.empty()) wrong_ = wrong;
  }
  line_ = searched_;
}

Expected<void, Error> HeadText::end_lines() {
  if (line_ == 0) {  // may_begin() lets one empty line pass
    skipped_ = true;
    text_.erase(0, std::exchange(searched_, 0));
    return read_lines();
  }
  if (!wrong_.empty()) return Unexpected{Error{400, wrong_}};
  whole_ = true;
  return {};
}

void HeadText::reset() {
  text_.clear();
  if (text_.capacity() > 4 * kUsualHead) text_.shrink_to_fit();
  skipped_ = whole_ = false;
  begin();
}

}  // namespace van::http
