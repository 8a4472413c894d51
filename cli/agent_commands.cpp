// agent run, start, stop, restart, status.
#include <chrono>
#include <utility>

#include "cli/command_support.h"
#include "cli/commands.h"
#include "cli/duration_text.h"

namespace van::cli {
namespace {

Json profile_json(const Session& session) { return Json{{"profile", session.agent.paths().profile}}; }

/// Tells of an agent that runs now; `started`: by this command.
Result<Answer> running(Session& session, bool started) {
  const auto answer = session.agent.call({.method = "GET", .target = "/v1/status"}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  const std::int64_t pid = number_of(answer->document, "pid");
  Json document = profile_json(session);
  document["pid"] = pid;
  document["started"] = started;
  const std::string verb = started ? "the agent has started" : "the agent runs already";
  return Answer{.document = std::move(document), .notice = verb + " (process " + std::to_string(pid) + ")\n"};
}

}  // namespace

Result<Answer> agent_run(Session& session) {
  const int exit = session.host.run_agent(
      {.paths = session.agent.paths(), .verbose = session.call.verbose(), .quiet = session.call.quiet()});
  return Answer{.exit = exit};
}

Result<Answer> agent_start(Session& session) {
  const auto started = session.agent.start(session.deadline());
  if (!started) return Unexpected{started.error()};
  return running(session, *started);
}

Result<Answer> agent_stop(Session& session) {
  if (auto stopped = session.agent.stop(session.deadline()); !stopped) return Unexpected{stopped.error()};
  return Answer{.document = profile_json(session), .notice = "the agent has ended\n"};
}

Result<Answer> agent_restart(Session& session) {
  const auto stopped = session.agent.stop(session.deadline());
  if (!stopped && stopped.error().exit != ExitCode::no_agent) return Unexpected{stopped.error()};
  return agent_start(session);
}

Result<Answer> agent_status(Session& session) {
  const auto answer = session.agent.call({.method = "GET", .target = "/v1/status"}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  const StatusDocument status = read_status(answer->document);
  Json document = profile_json(session);
  document["version"] = status.version;
  document["pid"] = status.pid;
  document["uptime_s"] = status.uptime_s;
  const auto uptime = std::chrono::seconds{static_cast<std::int64_t>(status.uptime_s)};
  return Answer{
      .document = std::move(document),
      .notice = "the agent runs (process " + std::to_string(status.pid) + ", for " + duration_text(uptime) + ")\n"};
}

}  // namespace van::cli
