#include "agent/toml_text.h"

#include <algorithm>
#include <sstream>

namespace van::agent {

Expected<toml::table, TomlError> parse_toml(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return Unexpected{TomlError{error.source().begin.line, std::string{error.description()}}};
  }
}

std::string print_toml(const toml::table& table) {
  // Basic strings only: toml++ 3.3 loses a line break that a multi-line string begins with, and without those puts line
  // breaks into literal strings of one line.
  constexpr auto flags = toml::format_flags::allow_unicode_strings | toml::format_flags::indentation;
  std::ostringstream stream;
  stream << toml::toml_formatter{table, flags} << '\n';
  return std::move(stream).str();
}

TomlReader::TomlReader(const toml::table& table, std::string_view where, TomlError& error)
    : table_{table}, where_{where}, error_{error} {}

void TomlReader::complain(const toml::node& at, std::string_view key, std::string_view what) {
  if (!ok()) return;
  error_ = {at.source().begin.line, where_ + (where_.empty() ? "" : ".") + std::string{key} + " " + std::string{what}};
}

void TomlReader::complain(std::string_view key, std::string_view what) {
  const toml::node* node = table_.get(key);
  complain(node != nullptr ? *node : table_, key, what);
}

const toml::node* TomlReader::find(std::string_view key) {
  known_.push_back(key);
  return ok() ? table_.get(key) : nullptr;
}

std::string TomlReader::text(std::string_view key, Need need) {
  const toml::node* node = find(key);
  if (node == nullptr) {
    if (need == Need::required) complain(table_, key, "is missing");
    return {};
  }
  const auto* value = node->as_string();
  if (value == nullptr) complain(*node, key, "must be a string");
  return value != nullptr ? value->get() : std::string{};
}

std::int64_t TomlReader::integer(std::string_view key, std::int64_t minimum, std::int64_t maximum) {
  const toml::node* node = find(key);
  if (node == nullptr) {
    complain(table_, key, "is missing");
    return minimum;
  }
  const auto* value = node->as_integer();
  if (value != nullptr && value->get() >= minimum && value->get() <= maximum) return value->get();
  complain(*node, key, "must be a number from " + std::to_string(minimum) + " to " + std::to_string(maximum));
  return minimum;
}

bool TomlReader::flag(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  const auto* value = node->as_boolean();
  if (value == nullptr) complain(*node, key, "must be true or false");
  return value != nullptr && value->get();
}

std::vector<std::string> TomlReader::texts(std::string_view key) {
  std::vector<std::string> result;
  const toml::node* node = find(key);
  if (node == nullptr) return result;
  const toml::array* array = node->as_array();
  if (array == nullptr) complain(*node, key, "must be an array of strings");
  for (std::size_t at = 0; array != nullptr && at < array->size(); ++at) {
    const auto* value = array->get(at)->as_string();
    if (value == nullptr) complain(*array->get(at), key, "must be an array of strings");
    if (value != nullptr) result.push_back(value->get());
  }
  return result;
}

std::vector<const toml::table*> TomlReader::tables(std::string_view key) {
  std::vector<const toml::table*> result;
  const toml::node* node = find(key);
  if (node == nullptr) return result;
  const toml::array* array = node->as_array();
  if (array == nullptr) complain(*node, key, "must be an array of tables");
  for (std::size_t at = 0; array != nullptr && at < array->size(); ++at) {
    const toml::table* element = array->get(at)->as_table();
    if (element == nullptr) complain(*array->get(at), key, "must be an array of tables");
    if (element != nullptr) result.push_back(element);
  }
  return result;
}

const toml::table* TomlReader::table(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return nullptr;
  if (node->as_table() == nullptr) complain(*node, key, "must be a table");
  return node->as_table();
}

void TomlReader::finish() {
  for (const auto& [key, node] : table_) {
    const std::string_view name = key.str();
    if (std::ranges::find(known_, name) == known_.end()) complain(node, name, "is not known");
  }
}

}  // namespace van::agent
