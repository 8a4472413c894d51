#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/api_client.h"
#include "cli/failure.h"
#include "cli/system.h"
#include "core/base/profile.h"

namespace van::cli {

/// The agent of one profile as commands use it: asked, started in the background, stopped.
class AgentAccess {
 public:
  /// `start_command` runs the agent in its foreground; `variables` are added to its environment.
  struct Options {
    ProfilePaths paths;
    std::vector<std::string> start_command;
    std::vector<std::string> variables;
  };
  explicit AgentAccess(Options options) : options_{std::move(options)} {}
  [[nodiscard]] const ProfilePaths& paths() const { return options_.paths; }

  /// Failures: no_agent, with how to start one, and those of ApiClient.
  Result<ApiAnswer> call(const ApiRequest& request, Deadline deadline) const;
  Result<void> follow(const ApiRequest& request, Deadline deadline,
                      const std::function<bool(std::string_view)>& take) const;
  /// For a request after which the agent ends: returns when its process is gone. Failures: timeout when it is not.
  Result<ApiAnswer> call_last(const ApiRequest& request, Deadline deadline) const;

  /// Starts an agent when none answers, and waits until it does. True when this call started it. Failures: timeout;
  /// failed, with what the agent said when it ended at once.
  Result<bool> start(Deadline deadline) const;
  Result<void> stop(Deadline deadline) const;

 private:
  Result<ApiClient> connect(Deadline deadline) const;
  [[nodiscard]] bool answers(Deadline deadline) const;
  [[nodiscard]] std::filesystem::path error_file() const { return options_.paths.state_folder / "start.log"; }
  [[nodiscard]] Failure ended_at_once(int status) const;

  Options options_;
};

}  // namespace van::cli
