#pragma once

#include <string>
#include <vector>

#include "cli/session.h"

namespace van::cli {

/// The whole of `vanctl`: understands `words` (the arguments behind the program's name), runs the command, writes its
/// answer or its failure, and gives the exit code of the process.
int run_command_line(const std::vector<std::string>& words, const Host& host);

}  // namespace van::cli
