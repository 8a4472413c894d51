#include "cli/command_line.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/suggestion.h"

namespace van::cli {
namespace {

using Stream = Terminal::Stream;

int report(const Failure& failure, bool json, Terminal& terminal) {
  if (json) {
    const std::string message = (failure.what.empty() ? "" : failure.what + ": ") + failure.message;
    Json error{{"code", code_name(failure.exit)}, {"message", message}};
    if (!failure.hint.empty()) error["hint"] = failure.hint;
    terminal.write(Stream::output, pretty_json(Json{{"error", std::move(error)}}));
  } else {
    terminal.write(Stream::error, failure_text(failure));
  }
  return static_cast<int>(failure.exit);
}

int write_answer(const Answer& answer, const Invocation& call, Terminal& terminal) {
  std::string text;
  if (call.json())
    text = answer.document ? pretty_json(*answer.document) : "";
  else
    text = answer.text + (call.quiet() ? "" : answer.notice);
  if (terminal.write(Stream::output, text) != Terminal::Written::failed) return answer.exit;
  return report({ExitCode::failed, "can't write", {}, "standard output"}, false, terminal);
}

Answer text_answer(const char* field, const std::string& text) {
  return {.document = Json{{field, text}}, .text = text};
}

const GroupSpec* find_group(std::string_view name) {
  const auto all = groups();
  const auto found =
      std::find_if(all.begin(), all.end(), [name](const GroupSpec& group) { return group.name == name; });
  return found == all.end() ? nullptr : &*found;
}

/// Help about a command or group by its name; about everything for an empty one.
Result<Answer> help_about(const std::string& topic) {
  if (topic.empty()) return text_answer("help", overview_help());
  if (const CommandSpec* command = find_command(topic)) return text_answer("help", command_help(*command));
  if (const GroupSpec* group = find_group(topic)) return text_answer("help", group_help(*group));
  std::vector<std::string_view> names;
  for (const CommandSpec& command : commands()) names.push_back(command.name);
  for (const GroupSpec& group : groups()) names.push_back(group.name);
  return Unexpected{
      Failure{ExitCode::usage, "unknown command", did_you_mean(topic, names, "see: vanctl --help"), topic}};
}

/// `vanctl --help`, `vanctl site --help`, `vanctl site create --help`, `vanctl help site create`, and `vanctl` alone.
Result<Answer> help_answer(const Invocation& call) {
  if (call.command == nullptr) return help_about(call.group);
  if (call.wants_help()) return help_about(std::string{call.command->name});
  std::string topic;
  for (const std::string& word : call.operands) topic += (topic.empty() ? "" : " ") + word;
  return help_about(topic);
}

bool coloured(const Invocation& call, const Host& host) {
  const std::string choice = call.options.text("color").value_or("auto");
  if (choice != "auto") return choice == "always";
  const auto set = [&host](std::string_view name) { return host.surroundings.variable(name).value_or(""); };
  return host.terminal.is_terminal(Stream::output) && set("NO_COLOR").empty() && set("TERM") != "dumb";
}

/// The agent runs in another folder: a VANCTL_HOME that is relative here must not be so there.
std::vector<std::string> agent_variables(const Surroundings& surroundings) {
  const auto home = surroundings.variable("VANCTL_HOME");
  if (!home || home->empty()) return {};
  return {"VANCTL_HOME=" + (surroundings.current_folder / *home).lexically_normal().string()};
}

Result<Answer> run_command(const Invocation& call, const Host& host, std::chrono::steady_clock::time_point begun) {
  auto paths = profile_paths(call.options.text("profile").value_or(""), host.surroundings);
  if (!paths) return fail(ExitCode::usage, paths.error());
  AgentAccess::Options options{
      .paths = *paths,
      .start_command = {host.executable, "--profile", paths->profile, "--quiet", "agent", "run"},
      .variables = agent_variables(host.surroundings)};
  Session session{call, host, AgentAccess{std::move(options)}, Style{coloured(call, host)}, begun};
  return call.command->run(session);
}

Result<Answer> answer_to(const Invocation& call, const Host& host, std::chrono::steady_clock::time_point begun) {
  if (call.wants_version()) {
    Answer answer = text_answer("version", VAN_VERSION);
    answer.text = "vanctl " VAN_VERSION "\n";
    return answer;
  }
  if (call.command == nullptr || call.command->run == nullptr || call.wants_help()) return help_answer(call);
  return run_command(call, host, begun);
}

}  // namespace

int run_command_line(const std::vector<std::string>& words, const Host& host) {
  const auto begun = std::chrono::steady_clock::now();
  const auto call = parse_command_line(words);
  if (!call) return report(call.error(), asks_for_json(words), host.terminal);
  const auto answer = answer_to(*call, host, begun);
  if (answer) return write_answer(*answer, *call, host.terminal);
  Failure failure = answer.error();
  const bool told_by_text = !call->json();  // who reads JSON knows the command
  if (told_by_text && failure.what.empty() && call->command != nullptr) failure.what = call->command->name;
  return report(failure, call->json(), host.terminal);
}

}  // namespace van::cli
