#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/agent_access.h"
#include "cli/invocation.h"
#include "cli/json_text.h"
#include "cli/status_view.h"
#include "cli/terminal.h"
#include "core/base/profile.h"

namespace van::cli {

/// What `vanctl agent run` asks of the agent library, which this one does not know.
struct AgentRun {
  ProfilePaths paths;
  bool verbose = false;
  bool quiet = false;
};
/// Runs the agent until it is told to end; gives the process's exit code.
using RunAgent = std::function<int(const AgentRun&)>;

/// Where commands run: all that they get from the process, handed in by main() or a test.
struct Host {
  Terminal& terminal;  ///< outlives the run
  Surroundings surroundings;
  std::string executable;  ///< this program, to start it again as an agent
  RunAgent run_agent;
};

/// What a command has to say. With `-o json` the document alone is written; else the text, then, unless `-q`, the
/// notice.
struct Answer {
  std::optional<Json> document = std::nullopt;  ///< nullopt when it has written what there is itself
  std::string text = {};                        ///< what was asked for
  std::string notice = {};                      ///< that it was done
  int exit = 0;                                 ///< what the process ends with
};

/// One command being run.
struct Session {
  const Invocation& call;
  const Host& host;
  AgentAccess agent;
  Style style;
  std::chrono::steady_clock::time_point begun;

  /// `--timeout`, else `otherwise`, from the beginning of the command.
  [[nodiscard]] Deadline deadline(std::chrono::milliseconds otherwise = std::chrono::seconds{60}) const {
    return begun + call.options.duration("timeout").value_or(otherwise);
  }
  [[nodiscard]] ViewOptions view() const { return {.style = style, .verbose = call.verbose()}; }
};

}  // namespace van::cli
