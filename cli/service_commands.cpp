// expose, unexpose, bind, unbind.
#include <array>
#include <utility>

#include "cli/command_support.h"
#include "cli/commands.h"
#include "cli/plain_text.h"

namespace van::cli {
namespace {

/// A line for each element of the answer's "removed".
std::string removed_text(const Json& document, std::string_view place, std::string_view verb) {
  if (!document.is_object()) return {};
  std::string text;
  for (const Json& removed : document.value("removed", Json::array()))
    text += plain_text(text_of(removed, place)) + " " + std::string{verb} + " " +
            plain_text(text_of(removed, "address")) + "\n";
  return text;
}

void copy_certificate(const Session& session, Json& body) {
  copy_path(session, "tls-cert", body, "tls_certificate");
  copy_path(session, "tls-key", body, "tls_key");
}

/// DELETE of `path` for the address and, when there is one, the place that the operands name.
Result<Answer> remove(Session& session, std::string_view path, std::string_view place, std::string_view verb) {
  const std::vector<std::string>& operands = session.call.operands;
  std::vector<std::pair<std::string_view, std::string>> query{{"address", operands[0]}};
  if (operands.size() > 1) query.emplace_back(place, absolute_place(session, operands[1]));
  auto answer = session.agent.call({.method = "DELETE", .target = api_query(path, query)}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  const std::string notice = removed_text(answer->document, place, verb);
  return Answer{.document = std::move(answer->document), .notice = notice};
}

}  // namespace

Result<Answer> expose(Session& session) {
  const std::vector<std::string>& operands = session.call.operands;
  if (operands[1] != "as")
    return usage_failure("expected 'as' before the address, not '" + operands[1] + "'",
                         "usage: vanctl expose TARGET as ADDRESS");
  Json body{{"target", absolute_place(session, operands[0])}, {"address", operands[2]}};
  copy_text(session.call.options, "protocol", body, "protocol");
  copy_number(session.call.options, "cost", body, "cost");
  copy_number(session.call.options, "port", body, "port");
  copy_text(session.call.options, "health", body, "health");
  copy_duration(session.call.options, "health-interval", body, "health_interval_s");
  copy_number(session.call.options, "health-failures", body, "health_failures");
  copy_number(session.call.options, "health-successes", body, "health_successes");
  copy_flag(session.call.options, "proxy-protocol", body, "proxy_protocol");
  copy_path(session, "tls-ca", body, "tls_ca");
  copy_certificate(session, body);
  copy_flag(session.call.options, "tls-any-host", body, "tls_any_host");
  if (session.call.options.has("multicast")) body["multicast"] = true;

  if (auto started = session.agent.start(session.deadline()); !started) return Unexpected{started.error()};
  auto answer =
      session.agent.call({.method = "POST", .target = "/v1/exposures", .body = std::move(body)}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  const Json& made = answer->document;
  std::string notice = "exposed " + plain_text(text_of(made, "target")) + " as " +
                       plain_text(text_of(made, "address")) + " (" + plain_text(text_of(made, "protocol"));
  if (number_of(made, "port") != 0) notice += ", port " + std::to_string(number_of(made, "port"));
  return Answer{.document = made, .notice = notice + ")\n"};
}

Result<Answer> unexpose(Session& session) {
  return remove(session, "/v1/exposures", "target", "is no longer exposed as");
}

Result<Answer> bind_address(Session& session) {
  const std::vector<std::string>& operands = session.call.operands;
  Json body = Json::object();
  copy_text(session.call.options, "protocol", body, "protocol");
  copy_text(session.call.options, "forwarded", body, "forwarded");
  copy_certificate(session, body);
  const bool amqp = text_of(body, "protocol") == "amqp";
  if (operands.empty() && !amqp) return usage_failure("bind needs ADDRESS", "usage: vanctl bind ADDRESS [LOCAL]");
  const std::size_t named = amqp && operands.size() < 2 ? 0 : 1;  // an AMQP port need not have a name of its own
  body["address"] = named == 0 ? "amqp" : operands[0];
  if (operands.size() > named) body["local"] = absolute_place(session, operands[named]);
  if (session.call.options.has("multicast")) body["multicast"] = true;

  if (auto started = session.agent.start(session.deadline()); !started) return Unexpected{started.error()};
  auto answer =
      session.agent.call({.method = "POST", .target = "/v1/bindings", .body = std::move(body)}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  const Json& made = answer->document;
  const std::string notice = amqp ? "AMQP clients may connect to " + plain_text(text_of(made, "local")) + "\n"
                                  : plain_text(text_of(made, "local")) + " stands in for " + plain_text(text_of(made, "address")) + "\n";
  return Answer{.document = made, .notice = notice};
}

Result<Answer> unbind(Session& session) { return remove(session, "/v1/bindings", "local", "no longer stands in for"); }

}  // namespace van::cli
