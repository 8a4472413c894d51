// site, token, join, leave.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "cli/command_support.h"
#include "cli/commands.h"
#include "cli/plain_text.h"
#include "core/base/limits.h"

namespace van::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kJoinWait{30};    ///< default of --wait
constexpr seconds kJoinMargin{30};  ///< beyond it, for starting the agent and for its answer
constexpr seconds kJoinGrace{1};    ///< beyond --timeout, so that the agent's reason comes first

bool is_url(std::string_view text) { return text.starts_with("https://") || text.starts_with("http://"); }

/// The text of the token that the operand of `join` names.
Result<std::string> read_token(Session& session, const std::string& operand) {
  if (is_url(operand))
    return fail(ExitCode::failed, "tokens from a URL are not supported in this version",
                "fetch it first, then: vanctl join FILE");
  const std::string name = operand == "-" ? "standard input" : "token '" + operand + "'";
  auto text =
      operand == "-" ? session.host.terminal.read_input(limits::kTokenBytes) : read_file(operand, limits::kTokenBytes);
  if (!text) {
    switch (text.error().code) {
      case SystemError::Code::not_found:
        return fail(ExitCode::not_found, "can't read " + name + ": " + text.error().message,
                    "TOKEN is a file, or '-' for standard input");
      case SystemError::Code::closed:
        return fail(ExitCode::refused, name + " is no token: " + text.error().message);
      case SystemError::Code::timeout:
      case SystemError::Code::other:
        return fail(ExitCode::failed, "can't read " + name + ": " + text.error().message);
    }
  }
  if (text->find_first_not_of(" \t\r\n") == std::string::npos)
    return fail(ExitCode::refused, name + " is no token: it is empty");
  if (!is_utf8(*text)) return fail(ExitCode::refused, name + " is no token: it is not UTF-8 text");
  return std::move(*text);
}

struct JoinTimes {
  milliseconds wait;
  Deadline deadline;
};

/// How long the agent may wait for the link, and we for the agent. --timeout bounds both.
JoinTimes join_times(const Session& session) {
  const auto timeout = session.call.options.duration("timeout");
  const milliseconds wanted = session.call.options.duration("wait").value_or(timeout.value_or(kJoinWait));
  if (!timeout) return {wanted, session.begun + wanted + kJoinMargin};
  const auto left = session.begun + *timeout - std::chrono::steady_clock::now();
  const milliseconds bounded = std::max(std::chrono::ceil<milliseconds>(left), milliseconds{0});
  return {std::min(wanted, bounded), session.begun + *timeout + kJoinGrace};
}

std::string in_quotes(const std::string& text) { return "'" + plain_text(text) + "'"; }

/// The links of a join with their states, as `link 'aws' is up`.
std::string joined_text(const Json& names, const StatusDocument& status) {
  std::string text;
  for (const Json& name : names) {
    if (!name.is_string()) continue;
    const std::string wanted = name.get<std::string>();
    const auto link =
        std::find_if(status.links.begin(), status.links.end(), [&](const auto& l) { return l.name == wanted; });
    text += (text.empty() ? "" : ", ") + std::string{"link "} + in_quotes(wanted);
    if (link != status.links.end()) text += " is " + plain_text(link->state);
  }
  return text;
}

std::string network_text(const Session& session, const StatusDocument& status) {
  return "\n" + sites_view(status, session.view()) + "\n" + services_view(status, session.view());
}

/// The name of the only link that this site dials.
Result<std::string> only_link(Session& session) {
  const auto answer = session.agent.call({.method = "GET", .target = "/v1/status"}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  std::vector<std::string> names;
  for (const StatusDocument::Link& link : read_status(answer->document).links)
    if (link.direction != "incoming") names.push_back(link.name);
  if (names.empty())
    return fail(ExitCode::not_found, "there is no link", "to delete identity and state too: vanctl leave --all");
  if (names.size() == 1) return names.front();
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return usage_failure("there are several links: " + list, "name one, or all: vanctl leave --all");
}

/// Asks before something can't be undone; --yes answers in advance.
Result<void> confirm(Session& session, const std::string& question) {
  if (session.call.options.has("yes")) return {};
  Terminal& terminal = session.host.terminal;
  if (!terminal.is_terminal(Terminal::Stream::input))
    return usage_failure("there is nobody to ask", "to do it without asking: --yes");
  terminal.write(Terminal::Stream::error, question + " [y/N] ");
  const std::string reply = terminal.read_line();
  if (reply == "y" || reply == "Y" || reply == "yes") return {};
  return fail(ExitCode::failed, "not done");
}

}  // namespace

