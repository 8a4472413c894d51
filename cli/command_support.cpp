#include "cli/command_support.h"

#include <filesystem>
#include <utility>

namespace van::cli {

Unexpected<Failure> usage_failure(std::string message, std::string hint) {
  return fail(ExitCode::usage, std::move(message), std::move(hint));
}

std::string text_of(const Json& object, std::string_view name) {
  if (!object.is_object()) return {};
  const auto field = object.find(std::string{name});
  return field != object.end() && field->is_string() ? field->get<std::string>() : std::string{};
}

std::int64_t number_of(const Json& object, std::string_view name) {
  if (!object.is_object()) return 0;
  const auto field = object.find(std::string{name});
  return field != object.end() && field->is_number_integer() ? field->get<std::int64_t>() : 0;
}

std::string absolute_place(const Session& session, std::string place) {
  constexpr std::string_view scheme = "unix:";
  if (!place.starts_with(scheme) || place.size() == scheme.size()) return place;
  return std::string{scheme} + absolute_path(session, place.substr(scheme.size()));
}

std::string absolute_path(const Session& session, const std::string& path) {
  return (session.host.surroundings.current_folder / std::filesystem::path{path}).lexically_normal().string();
}

void copy_path(const Session& session, std::string_view option, Json& body, std::string_view field) {
  if (const auto path = session.call.options.text(option)) body[std::string{field}] = absolute_path(session, *path);
}

void copy_flag(const OptionValues& options, std::string_view option, Json& body, std::string_view field) {
  if (options.has(option)) body[std::string{field}] = true;
}

void copy_text(const OptionValues& options, std::string_view option, Json& body, std::string_view field) {
  if (const auto value = options.text(option)) body[std::string{field}] = *value;
}

Json seconds_json(std::chrono::milliseconds duration) {
  if (duration.count() % 1000 == 0) return duration.count() / 1000;
  return static_cast<double>(duration.count()) / 1000.0;
}

void copy_duration(const OptionValues& options, std::string_view option, Json& body, std::string_view field) {
  if (const auto value = options.duration(option)) body[std::string{field}] = seconds_json(*value);
}

void copy_number(const OptionValues& options, std::string_view option, Json& body, std::string_view field) {
  if (const auto value = options.number(option)) body[std::string{field}] = *value;
}

Result<Answer> with_agent(Session& session, const std::function<Result<Answer>()>& act) {
  const auto started = session.agent.start(session.deadline());
  if (!started) return Unexpected{started.error()};
  auto answer = act();
  if (!*started) return answer;
  const auto stopped = session.agent.stop(session.deadline());
  const bool gone_already = !stopped && stopped.error().exit == ExitCode::no_agent;
  if (answer && !stopped && !gone_already) return Unexpected{stopped.error()};
  return answer;
}

}  // namespace van::cli
