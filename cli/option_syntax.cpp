// cxxopts throws; it is used, and its exceptions are caught, in this file only. Its vectors would be cut at commas.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include "cli/option_syntax.h"

#include <algorithm>
#include <cxxopts.hpp>
#include <utility>

#include "cli/suggestion.h"

namespace van::cli {
namespace {

/// "--name" for the option written as `word`, "-x" when it is one letter.
std::string spelling(std::string_view word) { return std::string{word.substr(0, word.find('='))}; }

std::string cxxopts_name(const OptionSpec& option) {
  return (option.letter == 0 ? std::string{} : std::string{option.letter, ','}) + std::string{option.name};
}

}  // namespace

Unexpected<Failure> usage_error(std::string what, std::string message, std::string hint) {
  return Unexpected{Failure{ExitCode::usage, std::move(message), std::move(hint), std::move(what)}};
}

bool is_option(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

const OptionSpec* find_option(std::span<const OptionSpec> options, std::string_view name) {
  for (const OptionSpec& option : options)
    if (option.name == name || (name.size() == 1 && option.letter == name.front())) return &option;
  return nullptr;
}

Unexpected<Failure> unknown_option(std::string_view word, const CommandSpec* command) {
  std::vector<std::string> names;
  for (const OptionSpec& option : global_options()) names.push_back("--" + std::string{option.name});
  if (command != nullptr)
    for (const OptionSpec& option : command->options) names.push_back("--" + std::string{option.name});
  const std::vector<std::string_view> views{names.begin(), names.end()};
  const std::string help = command == nullptr ? "vanctl --help" : "vanctl " + std::string{command->name} + " --help";
  return usage_error(command == nullptr ? "" : std::string{command->name}, "unknown option '" + spelling(word) + "'",
                     did_you_mean(spelling(word), views, "see: " + help));
}

Result<RawOptions> split_options(const std::vector<std::string>& words, const CommandSpec* command) {
  const std::string what = command == nullptr ? "" : std::string{command->name};
  try {
    cxxopts::Options parser{"vanctl"};
    const auto add = [&parser](const OptionSpec& option) {
      if (option.kind == ValueKind::flag)
        parser.add_options()(cxxopts_name(option), "");
      else
        parser.add_options()(cxxopts_name(option), "", cxxopts::value<std::vector<std::string>>());
    };
    std::for_each(global_options().begin(), global_options().end(), add);
    if (command != nullptr) std::for_each(command->options.begin(), command->options.end(), add);
    parser.add_options()("operands", "", cxxopts::value<std::vector<std::string>>());
    parser.parse_positional("operands");
    parser.allow_unrecognised_options();

    std::vector<const char*> pointers{"vanctl"};
    for (const std::string& word : words) pointers.push_back(word.c_str());
    const auto parsed = parser.parse(static_cast<int>(pointers.size()), pointers.data());
    if (!parsed.unmatched().empty()) return unknown_option(parsed.unmatched().front(), command);
    RawOptions result;
    for (const auto& argument : parsed.arguments()) {
      if (argument.key() != "operands")
        result.options.emplace_back(argument.key(), argument.value());
      else if (is_option(argument.value()))
        return unknown_option(argument.value(), command);
      else
        result.operands.push_back(argument.value());
    }
    return result;
  } catch (const cxxopts::exceptions::missing_argument&) {  // only the last word can miss its value
    return usage_error(what, "option '" + words.back() + "' needs a value", "");
  } catch (const cxxopts::exceptions::exception&) {
    return usage_error(what, "an option without a value was given one", "see: vanctl " + what + " --help");
  }
}

}  // namespace van::cli
