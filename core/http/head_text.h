#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/expected.h"
#include "core/http/error.h"
#include "core/http/field_name.h"

namespace van::http {

struct Field {
  std::string_view name;
  std::string_view value;  ///< without spaces around it
  FieldName known = FieldName::other;
  bool usual = false;  ///< known to have nothing but ": " beside them in its line
  /// Of a usual one in a head that was read, with its end.
  [[nodiscard]] std::string_view line() const { return {name.data(), name.size() + value.size() + 4}; }
};
using Fields = std::vector<Field>;

/// The first field of this name; nullptr when there is none.
const Field* find(const Fields& fields, FieldName name);
/// Reads `name: value` without its line end (RFC 9112 §5); `line` is not empty. Errors: no colon, a name that is no token, space
/// around the name, an octet that no value has.
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
  [[nodiscard]] std::string_view text() const { return text_; }  ///< what has come; behind a whole head maybe some more
  /// Of a whole head, until reset().
  [[nodiscard]] std::string_view start_line() const { return start_line_; }
  [[nodiscard]] const Fields& fields() const { return fields_; }
  /// For the next head; memory is kept for it.
  void reset();

 private:
  void make_room(std::size_t octets);
  void begin();
  Expected<void, Error> read_lines();
  [[nodiscard]] bool may_begin(char first) const;
  [[nodiscard]] Error too_long() const;
  void add_line(std::string_view line);
  Expected<void, Error> end_lines();

  std::string text_;
  std::size_t searched_ = 0;  ///< octets of text_ in which there is no other line end; the size of a whole head
  std::size_t line_ = 0;      ///< where the line begins that has not ended yet
  bool skipped_ = false;      ///< the empty line before the start line
  bool whole_ = false;
  // These look into text_, and when it moves they are read again.
  std::string_view start_line_;
  Fields fields_;
  std::string_view wrong_;  ///< with the first field that is none; that is said at the end
};

}  // namespace van::http
