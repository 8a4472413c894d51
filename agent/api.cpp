#include "agent/api.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <limits>
#include <utility>

#include "agent/identity.h"
#include "agent/json_reader.h"
#include "agent/log_follower.h"
#include "agent/printable.h"
#include "agent/status.h"
#include "agent/time_text.h"
#include "core/base/datagram_limits.h"
#include "core/link/log.h"

namespace van::agent {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kCostMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kValidityMax = std::int64_t{10} * 365 * 24 * 3600;  // seconds
constexpr std::size_t kLogLinesDefault = 100;

/// As text. Names that came from others may be no UTF-8: they are shown with replacement characters.
std::string text_of(const Json& document) { return document.dump(-1, ' ', false, Json::error_handler_t::replace); }

Error bad_request(std::string message) { return {Error::Code::bad_request, std::move(message), {}}; }

/// Errors: bad_request for a parameter that the route does not know.
Result<void> check_query(const HttpRequest& request, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.query)
    if (std::ranges::find(known, std::string_view{name}) == known.end())
      return Unexpected{bad_request("parameter '" + printable(name) + "' is not known")};
  return {};
}

/// An absent parameter and an empty one are the same.
std::optional<std::string> parameter(const HttpRequest& request, const std::string& name) {
  const auto found = request.query.find(name);
  if (found == request.query.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

struct LogQuery {
  std::size_t lines = kLogLinesDefault;
  spdlog::level::level_enum level = spdlog::level::trace;
  bool follow = false;
};
Result<LogQuery> read_log_query(const HttpRequest& request) {
  const auto known = check_query(request, {"lines", "level", "follow"});
  if (!known) return Unexpected{known.error()};
  LogQuery query;
  if (const auto lines = parameter(request, "lines")) {
    const auto [end, error] = std::from_chars(lines->data(), lines->data() + lines->size(), query.lines);
    if (error != std::errc{} || end != lines->data() + lines->size())
      return Unexpected{bad_request("parameter 'lines' must be a number")};
  }
  if (const auto level = parameter(request, "level")) {
    const auto read = log_level(*level);
    if (!read) return Unexpected{bad_request("parameter 'level': " + read.error())};
    query.level = *read;
  }
  const auto follow = parameter(request, "follow");
  if (follow && *follow != "0" && *follow != "1") return Unexpected{bad_request("parameter 'follow' must be 0 or 1")};
  query.follow = follow == "1";
  return query;
}

Result<std::string> required_parameter(const HttpRequest& request, const std::string& name) {
  auto value = parameter(request, name);
  if (!value) return Unexpected{bad_request("parameter '" + name + "' is missing")};
  return *std::move(value);
}

Result<CreateSite> read_create_site(const std::string& body) {
  JsonReader reader{body};
  CreateSite command;
  command.name = reader.text("name");
  command.listen = reader.optional_text("listen");
  command.listen_edge = reader.optional_text("listen_edge");
  command.public_hosts = reader.texts("public_hosts");
  command.no_listen = reader.flag("no_listen");
  const auto done = reader.finish();
  if (!done) return Unexpected{done.error()};
  return command;
}

Result<CreateToken> read_create_token(const std::string& body) {
  JsonReader reader{body};
  CreateToken command;
  const std::string format = reader.optional_text("format").value_or("link");
  command.name = reader.optional_text("name").value_or("");
  command.cost = static_cast<std::uint32_t>(reader.optional_integer("cost", 1, kCostMax).value_or(1));
  if (const auto expires = reader.optional_integer("expires_s", 1, kValidityMax)) command.validity = std::chrono::seconds{*expires};
  const auto done = reader.finish();
  if (!done) return Unexpected{done.error()};
  if (format == "link") return command;
  if (format == "claim")
    return Unexpected{Error{Error::Code::bad_request, "tokens of format claim are not in this version", "use --format link"}};
  return Unexpected{bad_request("format '" + printable(format) + "' is not known: it is link or claim")};
}

Result<Join> read_join(const std::string& body) {
  JsonReader reader{body};
  Join command;
  command.token = reader.text("token");
  command.site_name = reader.optional_text("site_name").value_or("");
  command.link_name = reader.optional_text("link_name").value_or("");
  const auto role = reader.optional_text("role");
  if (const auto cost = reader.optional_integer("cost", 1, kCostMax)) command.cost = static_cast<std::uint32_t>(*cost);
  if (const auto wait = reader.optional_seconds("wait", kJoinWaitMax)) command.wait = *wait;
  const auto done = reader.finish();
  if (!done) return Unexpected{done.error()};
  if (role && *role != "edge" && *role != "interior")
    return Unexpected{bad_request("role '" + printable(*role) + "' is not known: it is edge or interior")};
  if (role) command.role = *role == "edge" ? router::Mode::edge : router::Mode::interior;
  return command;
}

std::optional<std::uint32_t> read_threshold(JsonReader& reader, std::string_view name) {
  const auto value = reader.optional_integer(name, 1, proxy::kHealthThresholdMax);
  return value ? std::optional{static_cast<std::uint32_t>(*value)} : std::nullopt;
}

proxy::TlsFiles read_certificate(JsonReader& reader) {
  return {.certificate = reader.optional_text("tls_certificate").value_or(""), .key = reader.optional_text("tls_key").value_or("")};
}

Result<Expose> read_expose(const std::string& body) {
  JsonReader reader{body};
  Expose command;
  command.address = reader.text("address");
  command.target = reader.text("target");
  command.protocol = reader.optional_text("protocol");
  command.cost = static_cast<std::uint32_t>(reader.optional_integer("cost", 0, kCostMax).value_or(0));
  if (const auto port = reader.optional_integer("port", 1, 65535)) command.port = static_cast<std::uint16_t>(*port);
  command.health = reader.optional_text("health");
  command.health_interval = reader.optional_seconds("health_interval_s", proxy::kHealthIntervalMax);
  command.health_failures = read_threshold(reader, "health_failures");
  command.health_successes = read_threshold(reader, "health_successes");
  command.proxy_protocol = reader.flag("proxy_protocol");
  command.tls = read_certificate(reader);
  command.tls.authorities = reader.optional_text("tls_ca").value_or("");
  command.tls.verify_host = !reader.flag("tls_any_host");
  command.multicast = reader.flag("multicast");
  const auto done = reader.finish();
  if (!done) return Unexpected{done.error()};
  return command;
}

Result<Bind> read_bind(const std::string& body) {
  JsonReader reader{body};
  Bind command;
  command.address = reader.text("address");
  command.local = reader.optional_text("local");
  command.protocol = reader.optional_text("protocol");
  command.forwarded = reader.optional_text("forwarded");
  command.tls = read_certificate(reader);
  command.multicast = reader.flag("multicast");
  const auto done = reader.finish();
  if (!done) return Unexpected{done.error()};
  return command;
}

Result<OpenProxy> read_open_proxy(const std::string& body) {
  JsonReader reader{body};
  OpenProxy command;
  for (const NamePort& port : name_ports())
    if (auto place = reader.optional_text(port.name)) command.places[std::string{port.name}] = std::move(place);
  const auto done = reader.finish();
  if (!done) return Unexpected{done.error()};
  return command;
}

struct EventsBody {
  std::string address;
  std::vector<std::string> messages;
};
/// One message, or one for each line, of which the last may have no end.
Result<EventsBody> read_events(const HttpRequest& request) {
  const auto known = check_query(request, {"address", "lines"});
  if (!known) return Unexpected{known.error()};
  const auto lines = parameter(request, "lines");
  if (lines && *lines != "0" && *lines != "1") return Unexpected{bad_request("parameter 'lines' must be 0 or 1")};
  auto address = required_parameter(request, "address");
  if (!address) return Unexpected{address.error()};
  if (const auto usable = check_address(*address); !usable) return Unexpected{usable.error()};
  EventsBody events{.address = *std::move(address), .messages = {}};
  if (lines == "1") {
    for (std::size_t begin = 0; begin < request.body.size();) {
      const std::size_t end = std::min(request.body.find('\n', begin), request.body.size());
      events.messages.push_back(request.body.substr(begin, end - begin));
      begin = end + 1;
    }
  } else {
    events.messages.push_back(request.body);
  }
  for (const std::string& message : events.messages)
    if (message.size() > limits::kEventBytes)
      return Unexpected{bad_request("a message has at most " + std::to_string(limits::kEventBytes) + " octets, not " + std::to_string(message.size()))};
  return events;
}

}  // namespace

// A path that ends with '/' takes a name after it.
const Api::Route Api::kRoutes[] = {
    {"GET", "/v1/status", &Api::get_status},
    {"GET", "/v1/logs", &Api::get_logs},
    {"POST", "/v1/site", &Api::post_site},
    {"DELETE", "/v1/site", &Api::delete_site},
    {"POST", "/v1/tokens", &Api::post_token},
    {"POST", "/v1/links", &Api::post_link},
    {"DELETE", "/v1/links/", &Api::delete_link},
    {"DELETE", "/v1/links", &Api::delete_links},
    {"POST", "/v1/exposures", &Api::post_exposure},
    {"DELETE", "/v1/exposures", &Api::delete_exposures},
    {"POST", "/v1/bindings", &Api::post_binding},
    {"DELETE", "/v1/bindings", &Api::delete_bindings},
    {"POST", "/v1/proxy", &Api::post_proxy},
    {"DELETE", "/v1/proxy", &Api::delete_proxy},
    {"GET", "/v1/events", &Api::get_events},
    {"POST", "/v1/events", &Api::post_events},
    {"POST", "/v1/agent/stop", &Api::post_stop},
};

Api::Api(Parts parts) : parts_{std::move(parts)}, log_{parts_.logs.component("api")} {}

void Api::handle(ExchangeId exchange, const HttpRequest& request) {
  log_.debug("request method={} path={}", request.method, printable(request.path));
  bool path_known = false;
  for (const Route& route : kRoutes) {
    const bool named = route.path.ends_with('/');
    const bool matches = named ? request.path.starts_with(route.path) && request.path.size() > route.path.size()
                               : request.path == route.path;
    path_known = path_known || matches;
    if (!matches || request.method != route.method) continue;
    return (this->*route.handler)({exchange, request, named ? request.path.substr(route.path.size()) : std::string{}});
  }
  if (path_known)
    return refuse(exchange, 405, bad_request("method " + request.method + " does not go with " + printable(request.path)));
  refuse(exchange, 404, {Error::Code::not_found, "there is no " + printable(request.path), {}});
}

void Api::reply(ExchangeId exchange, int status, const Json& document) {
  parts_.server.answer(exchange, {.status = status, .body = text_of(document)});
}

void Api::refuse(ExchangeId exchange, int status, const Error& error) {
  Json body{{"code", to_text(error.code)}, {"message", error.message}};
  if (!error.hint.empty()) body["hint"] = error.hint;
  log_.debug("refused code={} message=\"{}\"", to_text(error.code), printable(error.message, 200));
  reply(exchange, status, Json{{"error", std::move(body)}});
}

void Api::fail(ExchangeId exchange, const Error& error) { refuse(exchange, http_status(error.code), error); }

void Api::reply_done(ExchangeId exchange, const Result<void>& result) {
  if (!result) return fail(exchange, result.error());
  reply(exchange, 200, Json::object());
}

Json Api::status() const {
  return status_document(parts_.site, {.profile = parts_.profile, .started = parts_.started, .now = io::Loop::now()});
}

void Api::get_status(const Call& call) {
  const auto known = check_query(call.request, {});
  if (!known) return fail(call.exchange, known.error());
  reply(call.exchange, 200, status());
}

void Api::get_logs(const Call& call) {
  const auto query = read_log_query(call.request);
  if (!query) return fail(call.exchange, query.error());
  LogRing& ring = parts_.logs.ring();
  if (query->follow)
    return parts_.server.answer(call.exchange,
                                {.content_type = "text/plain; charset=utf-8",
                                 .source = std::make_unique<LogFollower>(ring, query->lines, query->level)});
  reply(call.exchange, 200, Json{{"lines", ring.last(query->lines, query->level)}});
}

void Api::post_site(const Call& call) {
  const auto command = read_create_site(call.request.body);
  if (!command) return fail(call.exchange, command.error());
  const auto created = parts_.site.create(*command);
  if (!created) return fail(call.exchange, created.error());
  reply(call.exchange, 201, status());
}

void Api::delete_site(const Call& call) {
  const auto destroyed = parts_.site.destroy();
  reply_done(call.exchange, destroyed);
  if (destroyed) parts_.stop();
}

void Api::post_token(const Call& call) {
  const auto command = read_create_token(call.request.body);
  if (!command) return fail(call.exchange, command.error());
  const auto token = parts_.site.create_token(*command);
  if (!token) return fail(call.exchange, token.error());
  reply(call.exchange, 201,
        Json{{"token", token->text}, {"name", token->name}, {"format", "link"}, {"expires", rfc3339(token->expires)}});
}

void Api::post_link(const Call& call) {
  const auto command = read_join(call.request.body);
  if (!command) return fail(call.exchange, command.error());
  parts_.site.join(*command, [this, exchange = call.exchange](const Result<Joined>& joined) {
    if (!joined) return fail(exchange, joined.error());
    reply(exchange, joined->before ? 200 : 201, Json{{"links", joined->links}, {"status", status()}});
  });
}

void Api::delete_link(const Call& call) { reply_done(call.exchange, parts_.site.leave(call.name)); }

void Api::delete_links(const Call& call) { reply_done(call.exchange, parts_.site.leave_all()); }

void Api::post_exposure(const Call& call) {
  const auto command = read_expose(call.request.body);
  if (!command) return fail(call.exchange, command.error());
  const auto exposed = parts_.site.expose(*command);
  if (!exposed) return fail(call.exchange, exposed.error());
  reply(call.exchange, 201,
        Json{{"address", exposed->address},
             {"target", exposed->target},
             {"protocol", proxy::to_text(exposed->protocol)},
             {"port", exposed->port != 0 ? Json(exposed->port) : Json(nullptr)},
             {"cost", exposed->cost},
             {"multicast", exposed->multicast}});
}

void Api::delete_exposures(const Call& call) {
  const auto known = check_query(call.request, {"address", "target"});
  if (!known) return fail(call.exchange, known.error());
  const auto address = required_parameter(call.request, "address");
  if (!address) return fail(call.exchange, address.error());
  const auto removed = parts_.site.unexpose(*address, parameter(call.request, "target"));
  if (!removed) return fail(call.exchange, removed.error());
  Json list = Json::array();
  for (const ExposureState& exposure : *removed) list.push_back({{"address", exposure.address}, {"target", exposure.target}});
  reply(call.exchange, 200, Json{{"removed", std::move(list)}});
}

void Api::post_binding(const Call& call) {
  const auto command = read_bind(call.request.body);
  if (!command) return fail(call.exchange, command.error());
  parts_.site.bind(*command, [this, exchange = call.exchange](const Result<Bound>& bound) {
    if (!bound) return fail(exchange, bound.error());
    reply(exchange, bound->before ? 200 : 201,
          Json{{"address", bound->binding.address},
               {"local", bound->binding.local},
               {"protocol", proxy::to_text(bound->binding.protocol)},
               {"multicast", bound->binding.multicast}});
  });
}

void Api::delete_bindings(const Call& call) {
  const auto known = check_query(call.request, {"address", "local"});
  if (!known) return fail(call.exchange, known.error());
  const auto address = required_parameter(call.request, "address");
  if (!address) return fail(call.exchange, address.error());
  const auto removed = parts_.site.unbind(*address, parameter(call.request, "local"));
  if (!removed) return fail(call.exchange, removed.error());
  Json list = Json::array();
  for (const BindingState& binding : *removed) list.push_back({{"address", binding.address}, {"local", binding.local}});
  reply(call.exchange, 200, Json{{"removed", std::move(list)}});
}

void Api::post_proxy(const Call& call) {
  const auto command = read_open_proxy(call.request.body);
  if (!command) return fail(call.exchange, command.error());
  const auto opened = parts_.site.open_proxy(*command);
  if (!opened) return fail(call.exchange, opened.error());
  reply(call.exchange, 200, status()["proxy"]);
}

void Api::delete_proxy(const Call& call) { reply_done(call.exchange, parts_.site.close_proxy()); }

void Api::get_events(const Call& call) {
  const auto known = check_query(call.request, {"address"});
  if (!known) return fail(call.exchange, known.error());
  const auto address = required_parameter(call.request, "address");
  if (!address) return fail(call.exchange, address.error());
  if (const auto usable = check_address(*address); !usable) return fail(call.exchange, usable.error());
  auto source = parts_.site.events().subscribe(*address);
  if (source == nullptr)
    return fail(call.exchange, {Error::Code::conflict, "at most " + std::to_string(limits::kSubscribers) + " commands subscribe at once", "end one"});
  parts_.server.answer(call.exchange, {.content_type = "application/x-ndjson", .source = std::move(source)});
}

void Api::post_events(const Call& call) {
  auto events = read_events(call.request);
  if (!events) return fail(call.exchange, events.error());
  parts_.site.events().publish(events->address, std::move(events->messages), [this, exchange = call.exchange](const Events::Published& published) {
    reply(exchange, 200, Json{{"published", published.messages}, {"dropped", published.dropped}, {"known", published.known}});
  });
}

void Api::post_stop(const Call& call) {
  reply(call.exchange, 200, Json::object());
  parts_.stop();
}

}  // namespace van::agent
