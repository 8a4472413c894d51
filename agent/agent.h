#pragma once

#include "core/base/profile.h"

namespace van::agent {

struct AgentOptions {
  ProfilePaths paths;
  bool verbose = false;  ///< logs at level debug, whatever agent.toml says
  bool quiet = false;    ///< does not log to standard error
};

/// Runs the agent of a profile until it is told to end: SIGTERM, SIGINT or the API. Ready when the control socket answers.
/// Gives the process's exit code: 0; 6 when an agent of the profile runs already; 1 when it can't run, for a state or configuration file
/// that can't be used, say. The reason is then the last line on standard error.
int run_agent(const AgentOptions& options);

}  // namespace van::agent
