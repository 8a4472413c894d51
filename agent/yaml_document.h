#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/expected.h"

namespace van::agent {

/// One YAML (or JSON) value: as much of YAML as tokens need. Scalars are kept as text, whatever they look like.
struct YamlValue {
  enum class Kind { null, scalar, sequence, map };
  struct Field;
  Kind kind = Kind::null;
  int line = 0;  ///< where it begins, from 1
  std::string scalar;
  std::vector<YamlValue> elements;  ///< of a sequence
  std::vector<Field> fields;        ///< of a map, in the order of the text; keys that are no scalar are left out

  /// The field of a map; a null value when there is none, or this is no map. A key given twice: the first counts.
  [[nodiscard]] const YamlValue& operator[](std::string_view key) const;
  [[nodiscard]] bool is_map() const { return kind == Kind::map; }
  /// The text of a scalar; empty for anything else.
  [[nodiscard]] const std::string& text() const { return scalar; }
};

struct YamlValue::Field {
  std::string key;
  YamlValue value;
};

struct YamlLimits {
  std::size_t bytes = 0;
  std::size_t documents = 0;
  std::size_t values = 0;  ///< of all documents together
  std::size_t depth = 0;
};

/// All documents of a text, empty ones left out; JSON documents may follow each other without separator. Memory and time are
/// linear in the text, as aliases are refused. The error is one line with the place, for people.
Expected<std::vector<YamlValue>, std::string> parse_yaml(std::string_view text, const YamlLimits& limits);

}  // namespace van::agent
