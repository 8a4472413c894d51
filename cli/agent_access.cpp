#include "cli/agent_access.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace van::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kStartPollInterval{20};
constexpr std::chrono::seconds kOtherStartMax{5};  ///< what an agent that somebody else is starting gets to answer
constexpr std::size_t kReasonBytesMax = 65536;

/// The last line that says something.
std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  const std::size_t line = text.rfind('\n');
  return std::string{line == text.npos ? text : text.substr(line + 1)};
}

/// Takes our own prefix off, so that it does not stand twice on a line.
std::string without_prefix(std::string line) {
  constexpr std::string_view prefix = "vanctl: agent: ";  // see agent/agent.h
  return line.starts_with(prefix) ? line.substr(prefix.size()) : line;
}

}  // namespace

Result<ApiClient> AgentAccess::connect(Deadline deadline) const {
  auto client = ApiClient::connect(options_.paths.control_socket, deadline);
  if (client || client.error().exit != ExitCode::no_agent) return client;
  const std::string& profile = options_.paths.profile;
  const std::string option = profile == kDefaultProfile ? "" : " --profile " + profile;
  return fail(ExitCode::no_agent, "no agent runs for profile '" + profile + "'",
              "start one: vanctl agent start" + option);
}

Result<ApiAnswer> AgentAccess::call(const ApiRequest& request, Deadline deadline) const {
  auto client = connect(deadline);
  if (!client) return Unexpected{client.error()};
  return client->call(request, deadline);
}

Result<void> AgentAccess::follow(const ApiRequest& request, Deadline deadline,
                                 const std::function<bool(std::string_view)>& take) const {
  auto client = connect(deadline);
  if (!client) return Unexpected{client.error()};
  return client->follow(request, deadline, take);
}

Result<ApiAnswer> AgentAccess::call_last(const ApiRequest& request, Deadline deadline) const {
  auto client = connect(deadline);
  if (!client) return Unexpected{client.error()};
  std::optional<ProcessWatch> process;  // made while the agent lives: its number can't mean another process yet
  if (const auto pid = client->agent_pid()) process.emplace(*pid);
  auto answer = client->call(request, deadline);
  if (!answer) return answer;
  if (process && !process->wait_gone(deadline))
    return fail(ExitCode::timeout, "the agent (process " + std::to_string(process->pid()) + ") has not ended in time");
  return answer;
}

bool AgentAccess::answers(Deadline deadline) const {
  return call({.method = "GET", .target = "/v1/status"}, deadline).has_value();
}

Result<bool> AgentAccess::start(Deadline deadline) const {
  if (answers(deadline)) return false;
  if (auto made = make_private_folder(options_.paths.state_folder); !made)
    return fail(ExitCode::failed,
                "can't make folder '" + options_.paths.state_folder.string() + "': " + made.error().message);
  auto process = BackgroundProcess::start(
      {.command = options_.start_command, .error_file = error_file(), .variables = options_.variables});
  if (!process) return fail(ExitCode::failed, "can't start the agent: " + process.error().message);

  Deadline until = deadline;
  bool ended = false;
  while (!answers(until)) {
    const auto status = process->poll_exit();
    if (status && !ended) {
      // Two commands may start an agent at the same moment. The later agent finds the profile taken; the earlier will
      // answer.
      if (*status != static_cast<int>(ExitCode::conflict)) return Unexpected{ended_at_once(*status)};
      until = std::min(until, steady_clock::now() + kOtherStartMax);
      ended = true;
    }
    if (steady_clock::now() >= until) {
      if (ended) return Unexpected{ended_at_once(*status)};
      return fail(ExitCode::timeout, "the agent was started, but does not answer in time",
                  "see: " + options_.paths.log_file().string());
    }
    pause_for(kStartPollInterval);
  }
  return !ended;
}

Failure AgentAccess::ended_at_once(int status) const {
  std::string reason;
  for (const std::filesystem::path& file : {error_file(), options_.paths.log_file()}) {
    if (const auto text = read_file(file, kReasonBytesMax); text && reason.empty())
      reason = without_prefix(last_line(*text));
  }
  if (reason.empty()) reason = "it ended with status " + std::to_string(status);
  return {ExitCode::failed, "the agent did not start: " + reason, "to watch it start: vanctl agent run", {}};
}

Result<void> AgentAccess::stop(Deadline deadline) const {
  const auto answer = call_last({.method = "POST", .target = "/v1/agent/stop"}, deadline);
  if (!answer) return Unexpected{answer.error()};
  return {};
}

}  // namespace van::cli
