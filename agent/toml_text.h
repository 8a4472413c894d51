#pragma once

#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "core/base/expected.h"

namespace van::agent {

struct TomlError {
  unsigned line = 0;  ///< from 1; 0: the whole file
  std::string message;
};

/// The only place where toml++ throws.
Expected<toml::table, TomlError> parse_toml(std::string_view text);
std::string print_toml(const toml::table& table);

/// Reads a table whose keys are all known beforehand. The first error stays, and from then on every value is empty: read all
/// fields, then ask once (as the codec's Reader). finish() also complains about keys that nobody asked for, so that a
/// misspelt one, or one of a newer version, is not lost.
class TomlReader {
 public:
  /// `table` and `error` must outlive the reader; `where` is for messages: "links", say.
  TomlReader(const toml::table& table, std::string_view where, TomlError& error);

  enum class Need { required, optional };
  std::string text(std::string_view key, Need need = Need::required);
  std::int64_t integer(std::string_view key, std::int64_t minimum, std::int64_t maximum);
  bool flag(std::string_view key);                                ///< absent: false
  std::vector<std::string> texts(std::string_view key);           ///< absent: empty
  std::vector<const toml::table*> tables(std::string_view key);   ///< absent: empty
  const toml::table* table(std::string_view key);                 ///< nullptr when absent
  void finish();

  [[nodiscard]] bool ok() const { return error_.message.empty(); }
  /// For values that are of the right type and yet wrong.
  void complain(std::string_view key, std::string_view what);

 private:
  const toml::node* find(std::string_view key);
  void complain(const toml::node& at, std::string_view key, std::string_view what);

  const toml::table& table_;
  std::string where_;
  TomlError& error_;
  std::vector<std::string_view> known_;
};

}  // namespace van::agent
