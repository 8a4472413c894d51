#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command.h"

namespace van::cli {

/// A command line cut into options and operands, values not looked at yet.
struct RawOptions {
  std::vector<std::pair<std::string, std::string>> options;  ///< long name, value; in order
  std::vector<std::string> operands;
};

/// Cuts `words`, among which is no "--", by the global options and those of `command` (nullptr: none). Errors: an
/// unknown option, a value that is missing or too much.
Result<RawOptions> split_options(const std::vector<std::string>& words, const CommandSpec* command);

/// Whether a word is written as an option: `-` alone is none.
[[nodiscard]] bool is_option(std::string_view word);
/// By name, or by its letter when `name` is one character; nullptr when there is none.
[[nodiscard]] const OptionSpec* find_option(std::span<const OptionSpec> options, std::string_view name);

/// The failure for an option that neither `command` nor every command has, with the nearest one that there is.
[[nodiscard]] Unexpected<Failure> unknown_option(std::string_view word, const CommandSpec* command);
[[nodiscard]] Unexpected<Failure> usage_error(std::string what, std::string message, std::string hint);

}  // namespace van::cli
