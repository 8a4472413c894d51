#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace van::cli {

/// A command line with the words that name its command taken out.
struct CommandWords {
  const CommandSpec* command = nullptr;  ///< nullptr: none is named, or only a group
  std::string group = {};                ///< first word of a command of two words
  std::vector<std::string> others;       ///< in their order
};

/// Finds the one or two words that name the command; global options may stand before and between. Errors: an unknown
/// command, or an unknown option before the command.
Result<CommandWords> take_command(const std::vector<std::string>& words);

/// The second words of the commands of a group.
[[nodiscard]] std::vector<std::string_view> second_words(std::string_view group);

}  // namespace van::cli
