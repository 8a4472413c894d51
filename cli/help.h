#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace van::cli {

/// `vanctl join TOKEN [options]`
[[nodiscard]] std::string usage_line(const CommandSpec& command);
/// `-n, --lines N`, as help and the reference show an option.
[[nodiscard]] std::string option_label(const OptionSpec& option);

/// What the exit codes mean that every command shares.
[[nodiscard]] std::span<const ExitMeaning> common_exits();

[[nodiscard]] std::string overview_help();
[[nodiscard]] std::string group_help(const GroupSpec& group);
[[nodiscard]] std::string command_help(const CommandSpec& command);

}  // namespace van::cli