Result<Answer> join(Session& session) {
  const OptionValues& options = session.call.options;
  auto token = read_token(session, session.call.operands[0]);
  if (!token) return Unexpected{token.error()};
  if (auto started = session.agent.start(session.deadline()); !started) return Unexpected{started.error()};

  const JoinTimes times = join_times(session);
  Json body{{"token", std::move(*token)}};
  copy_text(options, "name", body, "site_name");
  copy_text(options, "role", body, "role");
  copy_number(options, "cost", body, "cost");
  copy_text(options, "as", body, "link_name");
  body["wait"] = seconds_json(times.wait);
  auto answer = session.agent.call({.method = "POST", .target = "/v1/links", .body = std::move(body)}, times.deadline);
  if (!answer) return Unexpected{answer.error()};

  const Json& document = answer->document;
  const StatusDocument status = read_status(document.is_object() ? document.value("status", Json{}) : Json{});
  const Json names = document.is_object() ? document.value("links", Json::array()) : Json::array();
  const std::string verb = answer->status == 201 ? "joined: " : "joined already: ";
  return Answer{.document = document,
                .notice = verb + joined_text(names, status) + "\n" + network_text(session, status)};
}

Result<Answer> leave(Session& session) {
  const bool all = session.call.options.has("all");
  const std::vector<std::string>& operands = session.call.operands;
  if (all && !operands.empty())
    return usage_failure("name a link, or give --all, not both", "usage: vanctl leave [LINK | --all]");
  return with_agent(session, [&session, &operands, all]() -> Result<Answer> {
    Result<std::string> link{std::string{}};
    if (!all) link = operands.empty() ? only_link(session) : Result<std::string>{operands[0]};
    if (!link) return Unexpected{link.error()};
    const std::string target = all ? "/v1/links" : "/v1/links/" + percent_encoded(*link);
    auto answer = session.agent.call({.method = "DELETE", .target = target}, session.deadline());
    if (!answer) return Unexpected{answer.error()};
    const std::string notice =
        all ? "left the network: identity and state are deleted\n" : "removed link " + in_quotes(*link) + "\n";
    return Answer{.document = std::move(answer->document), .notice = notice};
  });
}

Result<Answer> site_create(Session& session) {
  const OptionValues& options = session.call.options;
  if (options.has("no-listen") && (options.has("listen") || options.has("listen-edge")))
    return usage_failure("--no-listen and --listen contradict each other");
  Json body{{"name", session.call.operands[0]}};
  copy_text(options, "listen", body, "listen");
  copy_text(options, "listen-edge", body, "listen_edge");
  if (options.has("public-host")) body["public_hosts"] = options.texts("public-host");
  if (options.has("no-listen")) body["no_listen"] = true;

  if (auto started = session.agent.start(session.deadline()); !started) return Unexpected{started.error()};
  auto answer =
      session.agent.call({.method = "POST", .target = "/v1/site", .body = std::move(body)}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  const StatusDocument status = read_status(answer->document);
  const std::string notice =
      "created site " + in_quotes(session.call.operands[0]) + "\n" + network_text(session, status);
  return Answer{.document = std::move(answer->document), .notice = notice};
}

Result<Answer> site_delete(Session& session) {
  const std::string question =
      "Delete the site of profile '" + session.agent.paths().profile + "', its identity and its state?";
  if (auto agreed = confirm(session, question); !agreed) return Unexpected{agreed.error()};
  return with_agent(session, [&session]() -> Result<Answer> {
    auto answer = session.agent.call_last({.method = "DELETE", .target = "/v1/site"}, session.deadline());
    if (!answer) return Unexpected{answer.error()};
    return Answer{.document = std::move(answer->document), .notice = "deleted the site\n"};
  });
}

Result<Answer> token_create(Session& session) {
  const OptionValues& options = session.call.options;
  if (options.text("format") == "claim")
    return fail(ExitCode::failed, "claim tokens are not supported in this version",
                "use a link token: vanctl token create");
  Json body = Json::object();
  copy_text(options, "format", body, "format");
  copy_number(options, "cost", body, "cost");
  copy_text(options, "name", body, "name");
  if (const auto expires = options.duration("expires")) {
    const auto whole = std::chrono::ceil<seconds>(*expires);
    if (whole.count() == 0) return usage_failure("--expires: a token that can't be used at all");
    body["expires_s"] = whole.count();
  }
  auto answer =
      session.agent.call({.method = "POST", .target = "/v1/tokens", .body = std::move(body)}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  const std::string token = text_of(answer->document, "token");
  if (token.empty()) return fail(ExitCode::failed, "the agent's answer has no token");

  const std::string file = session.call.operands.empty() ? "-" : session.call.operands[0];
  if (file == "-") return Answer{.document = std::move(answer->document), .text = token};
  const auto written = write_private_file(session.host.surroundings.current_folder / file, token);
  if (!written) return fail(ExitCode::failed, "can't write '" + file + "': " + written.error().message);
  answer->document.erase("token");
  answer->document["file"] = file;
  std::string notice = "wrote token " + in_quotes(text_of(answer->document, "name")) + " to " + in_quotes(file);
  if (const std::string expires = text_of(answer->document, "expires"); !expires.empty())
    notice += ", good until " + plain_text(expires);
  return Answer{.document = std::move(answer->document), .notice = notice + "\n"};
}

}  // namespace van::cli
