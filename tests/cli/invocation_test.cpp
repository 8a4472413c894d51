#include "cli/invocation.h"

#include <chrono>
#include <sstream>

#include "tests/support/catch.h"

using namespace van::cli;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> words(const std::string& line) {
  std::istringstream stream{line};
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

Invocation understood(const std::string& line) {
  CAPTURE(line);
  auto call = parse_command_line(words(line));
  if (!call) FAIL(failure_text(call.error()));
  return *call;
}

Failure refused(const std::string& line) {
  CAPTURE(line);
  const auto call = parse_command_line(words(line));
  REQUIRE_FALSE(call.has_value());
  CHECK(call.error().exit == ExitCode::usage);
  CHECK_FALSE(call.error().message.empty());
  return call.error();
}

/// A valid value for an option.
std::string sample(const OptionSpec& option) {
  switch (option.kind) {
    case ValueKind::flag:
      return {};
    case ValueKind::text:
      return "some";
    case ValueKind::number:
      return std::to_string(option.least);
    case ValueKind::duration:
      return "15m";
    case ValueKind::choice:
      return std::string{option.choices.back()};
  }
  return {};
}

/// The shortest valid line of a command.
std::string minimal_line(const CommandSpec& command) {
  std::string line{command.name};
  for (std::size_t i = 0; i < command.operands_min; ++i) line += " word";
  return line;
}

}  // namespace

TEST_CASE("every command of the table is understood", "[cli][parse]") {
  for (const CommandSpec& command : commands()) {
    const Invocation call = understood(minimal_line(command));
    CHECK(call.command == &command);
    CHECK(call.operands.size() == command.operands_min);
  }
}

TEST_CASE("every command takes its own options and those of all commands, in every spelling", "[cli][parse]") {
  for (const CommandSpec& command : commands()) {
    std::vector<OptionSpec> options{command.options.begin(), command.options.end()};
    options.insert(options.end(), global_options().begin(), global_options().end());
    for (const OptionSpec& option : options) {
      const std::string name{option.name};
      const std::string value = sample(option);
      std::vector<std::string> spellings{value.empty() ? " --" + name : " --" + name + " " + value};
      if (!value.empty()) spellings.push_back(" --" + name + "=" + value);
      if (option.letter != 0) {
        spellings.push_back(std::string{" -"} + option.letter + (value.empty() ? "" : " " + value));
        if (!value.empty()) spellings.push_back(std::string{" -"} + option.letter + value);
      }
      for (const std::string& spelling : spellings) {
        const Invocation call = understood(minimal_line(command) + spelling);
        CHECK(call.command == &command);
        CHECK(call.options.has(option.name));
        if (!value.empty()) CHECK(call.options.text(option.name) == value);
      }
    }
  }
}

TEST_CASE("every command refuses an option that it does not have and a word too many", "[cli][parse]") {
  for (const CommandSpec& command : commands()) {
    CHECK(refused(minimal_line(command) + " --frobnicate").message == "unknown option '--frobnicate'");
    std::string line{command.name};
    for (std::size_t i = 0; i <= command.operands_max; ++i) line += " word";
    CHECK(refused(line).message == "unexpected 'word'");
    if (command.operands_min > 0) CHECK(refused(std::string{command.name}).what == command.name);
  }
}

TEST_CASE("global options may stand before, between and behind the words of a command", "[cli][parse]") {
  for (const std::string line : {"--profile x -o json site create hub", "site --profile x -o json create hub",
                                 "site create --profile=x hub -ojson", "-qo json --profile x site create hub"}) {
    const Invocation call = understood(line);
    CHECK(call.command->name == "site create");
    CHECK(call.operands == std::vector<std::string>{"hub"});
    CHECK(call.options.text("profile") == "x");
    CHECK(call.json());
  }
}

TEST_CASE("values are typed and checked", "[cli][parse]") {
  const Invocation call = understood("join - --wait 1m30s --cost 5 --role interior --timeout 2.5");
  CHECK(call.operands == std::vector<std::string>{"-"});
  CHECK(call.options.duration("wait") == 90s);
  CHECK(call.options.number("cost") == 5);
  CHECK(call.options.duration("timeout") == 2500ms);
  CHECK_FALSE(call.options.has("name"));

  CHECK(refused("join t --cost 0").message == "--cost: '0' is not a number from 1 to 2147483647");
  CHECK(refused("join t --cost -1").what == "join");
  refused("join t --cost 1.5");
  refused("join t --cost 2147483648");
  refused("join t --cost 99999999999999999999999");
  refused("expose 1 as a --port 65536");
  refused("join t --wait soon");
  refused("join t --name=");
  CHECK(refused("join t --role egde").hint == "did you mean 'edge'?");
  CHECK(refused("status -o yaml").message == "--output: 'yaml' is not one of text, json");
  CHECK(refused("join t --name").message == "option '--name' needs a value");
  refused("status --quiet=maybe");
}

TEST_CASE("an option that repeats gives all its values, another the last", "[cli][parse]") {
  const Invocation call = understood("site create hub --public-host a,b --public-host c --listen 1 --listen 2");
  CHECK(call.options.texts("public-host") == std::vector<std::string>{"a,b", "c"});
  CHECK(call.options.text("listen") == "2");
}

TEST_CASE("behind two dashes everything is an operand", "[cli][parse]") {
  CHECK(understood("join -- --odd-name").operands == std::vector<std::string>{"--odd-name"});
  CHECK(understood("unexpose -o json -- a -o").operands == std::vector<std::string>{"a", "-o"});
}

TEST_CASE("an empty word is refused, not lost", "[cli][parse]") {
  const auto call = parse_command_line({"unexpose", "greeting", ""});
  REQUIRE_FALSE(call.has_value());
  CHECK(call.error().exit == ExitCode::usage);
}

TEST_CASE("the nearest valid spelling is suggested", "[cli][parse]") {
  CHECK(refused("stauts").hint == "did you mean 'status'?");
  CHECK(refused("site craete hub").hint == "did you mean 'create'?");
  CHECK(refused("join t --nmae x").hint == "did you mean '--name'?");
  CHECK(refused("--porfile x status").hint == "did you mean '--profile'?");
  CHECK(refused("frobnicate").hint == "see: vanctl --help");
}

TEST_CASE("a command of a later version is unknown", "[cli][parse]") {
  for (const std::string line : {"top", "trace", "ping x", "doctor", "console", "env", "run ls",
                                 "demo", "debug dump f", "completion bash", "token list",
                                 "token revoke x", "agent reload", "agent install", "agent uninstall"})
    CHECK(refused(line).message == "unknown command");
  refused("token create --uses 3");
}

TEST_CASE("a group needs a second word, unless help is wanted", "[cli][parse]") {
  CHECK(refused("site").message == "not complete: expected one of create, delete");
  CHECK(understood("site --help").group == "site");
  CHECK(understood("site --help").wants_help());
  CHECK(understood("").command == nullptr);
  CHECK(understood("--version").wants_version());
  CHECK(understood("join --help").command->name == "join");
}

TEST_CASE("a wrong command line that asks for JSON is recognised", "[cli][parse]") {
  for (const std::string line : {"-o json x", "x --output json", "x --output=json", "x -ojson"})
    CHECK(asks_for_json(words(line)));
  for (const std::string line : {"x", "-o text x", "x -- -o json", "x -o"}) CHECK_FALSE(asks_for_json(words(line)));
}
