// status, sites, links, services, logs.
#include <array>
#include <utility>

#include "cli/command_support.h"
#include "cli/commands.h"
#include "cli/plain_text.h"

namespace van::cli {
namespace {

using View = std::string (*)(const StatusDocument&, const ViewOptions&);

/// The status document, or the part of it called `part`, shown by `view`.
Result<Answer> show(Session& session, View view, const char* part) {
  auto answer = session.agent.call({.method = "GET", .target = "/v1/status"}, session.deadline());
  if (!answer) return Unexpected{answer.error()};
  Json document = std::move(answer->document);
  const std::string text = view(read_status(document), session.view());
  if (part != nullptr) document = document.is_object() ? document.value(part, Json::array()) : Json::array();
  return Answer{.document = std::move(document), .text = text};
}

std::string lines_text(const Json& document) {
  if (!document.is_object()) return {};
  std::string text;
  for (const Json& line : document.value("lines", Json::array()))
    if (line.is_string()) text += plain_text(line.get<std::string>()) + "\n";
  return text;
}

}  // namespace

Result<Answer> show_status(Session& session) { return show(session, status_view, nullptr); }
Result<Answer> show_sites(Session& session) { return show(session, sites_view, "sites"); }
Result<Answer> show_links(Session& session) { return show(session, links_view, "links"); }
Result<Answer> show_services(Session& session) { return show(session, services_view, "services"); }

Result<Answer> show_logs(Session& session) {
  const OptionValues& options = session.call.options;
  const bool follow = options.has("follow");
  if (follow && session.call.json())
    return usage_failure("a log that goes on is not one JSON document", "leave out --follow, or --output json");
  const std::array<std::pair<std::string_view, std::string>, 3> query{{{"lines", options.text("lines").value_or("100")},
                                                                       {"level", options.text("level").value_or("")},
                                                                       {"follow", follow ? "1" : ""}}};
  const ApiRequest request{.method = "GET", .target = api_query("/v1/logs", query)};
  if (!follow) {
    auto answer = session.agent.call(request, session.deadline());
    if (!answer) return Unexpected{answer.error()};
    const std::string text = lines_text(answer->document);
    return Answer{.document = std::move(answer->document), .text = text};
  }

  end_well_on_interrupt();
  Terminal& terminal = session.host.terminal;
  const auto followed = session.agent.follow(request, session.deadline(), [&terminal](std::string_view text) {
    return terminal.write(Terminal::Stream::output, plain_lines(text)) == Terminal::Written::all;
  });
  if (!followed) return Unexpected{followed.error()};
  return Answer{};
}

}  // namespace van::cli
