#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "cli/failure.h"

namespace van::cli {

struct Answer;
struct Session;

enum class ValueKind {
  flag,      ///< no value
  text,      ///< not empty
  number,    ///< whole, `least` to `most`
  duration,  ///< see parse_duration()
  choice,    ///< one of `choices`
};

/// An option as people may write it: `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`.
struct OptionSpec {
  char letter = 0;  ///< 0: none
  std::string_view name;
  ValueKind kind = ValueKind::flag;
  std::string_view value = {};  ///< what help calls the value
  std::string_view help;        ///< one line
  std::span<const std::string_view> choices = {};
  std::int64_t least = 0;
  std::int64_t most = 0;
  bool repeats = false;  ///< may be given several times; else the last one counts
};

struct Example {
  std::string_view line;
  std::string_view meaning;
};

/// What each exit code means for one command, beyond 0, 1 and 2, which mean the same everywhere.
struct ExitMeaning {
  ExitCode exit;
  std::string_view meaning;
};

/// A row of the command table: parsing, help, suggestions, the reference and the manual page come from it.
struct CommandSpec {
  std::string_view section;   ///< heading that the overview lists it under
  std::string_view name;      ///< one or two words: `join`, `site create`
  std::string_view operands;  ///< as the usage line shows them: `ADDRESS [TARGET]`
  std::size_t operands_min = 0;
  std::size_t operands_max = 0;
  std::string_view summary;      ///< a line for lists
  std::string_view description;  ///< paragraphs
  std::span<const OptionSpec> options;
  std::span<const Example> examples;
  std::span<const ExitMeaning> exits;
  Result<Answer> (*run)(Session&);  ///< nullptr: `help`, which needs neither profile nor agent
};

/// The first word of commands of two words.
struct GroupSpec {
  std::string_view name;
  std::string_view summary;
};

/// All commands of this version, in the order in which help shows them.
[[nodiscard]] std::span<const CommandSpec> commands();
[[nodiscard]] std::span<const GroupSpec> groups();
/// Options that every command takes, before or behind its name.
[[nodiscard]] std::span<const OptionSpec> global_options();
/// nullptr when there is none of that name.
[[nodiscard]] const CommandSpec* find_command(std::string_view name);

}  // namespace van::cli
