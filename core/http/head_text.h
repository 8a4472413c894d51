#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/expected.h"
#include "core/http/error.h"

namespace van::http {

struct Field {
  std::string_view name;
  std::string_view value;  ///< without spaces around it
};
using Fields = std::vector<Field>;

/// The value of the first field of this name; nullptr when there is none.
const Field* find(const Fields& fields, std::string_view name);
/// Reads `name: value` without its line end (RFC 9112 §5). Errors: no colon, a name that is no token, space around the name, an
/// octet that no value has.
Expected<Field, Error> read_field(std::string_view line);

/// Collects the head of a message (RFC 9112 §2.1) and cuts it into lines: a start line and fields. Lines end in CRLF and in nothing
/// else, CR and LF stand nowhere else, and no line goes on in the next one (obs-fold): what readers may see in two ways is refused.
///
/// Limits: limits::kHttpLineBytes (414 for the start line, else 431), kHttpHeadBytes and kHttpFields (431).
class HeadText {
 public:
  HeadText() = default;
  HeadText(const HeadText&) = delete;  // fields() looks into it
  HeadText& operator=(const HeadText&) = delete;

  /// Takes octets up to the end of the head, in any split, and says how many. One empty line before a start line is skipped (§2.2).
  Expected<std::size_t, Error> feed(ByteView octets);
  [[nodiscard]] bool whole() const { return whole_; }
  [[nodiscard]] bool begun() const { return !text_.empty(); }
  [[nodiscard]] const std::string& text() const { return text_; }  ///< what has come
  /// Of a whole head, until reset().
  [[nodiscard]] std::string_view start_line() const { return start_line_; }
  [[nodiscard]] const Fields& fields() const { return fields_; }
  /// For the next head; memory is kept for it.
  void reset();

 private:
  [[nodiscard]] Expected<void, Error> check_limits() const;
  Expected<void, Error> end_line();
  Expected<void, Error> read_lines();

  std::string text_;
  std::size_t line_ = 0;   ///< where the line begins that has not ended yet
  std::size_t lines_ = 0;  ///< that have ended
  bool skipped_ = false;   ///< the empty line before the start line
  bool whole_ = false;
  std::string_view start_line_;
  Fields fields_;
};

}  // namespace van::http
