#include "cli/help.h"

#include "tests/support/catch.h"

using namespace van::cli;

TEST_CASE("every command's help has usage, its options, examples and exit codes", "[cli][help]") {
  for (const CommandSpec& command : commands()) {
    CAPTURE(command.name);
    const std::string text = command_help(command);
    CHECK(text.find("usage: vanctl " + std::string{command.name}) != std::string::npos);
    CHECK(text.find("\nExit codes\n  0  done\n") != std::string::npos);
    for (const OptionSpec& option : command.options)
      CHECK(text.find("--" + std::string{option.name}) != std::string::npos);
    for (const OptionSpec& option : global_options())
      CHECK(text.find("--" + std::string{option.name}) != std::string::npos);
    CHECK_FALSE(command.summary.empty());
    CHECK_FALSE(command.description.empty());
    CHECK_FALSE(command.examples.empty());
    for (const Example& example : command.examples) CHECK(text.find(example.line) != std::string::npos);
    CHECK(text.ends_with("\n"));
  }
}

TEST_CASE("the overview names every command and every option of all commands", "[cli][help]") {
  const std::string text = overview_help();
  for (const CommandSpec& command : commands())
    CHECK(text.find("\n  " + std::string{command.name} + " ") != std::string::npos);
  for (const OptionSpec& option : global_options())
    CHECK(text.find("--" + std::string{option.name}) != std::string::npos);
}

TEST_CASE("a group's help names its commands and no others", "[cli][help]") {
  for (const GroupSpec& group : groups()) {
    const std::string text = group_help(group);
    for (const CommandSpec& command : commands()) {
      const bool member = command.name.starts_with(std::string{group.name} + " ");
      CHECK((text.find("\n  " + std::string{command.name} + " ") != std::string::npos) == member);
    }
  }
}

TEST_CASE("names in the table are unique, and options do not hide the global ones", "[cli][help]") {
  for (const CommandSpec& command : commands()) {
    CHECK(find_command(command.name) == &command);
    for (const OptionSpec& option : command.options) {
      for (const OptionSpec& global : global_options()) {
        CHECK(option.name != global.name);
        CHECK((option.letter == 0 || option.letter != global.letter));
      }
    }
  }
}
