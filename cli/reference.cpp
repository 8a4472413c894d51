#include "cli/reference.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "cli/help.h"

namespace van::cli {
namespace {

constexpr std::array kAllExits{
    ExitMeaning{ExitCode::done, "done"},
    ExitMeaning{ExitCode::failed, "failed"},
    ExitMeaning{ExitCode::usage, "wrong usage: an unknown command, option or word, or a value out of range"},
    ExitMeaning{ExitCode::no_agent, "no agent runs, and this command starts none"},
    ExitMeaning{ExitCode::timeout, "not done in time; what was begun goes on"},
    ExitMeaning{ExitCode::not_found, "no such address, link, site or file"},
    ExitMeaning{ExitCode::conflict, "conflict: exposed already, port in use, role does not fit"},
    ExitMeaning{ExitCode::refused, "refused by the peer, or a token that can't be used"},
};

struct Place {
  std::string_view what;
  std::string_view linux_path;
  std::string_view mac_path;
};
constexpr std::array kPlaces{
    Place{"configuration (agent.toml), written by the user only", "$XDG_CONFIG_HOME/vanctl/PROFILE/",
          "~/Library/Application Support/vanctl/PROFILE/"},
    Place{"state, keys, certificates, logs", "$XDG_STATE_HOME/vanctl/PROFILE/", "the same folder"},
    Place{"control socket", "$XDG_RUNTIME_DIR/vanctl/PROFILE.sock, else agent.sock in the state folder",
          "agent.sock in the same folder"},
};

struct Variable {
  std::string_view name;
  std::string_view meaning;
};
constexpr std::array kVariables{
    Variable{"VANCTL_PROFILE", "the profile when --profile is not given"},
    Variable{"VANCTL_HOME", "a folder that takes the place of all three folders below"},
    Variable{"NO_COLOR", "no colours, unless --color always"},
};

std::string number(ExitCode exit) { return std::to_string(static_cast<int>(exit)); }

// --- Markdown

/// Angle brackets and bars would be markup in a table.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '|' ? "\\|" : std::string{c};
  return result;
}

std::string trimmed_label(const OptionSpec& option) {
  const std::string label = option_label(option);
  return label.substr(label.find_first_not_of(' '));
}

std::string options_markdown(std::span<const OptionSpec> options) {
  std::string text = "| option | |\n|---|---|\n";
  for (const OptionSpec& option : options)
    text += "| `" + cell(trimmed_label(option)) + "` | " + cell(option.help) + " |\n";
  return text;
}

std::string command_markdown(const CommandSpec& command) {
  std::string text = "### vanctl " + std::string{command.name} + "\n\n" + std::string{command.summary} + ".\n\n```\n" +
                     usage_line(command) + "\n```\n\n" + std::string{command.description} + "\n\n";
  if (!command.options.empty()) text += options_markdown(command.options) + "\n";
  text += "```sh\n";
  for (const Example& example : command.examples) {
    if (!example.meaning.empty()) text += "# " + std::string{example.meaning} + "\n";
    text += std::string{example.line} + "\n";
  }
  text += "```\n\n";
  if (command.exits.empty()) return text;
  text += "Exit codes besides 0, 1 and 2:\n\n";
  for (const ExitMeaning& exit : command.exits)
    text += "- " + number(exit.exit) + ": " + std::string{exit.meaning} + "\n";
  return text + "\n";
}

// --- manual page

/// A backslash, and a dot or quote at the beginning of a line, mean something to troff; a plain '-' is a hyphen there.
std::string roff(std::string_view text) {
  std::string result;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else
      result += c;
    line_start = c == '\n';
  }
  return result;
}

std::string item(const std::string& name, std::string_view meaning) {
  return ".TP\n\\fB" + roff(name) + "\\fR\n" + roff(meaning) + "\n";
}

std::string command_roff(const CommandSpec& command) {
  std::string text = ".SS \"" + roff(usage_line(command)) + "\"\n" + roff(command.summary) + ".\n.PP\n" +
                     roff(command.description) + "\n";
  for (const OptionSpec& option : command.options) text += item(trimmed_label(option), option.help);
  for (const ExitMeaning& exit : command.exits) text += item("exit code " + number(exit.exit), exit.meaning);
  return text;
}

}  // namespace

