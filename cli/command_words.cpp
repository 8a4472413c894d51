#include "cli/command_words.h"

#include <algorithm>

#include "cli/option_syntax.h"
#include "cli/suggestion.h"

namespace van::cli {
namespace {

using Words = std::vector<std::string>;

/// How many words the option at `words[at]` takes, itself included; 0 when it is none of the global ones.
std::size_t global_option_words(std::string_view word) {
  if (word.starts_with("--")) {
    const std::size_t equals = word.find('=');
    const OptionSpec* option = find_option(global_options(), word.substr(2, equals == word.npos ? equals : equals - 2));
    if (option == nullptr || option->name.size() < 2) return 0;
    return option->kind == ValueKind::flag || equals != word.npos ? 1 : 2;
  }
  for (std::size_t i = 1; i < word.size(); ++i) {
    const OptionSpec* option = find_option(global_options(), word.substr(i, 1));
    if (option == nullptr) return 0;
    if (option->kind != ValueKind::flag) return i + 1 == word.size() ? 2 : 1;
  }
  return 1;
}

std::vector<std::string_view> first_words() {
  std::vector<std::string_view> result;
  for (const CommandSpec& command : commands()) {
    const std::string_view word = command.name.substr(0, command.name.find(' '));
    if (std::find(result.begin(), result.end(), word) == result.end()) result.push_back(word);
  }
  return result;
}

/// The position of the next word that is no global option; words.size() when there is none.
Result<std::size_t> next_command_word(const Words& words, std::size_t at) {
  while (at < words.size() && is_option(words[at])) {
    if (words[at] == "--") return words.size();
    const std::size_t count = global_option_words(words[at]);
    if (count == 0) return unknown_option(words[at], nullptr);
    at += count;
  }
  return std::min(at, words.size());
}

}  // namespace

std::vector<std::string_view> second_words(std::string_view group) {
  std::vector<std::string_view> result;
  for (const CommandSpec& command : commands())
    if (command.name.starts_with(std::string{group} + " ")) result.push_back(command.name.substr(group.size() + 1));
  return result;
}

Result<CommandWords> take_command(const Words& words) {
  CommandWords result{.others = words};
  auto at = next_command_word(words, 0);
  if (!at) return Unexpected{at.error()};
  if (*at == words.size()) return result;
  const std::string first = words[*at];
  const auto drop = [&result](std::size_t position) {
    result.others.erase(result.others.begin() + static_cast<std::ptrdiff_t>(position));
  };
  drop(*at);
  result.command = find_command(first);
  if (result.command != nullptr) return result;

  const bool is_group =
      std::any_of(groups().begin(), groups().end(), [&](const GroupSpec& g) { return g.name == first; });
  if (!is_group) {
    const auto valid = first_words();
    return usage_error(first, "unknown command", did_you_mean(first, valid, "see: vanctl --help"));
  }
  result.group = first;
  at = next_command_word(result.others, *at);
  if (!at) return Unexpected{at.error()};
  if (*at == result.others.size()) return result;
  const std::string second = result.others[*at];
  drop(*at);
  result.command = find_command(first + " " + second);
  if (result.command != nullptr) return result;
  const auto valid = second_words(first);
  return usage_error(first + " " + second, "unknown command",
                     did_you_mean(second, valid, "see: vanctl " + first + " --help"));
}

}  // namespace van::cli
