#include "agent/json_reader.h"

#include <algorithm>

#include "agent/printable.h"

namespace van::agent {
namespace {

constexpr std::size_t kDepthMax = 8;  // a request has two levels; the parser builds before it can be asked

/// Nesting of arrays and objects, looked at before parsing: the values of a deep document are destroyed one inside the other.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string && c == '\\') ++at;
    if (c == '"') in_string = !in_string;
    if (in_string) continue;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (depth > kDepthMax) return true;
  }
  return false;
}

}  // namespace

JsonReader::JsonReader(std::string_view text) {
  if (too_deep(text)) {
    complaint_ = "the body is nested too deeply";
    return;
  }
  body_ = text.empty() ? nlohmann::json::object() : nlohmann::json::parse(text, nullptr, false);
  if (!body_.is_object()) complaint_ = "the body is not a JSON object";
}

void JsonReader::complain(std::string_view name, std::string_view what) {
  if (complaint_.empty()) complaint_ = "field '" + printable(name) + "' " + std::string{what};
}

const nlohmann::json* JsonReader::find(std::string_view name) {
  known_.push_back(name);
  if (!complaint_.empty()) return nullptr;
  const auto found = body_.find(name);
  return found == body_.end() || found->is_null() ? nullptr : &*found;
}

std::string JsonReader::text(std::string_view name) {
  auto value = optional_text(name);
  if (!value) complain(name, "is missing");
  return std::move(value).value_or("");
}

std::optional<std::string> JsonReader::optional_text(std::string_view name) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  complain(name, "must be a string");
  return std::nullopt;
}

std::optional<std::int64_t> JsonReader::optional_integer(std::string_view name, std::int64_t minimum, std::int64_t maximum) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  // An unsigned one above the maximum of int64 would wrap round.
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() || value->get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX));
  if (fits && value->get<std::int64_t>() >= minimum && value->get<std::int64_t>() <= maximum) return value->get<std::int64_t>();
  complain(name, "must be a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum));
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> JsonReader::optional_seconds(std::string_view name, std::chrono::seconds maximum) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const double seconds = value->is_number() ? value->get<double>() : -1;
  if (seconds >= 0 && seconds <= static_cast<double>(maximum.count()))
    return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
  complain(name, "must be a number of seconds from 0 to " + std::to_string(maximum.count()));
  return std::nullopt;
}

bool JsonReader::flag(std::string_view name) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  complain(name, "must be true or false");
  return false;
}

std::vector<std::string> JsonReader::texts(std::string_view name) {
  std::vector<std::string> result;
  const nlohmann::json* value = find(name);
  if (value == nullptr) return result;
  if (!value->is_array()) complain(name, "must be an array of strings");
  for (const nlohmann::json& element : *value) {
    if (element.is_string()) {
      result.push_back(element.get<std::string>());
    } else {
      complain(name, "must be an array of strings");
    }
  }
  return result;
}

Result<void> JsonReader::finish() {
  if (complaint_.empty()) {
    for (const auto& [name, value] : body_.items())
      if (std::ranges::find(known_, std::string_view{name}) == known_.end()) complain(name, "is not known");
  }
  if (complaint_.empty()) return {};
  return Unexpected{Error{Error::Code::bad_request, complaint_, {}}};
}

}  // namespace van::agent
