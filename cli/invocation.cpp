#include "cli/invocation.h"

#include <algorithm>
#include <utility>

#include "cli/command_words.h"
#include "cli/duration_text.h"
#include "cli/help.h"
#include "cli/option_syntax.h"
#include "cli/suggestion.h"

namespace van::cli {
namespace {

using Words = std::vector<std::string>;

std::string joined(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string{word};
  return text;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  if (text.empty() || text.size() > 12) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

/// The number of a value of `option`, 0 for a text; the failure says what is wrong with it.
Result<std::int64_t> check_value(const OptionSpec& option, const std::string& text) {
  const std::string shown = "--" + std::string{option.name} + ": '" + text + "' is not ";
  switch (option.kind) {
    case ValueKind::flag:
      return std::int64_t{0};
    case ValueKind::text:
      if (text.empty()) return fail(ExitCode::usage, "--" + std::string{option.name} + ": must not be empty");
      return std::int64_t{0};
    case ValueKind::number: {
      const auto value = whole_number(text);
      if (value && *value >= option.least && *value <= option.most) return *value;
      return fail(ExitCode::usage,
                  shown + "a number from " + std::to_string(option.least) + " to " + std::to_string(option.most));
    }
    case ValueKind::duration: {
      const auto value = parse_duration(text);
      if (value) return std::int64_t{value->count()};
      return fail(ExitCode::usage, shown + "a length of time", "write seconds, or units: 30, 90s, 15m, 1h30m");
    }
    case ValueKind::choice:
      if (std::find(option.choices.begin(), option.choices.end(), text) != option.choices.end()) return std::int64_t{0};
      return fail(ExitCode::usage, shown + "one of " + joined(option.choices), did_you_mean(text, option.choices, ""));
  }
  return std::int64_t{0};
}

Result<OptionValues> check_options(const RawOptions& raw, const CommandSpec* command) {
  OptionValues values;
  for (const auto& [name, text] : raw.options) {
    const OptionSpec* option = find_option(global_options(), name);
    if (option == nullptr && command != nullptr) option = find_option(command->options, name);
    if (option == nullptr) return unknown_option("--" + name, command);
    const auto number = check_value(*option, text);
    if (!number) {
      Failure failure = number.error();
      if (command != nullptr) failure.what = command->name;
      return Unexpected{std::move(failure)};
    }
    values.add(option->name, text, *number);
  }
  return values;
}

Result<void> check_operands(const Invocation& call) {
  const CommandSpec& command = *call.command;
  const std::string hint = "usage: " + usage_line(command);
  if (call.operands.size() > command.operands_max)
    return usage_error(std::string{command.name}, "unexpected '" + call.operands[command.operands_max] + "'", hint);
  if (call.operands.size() < command.operands_min)
    return usage_error(std::string{command.name}, "not complete: expected " + std::string{command.operands}, hint);
  for (const std::string& operand : call.operands)
    if (operand.empty()) return usage_error(std::string{command.name}, "a word is empty", hint);
  return {};
}

}  // namespace

void OptionValues::add(std::string_view name, std::string text, std::int64_t number) {
  values_[std::string{name}].push_back({std::move(text), number});
}
std::optional<std::string> OptionValues::text(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second.back().text;
}
std::vector<std::string> OptionValues::texts(std::string_view name) const {
  std::vector<std::string> result;
  const auto found = values_.find(name);
  if (found != values_.end())
    for (const Value& value : found->second) result.push_back(value.text);
  return result;
}
std::optional<std::int64_t> OptionValues::number(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second.back().number;
}
std::optional<std::chrono::milliseconds> OptionValues::duration(std::string_view name) const {
  const auto count = number(name);
  if (!count) return std::nullopt;
  return std::chrono::milliseconds{*count};
}

Result<Invocation> parse_command_line(const Words& words) {
  auto taken = take_command(words);
  if (!taken) return Unexpected{taken.error()};
  const auto dashes = std::find(taken->others.begin(), taken->others.end(), "--");
  const Words options{taken->others.begin(), dashes};
  const Words rest{dashes == taken->others.end() ? dashes : dashes + 1, taken->others.end()};
  const auto raw = split_options(options, taken->command);
  if (!raw) return Unexpected{raw.error()};
  auto values = check_options(*raw, taken->command);
  if (!values) return Unexpected{values.error()};

  Invocation call{taken->command, taken->group, std::move(*values), raw->operands};
  call.operands.insert(call.operands.end(), rest.begin(), rest.end());
  if (call.wants_help() || call.wants_version()) return call;
  if (call.command != nullptr) {
    const auto complete = check_operands(call);
    if (!complete) return Unexpected{complete.error()};
    return call;
  }
  if (!call.operands.empty()) return usage_error(call.operands.front(), "unknown command", "see: vanctl --help");
  if (!call.group.empty())
    return usage_error(call.group, "not complete: expected one of " + joined(second_words(call.group)),
                       "see: vanctl " + call.group + " --help");
  return call;
}

bool asks_for_json(const Words& words) {
  bool json = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--") break;
    if (word == "-o" || word == "--output")
      json = i + 1 < words.size() && words[i + 1] == "json";
    else if (word.starts_with("--output=") || (word.starts_with("-o") && word.size() > 2))
      json = word == "--output=json" || word == "-ojson" || word == "-o=json";
  }
  return json;
}

}  // namespace van::cli
