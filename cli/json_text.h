#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace van::cli {

/// Keeps the order of fields: what a person reads is what the agent wrote.
using Json = nlohmann::ordered_json;

/// nullopt when it is not JSON, or is nested deeper than anything of the control API.
[[nodiscard]] std::optional<Json> parse_json(std::string_view text);

/// One line for a request. nullopt when a text in it is not UTF-8, which JSON can't carry.
[[nodiscard]] std::optional<std::string> compact_json(const Json& value);

/// For standard output: indented, with a line feed at the end.
[[nodiscard]] std::string pretty_json(const Json& value);

}  // namespace van::cli
