#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/error.h"

namespace van::agent {

/// Reads the JSON body of a request. The first error stays, and from then on every value is empty: read all fields, then ask
/// finish() once. It also complains about fields that nobody asked for.
class JsonReader {
 public:
  /// An empty body counts as {}. Asserts nothing: whatever `text` is becomes an error of finish().
  explicit JsonReader(std::string_view text);

  std::string text(std::string_view name);  ///< required
  std::optional<std::string> optional_text(std::string_view name);
  std::optional<std::int64_t> optional_integer(std::string_view name, std::int64_t minimum, std::int64_t maximum);
  /// Seconds, with or without a fraction, from 0 to `maximum`.
  std::optional<std::chrono::milliseconds> optional_seconds(std::string_view name, std::chrono::seconds maximum);
  bool flag(std::string_view name);                        ///< absent: false
  std::vector<std::string> texts(std::string_view name);  ///< absent: empty

  /// Errors: bad_request, naming the field.
  Result<void> finish();

 private:
  const nlohmann::json* find(std::string_view name);
  void complain(std::string_view name, std::string_view what);

  nlohmann::json body_;
  std::string complaint_;
  std::vector<std::string_view> known_;
};

}  // namespace van::agent
