#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace van::cli {

/// Options that were given, checked against their kind and range: what is here is valid.
class OptionValues {
 public:
  void add(std::string_view name, std::string text, std::int64_t number);
  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const;
  [[nodiscard]] std::optional<std::chrono::milliseconds> duration(std::string_view name) const;

 private:
  struct Value {
    std::string text;
    std::int64_t number = 0;  ///< of a number; of a duration its milliseconds
  };
  std::map<std::string, std::vector<Value>, std::less<>> values_;
};

/// A command line that was understood.
struct Invocation {
  const CommandSpec* command = nullptr;  ///< nullptr: help or version is wanted, of the program or of a group
  std::string group;                     ///< of `vanctl GROUP --help`
  OptionValues options;                  ///< the command's and the global ones
  std::vector<std::string> operands;     ///< as many as the command takes

  [[nodiscard]] bool wants_help() const { return options.has("help"); }
  [[nodiscard]] bool wants_version() const { return options.has("version"); }
  [[nodiscard]] bool json() const { return options.text("output") == "json"; }
  [[nodiscard]] bool quiet() const { return options.has("quiet"); }
  [[nodiscard]] bool verbose() const { return options.has("verbose"); }
};

/// `words` are the arguments behind the program's name. Global options may stand anywhere, a command's own behind its
/// name; behind `--` everything is an operand. Errors: usage, each with the nearest valid spelling or the usage line as
/// hint.
Result<Invocation> parse_command_line(const std::vector<std::string>& words);

/// Whether a command line that may be wrong asks for JSON, so that even its error can be told as JSON.
[[nodiscard]] bool asks_for_json(const std::vector<std::string>& words);

}  // namespace van::cli
