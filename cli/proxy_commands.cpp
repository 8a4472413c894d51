// proxy.
#include <array>
#include <string_view>
#include <utility>

#include "cli/command_support.h"
#include "cli/commands.h"
#include "cli/plain_text.h"

namespace van::cli {
namespace {

constexpr std::array<std::string_view, 2> kPorts{"socks", "http"};

/// A line for each port, or that there is none.
std::string proxy_text(const Json& proxy) {
  std::string text;
  if (const std::string socks = text_of(proxy, "socks"); !socks.empty()) text += "SOCKS5  " + plain_text(socks) + "\n";
  if (const std::string http = plain_text(text_of(proxy, "http")); !http.empty()) {
    text += "HTTP    " + http + "\n";
    text += "Web     http://localhost" + http.substr(http.rfind(':')) + "/ lists the services, each is at http://NAME.localhost" + http.substr(http.rfind(':')) + "/\n";
    text += "PAC     http://" + http + "/proxy.pac\n";
  }
  return text.empty() ? "No proxy ports are open; vanctl proxy on opens them\n" : text;
}

Result<Answer> show_proxy(Session& session) {
  auto answer = session.agent.call({.method = "GET", .target = "/v1/status"}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  const Json proxy = answer->document.is_object() ? answer->document.value("proxy", Json::object()) : Json::object();
  return Answer{.document = proxy, .text = proxy_text(proxy)};
}

Result<Answer> proxy_on(Session& session) {
  Json body = Json::object();
  for (const std::string_view port : kPorts) copy_text(session.call.options, port, body, port);
  if (auto started = session.agent.start(session.deadline()); !started) return Unexpected{started.error()};
  auto answer = session.agent.call({.method = "POST", .target = "/v1/proxy", .body = std::move(body)}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  const std::string notice = proxy_text(answer->document);
  return Answer{.document = std::move(answer->document), .notice = notice};
}

Result<Answer> proxy_off(Session& session) {
  auto answer = session.agent.call({.method = "DELETE", .target = "/v1/proxy"}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  return Answer{.document = std::move(answer->document), .notice = "the proxy ports are closed\n"};
}

}  // namespace

Result<Answer> proxy(Session& session) {
  const std::vector<std::string>& operands = session.call.operands;
  const std::string word = operands.empty() ? "" : operands[0];
  if (word == "on") return proxy_on(session);
  for (const std::string_view port : kPorts)
    if (session.call.options.has(port)) return usage_failure("--" + std::string{port} + " goes with 'on' only", "usage: vanctl proxy on --" + std::string{port} + " [HOST:]PORT");
  if (word == "off") return proxy_off(session);
  if (!word.empty()) return usage_failure("expected 'on' or 'off', not '" + word + "'", "usage: vanctl proxy [on|off]");
  return show_proxy(session);
}

}  // namespace van::cli
