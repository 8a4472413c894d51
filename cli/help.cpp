#include "cli/help.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace van::cli {
namespace {

constexpr std::array kCommonExits{
    ExitMeaning{ExitCode::done, "done"},
    ExitMeaning{ExitCode::failed, "failed"},
    ExitMeaning{ExitCode::usage, "wrong usage"},
};

/// Pairs of a name and what it means, the meanings below each other.
using Entries = std::vector<std::pair<std::string, std::string>>;

std::string list(const Entries& entries) {
  std::size_t width = 0;
  for (const auto& [name, meaning] : entries) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, meaning] : entries)
    text += "  " + name + std::string(width - name.size() + 2, ' ') + meaning + "\n";
  return text;
}

std::string options_list(std::span<const OptionSpec> options) {
  Entries entries;
  for (const OptionSpec& option : options) entries.emplace_back(option_label(option), std::string{option.help});
  return list(entries);
}

std::string exits_list(std::span<const ExitMeaning> exits) {
  Entries entries;
  for (const ExitMeaning& exit : common_exits())
    entries.emplace_back(std::to_string(static_cast<int>(exit.exit)), std::string{exit.meaning});
  for (const ExitMeaning& exit : exits)
    entries.emplace_back(std::to_string(static_cast<int>(exit.exit)), std::string{exit.meaning});
  return list(entries);
}

}  // namespace

std::span<const ExitMeaning> common_exits() { return kCommonExits; }

std::string usage_line(const CommandSpec& command) {
  std::string line = "vanctl " + std::string{command.name};
  if (!command.operands.empty()) line += " " + std::string{command.operands};
  if (!command.options.empty()) line += " [options]";
  return line;
}

std::string option_label(const OptionSpec& option) {
  std::string label = option.letter == 0 ? "    " : std::string{'-', option.letter} + ", ";
  label += "--" + std::string{option.name};
  if (option.kind == ValueKind::choice) {
    std::string choices;
    for (const std::string_view choice : option.choices) choices += (choices.empty() ? "" : "|") + std::string{choice};
    return label + " " + choices;
  }
  if (option.kind != ValueKind::flag) label += " " + std::string{option.value};
  return label;
}

std::string overview_help() {
  std::string text =
      "vanctl puts this machine on a virtual application network: its addresses name services, not hosts.\n\n"
      "usage: vanctl COMMAND [options]\n";
  std::string_view section;
  Entries entries;
  const auto flush = [&] {
    if (!entries.empty()) text += "\n" + std::string{section} + "\n" + list(std::exchange(entries, {}));
  };
  for (const CommandSpec& command : commands()) {
    if (command.section != section) flush();
    section = command.section;
    entries.emplace_back(std::string{command.name}, std::string{command.summary});
  }
  flush();
  return text + "\nOptions of every command\n" + options_list(global_options()) +
         "\nMore about a command: vanctl help COMMAND\n";
}

std::string group_help(const GroupSpec& group) {
  Entries entries;
  for (const CommandSpec& command : commands())
    if (command.name.starts_with(std::string{group.name} + " "))
      entries.emplace_back(std::string{command.name}, std::string{command.summary});
  return std::string{group.summary} + "\n\nusage: vanctl " + std::string{group.name} +
         " COMMAND [options]\n\nCommands\n" + list(entries) + "\nMore about a command: vanctl help " +
         std::string{group.name} + " COMMAND\n";
}

std::string command_help(const CommandSpec& command) {
  std::string text = std::string{command.summary} + "\n\nusage: " + usage_line(command) + "\n\n" +
                     std::string{command.description} + "\n";
  if (!command.options.empty()) text += "\nOptions\n" + options_list(command.options);
  text += "\nOptions of every command\n" + options_list(global_options());
  if (!command.examples.empty()) {
    Entries entries;
    for (const Example& example : command.examples)
      entries.emplace_back(std::string{example.line}, std::string{example.meaning});
    text += "\nExamples\n" + list(entries);
  }
  return text + "\nExit codes\n" + exits_list(command.exits);
}

}  // namespace van::cli