std::string reference_markdown() {
  std::string text =
      "# Commands of vanctl\n\n"
      "Written from the command table: change `cli/command_table.cpp`, then let `VAN_WRITE_DOCS=1 cli_test "
      "[reference]` write it anew.\n\n"
      "`vanctl agent run` is the long-running agent. Every other command asks a running agent over its control socket; "
      "`join`,\n"
      "`site create`, `expose`, `bind` and `agent start` start one in the background when none runs, `leave` and `site "
      "delete` for\n"
      "as long as they need it.\n\n## Options of every command\n\n" +
      options_markdown(global_options()) +
      "\nThey may stand before or behind the name of the command. Lengths of time are seconds or have units: `30`, "
      "`90s`, `15m`,\n"
      "`1h30m`. Behind `--` every word is an operand.\n\n"
      "## Output\n\n"
      "What was asked for goes to standard output. With `--output json` it is one JSON document and nothing else. "
      "Errors go to\n"
      "standard error as `vanctl: WHAT: WHY`, with a second line `hint: HOW TO MEND IT` where there is one; with "
      "`--output json`\n"
      "they are `{\"error\": {\"code\", \"message\", \"hint\"}}` on standard output.\n\n"
      "| exit code | `code` | meaning |\n|---|---|---|\n";
  for (const ExitMeaning& exit : kAllExits) {
    const std::string code = exit.exit == ExitCode::done ? "" : "`" + std::string{code_name(exit.exit)} + "`";
    text += "| " + number(exit.exit) + " | " + code + " | " + std::string{exit.meaning} + " |\n";
  }
  text += "\n## Environment and files\n\n| variable | |\n|---|---|\n";
  for (const Variable& variable : kVariables)
    text += "| `" + std::string{variable.name} + "` | " + std::string{variable.meaning} + " |\n";
  text += "\n| what | Linux | macOS |\n|---|---|---|\n";
  for (const Place& place : kPlaces)
    text += "| " + std::string{place.what} + " | " + std::string{place.linux_path} + " | " +
            std::string{place.mac_path} + " |\n";

  std::string_view section;
  for (const CommandSpec& command : commands()) {
    if (command.section != section) text += "\n## " + std::string{command.section} + "\n\n";
    section = command.section;
    text += command_markdown(command);
  }
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

std::string manual_page() {
  std::string text = ".TH VANCTL 1 \"\" \"vanctl " VAN_VERSION
                     "\" \"User commands\"\n"
                     ".SH NAME\nvanctl \\- put this machine on a virtual application network\n"
                     ".SH SYNOPSIS\n\\fBvanctl\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n"
                     ".SH DESCRIPTION\nA virtual application network is laid over plain TCP between sites; its "
                     "addresses name services, not hosts.\n"
                     "\\fBvanctl agent run\\fR is the long\\-running agent. Every other command asks a running agent "
                     "over its control socket, and\n"
                     "some start one when none runs.\n.SH OPTIONS\nThese go with every command:\n";
  for (const OptionSpec& option : global_options()) text += item(trimmed_label(option), option.help);
  text += ".SH COMMANDS\n";
  for (const CommandSpec& command : commands()) text += command_roff(command);
  text += ".SH EXIT STATUS\n";
  for (const ExitMeaning& exit : kAllExits) text += item(number(exit.exit), exit.meaning);
  text += ".SH ENVIRONMENT\n";
  for (const Variable& variable : kVariables) text += item(std::string{variable.name}, variable.meaning);
  text += ".SH FILES\n";
  for (const Place& place : kPlaces) text += item(std::string{place.linux_path}, place.what);
  return text + ".SH EXAMPLES\n.nf\n" +
         roff("ssh hub vanctl token create - | vanctl join -\nvanctl expose 8080 as greeting\nvanctl status\n") +
         ".fi\n";
}

}  // namespace van::cli
