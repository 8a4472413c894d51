// vanctl: the one executable. The only place where the command line meets the agent.
#include <string>
#include <vector>

#include "agent/agent.h"
#include "cli/command_line.h"

int main(int argc, char** argv) {
  using namespace van;
  cli::ProcessTerminal terminal;
  const cli::Host host{.terminal = terminal,
                       .surroundings = process_surroundings(),
                       .executable = cli::executable_path(argc > 0 ? argv[0] : "vanctl"),
                       .run_agent = [](const cli::AgentRun& run) {
                         return agent::run_agent({.paths = run.paths, .verbose = run.verbose, .quiet = run.quiet});
                       }};
  return cli::run_command_line(argc > 0 ? std::vector<std::string>(argv + 1, argv + argc) : std::vector<std::string>{},
                               host);
}
