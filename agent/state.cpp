#include "agent/state.h"

#include <limits>
#include <set>
#include <utility>

#include "agent/atomic_file.h"
#include "agent/identity.h"
#include "agent/printable.h"
#include "agent/toml_text.h"
#include "proxy/endpoint.h"

namespace van::agent {
namespace {

using router::Mode;
using router::PeerRole;

constexpr std::size_t kStateBytesMax = 16u << 20;
constexpr std::int64_t kCostMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kTimeMax = std::numeric_limits<std::int64_t>::max();

// ---- Printing ----

toml::table print(const tls::Issued& issued) {
  return toml::table{{"certificate", issued.certificate_pem}, {"key", issued.key_pem}};
}

toml::table print(const SiteState& site) {
  toml::table table{{"id", site.id},
                    {"name", site.name},
                    {"role", to_text(site.role)},
                    {"router_id", site.router_id},
                    {"created", site.created}};
  toml::array hosts;
  for (const std::string& host : site.public_hosts) hosts.push_back(host);
  table.insert("public_hosts", std::move(hosts));
  if (site.own) {
    table.insert("authority", print(site.own->authority));
    table.insert("server", print(site.own->server));
  }
  return table;
}

toml::table print(const ListenerState& listener) {
  return toml::table{{"role", endpoint_name(listener.role)},
                     {"host", listener.host},
                     {"port", static_cast<std::int64_t>(listener.port)}};
}

toml::table print(const LinkState& link) {
  return toml::table{{"name", link.name},
                     {"role", endpoint_name(link.endpoint.role)},
                     {"host", link.endpoint.host},
                     {"port", static_cast<std::int64_t>(link.endpoint.port)},
                     {"cost", static_cast<std::int64_t>(link.cost)},
                     {"ca", link.credentials.ca},
                     {"certificate", link.credentials.certificate},
                     {"key", link.credentials.key}};
}

template <class Record>
void print_protocol(toml::table& table, const Record& record) {
  if (record.protocol != proxy::Protocol::tcp) table.insert("protocol", proxy::to_text(record.protocol));
  if (record.multicast) table.insert("multicast", true);
}

void print_health(toml::table& table, const proxy::HealthCheck& health) {
  if (health.kind == proxy::HealthCheck::Kind::none) return;
  table.insert("health", health.text());
  table.insert("health_interval_ms", static_cast<std::int64_t>(health.interval.count()));
  table.insert("health_failures", static_cast<std::int64_t>(health.failures));
  table.insert("health_successes", static_cast<std::int64_t>(health.successes));
}

void print_text(toml::table& table, std::string_view key, const std::string& text) {
  if (!text.empty()) table.insert(key, text);
}

void print_certificate(toml::table& table, const proxy::TlsFiles& tls) {
  print_text(table, "tls_certificate", tls.certificate);
  print_text(table, "tls_key", tls.key);
}

void print_tls(toml::table& table, const std::optional<proxy::TlsFiles>& tls) {
  if (!tls) return;
  table.insert("tls", true);
  print_text(table, "tls_ca", tls->authorities);
  print_certificate(table, *tls);
  if (!tls->verify_host) table.insert("tls_any_host", true);
}

toml::table print(const ExposureState& exposure) {
  toml::table table{{"address", exposure.address},
                    {"target", exposure.target},
                    {"cost", static_cast<std::int64_t>(exposure.cost)},
                    {"port", static_cast<std::int64_t>(exposure.port)}};
  print_protocol(table, exposure);
  print_health(table, exposure.health);
  if (exposure.proxy_protocol) table.insert("proxy_protocol", true);
  print_tls(table, exposure.tls);
  return table;
}

toml::table print(const BindingState& binding) {
  toml::table table{{"address", binding.address}, {"local", binding.local}};
  print_protocol(table, binding);
  if (binding.both_loopbacks) table.insert("both_loopbacks", true);
  if (binding.forwarded != http::Forwarded::none) table.insert("forwarded", http::to_text(binding.forwarded));
  if (binding.tls) print_certificate(table, *binding.tls);
  return table;
}

toml::table print(const IssuedTokenState& token) {
  return toml::table{{"name", token.name},
                     {"fingerprint", token.fingerprint},
                     {"issued", token.issued},
                     {"expires", token.expires}};
}

toml::table print(const ProxyState& proxy) {
  toml::table table;
  if (!proxy.socks.empty()) table.insert("socks", proxy.socks);
  if (!proxy.http.empty()) table.insert("http", proxy.http);
  return table;
}

template <class Record>
void print_all(toml::table& table, std::string_view key, const std::vector<Record>& records) {
  if (records.empty()) return;
  toml::array array;
  for (const Record& record : records) array.push_back(print(record));
  table.insert(key, std::move(array));
}

// ---- Reading ----

PeerRole read_peer_role(TomlReader& reader) {
  const std::string role = reader.text("role");
  if (role == endpoint_name(PeerRole::edge)) return PeerRole::edge;
  if (role != endpoint_name(PeerRole::inter_router)) reader.complain("role", "must be \"inter-router\" or \"edge\"");
  return PeerRole::inter_router;
}

std::uint16_t read_port(TomlReader& reader, std::int64_t minimum) {
  return static_cast<std::uint16_t>(reader.integer("port", minimum, 65535));
}

tls::Issued read_issued(const toml::table& table, std::string_view where, TomlError& error) {
  TomlReader reader{table, where, error};
  tls::Issued issued{.certificate_pem = reader.text("certificate"), .key_pem = reader.text("key")};
  reader.finish();
  return issued;
}

SiteState read_site(const toml::table& table, TomlError& error) {
  TomlReader reader{table, "site", error};
  SiteState site;
  site.id = reader.text("id");
  site.name = reader.text("name");
  const std::string role = reader.text("role");
  if (role == to_text(Mode::interior)) {
    site.role = Mode::interior;
  } else if (role != to_text(Mode::edge)) {
    reader.complain("role", "must be \"interior\" or \"edge\"");
  }
  if (!check_site_name(site.name)) reader.complain("name", "is no name for a site");
  site.router_id = reader.text("router_id");
  if (!check_site_name(site.router_id)) reader.complain("router_id", "is no id for a router");
  site.created = reader.integer("created", 0, kTimeMax);
  site.public_hosts = reader.texts("public_hosts");
  const toml::table* authority = reader.table("authority");
  const toml::table* server = reader.table("server");
  if ((authority == nullptr) != (server == nullptr)) reader.complain("authority", "and site.server go together");
  if (authority != nullptr && server != nullptr)
    site.own = AuthorityState{read_issued(*authority, "site.authority", error), read_issued(*server, "site.server", error)};
  reader.finish();
  return site;
}

ListenerState read(TomlReader& reader, ListenerState*) {
  ListenerState listener;
  listener.role = read_peer_role(reader);
  listener.host = reader.text("host");
  listener.port = read_port(reader, 1);
  return listener;
}

/// An address of a service.
std::string read_address(TomlReader& reader) {
  std::string address = reader.text("address");
  if (!check_address(address)) reader.complain("address", "is no address for a service");
  return address;
}

/// An endpoint in the very form in which it is written.
std::string read_endpoint(TomlReader& reader, std::string_view key) {
  std::string text = reader.text(key);
  const auto endpoint = proxy::parse_endpoint(text);
  if (!endpoint || endpoint->text() != text) reader.complain(key, "must be \"HOST:PORT\" or \"unix:/PATH\"");
  return text;
}

/// Behind the endpoint, which a Unix socket's path may only be for streams.
template <class Record>
void read_protocol(TomlReader& reader, Record& record, std::string_view endpoint) {
  const std::string text = reader.text("protocol", TomlReader::Need::optional);
  const auto protocol = text.empty() ? proxy::Protocol::tcp : proxy::protocol_of(text);
  if (!protocol) reader.complain("protocol", "is not known");
  record.protocol = protocol.value_or(proxy::Protocol::tcp);
  record.multicast = reader.flag("multicast");
  if (record.multicast && record.protocol != proxy::Protocol::udp) reader.complain("multicast", "goes with protocol udp only");
  if (record.protocol == proxy::Protocol::udp && endpoint.starts_with("unix:")) reader.complain("protocol", "udp has no Unix sockets");
}

http::Forwarded read_forwarded(TomlReader& reader) {
  const std::string text = reader.text("forwarded", TomlReader::Need::optional);
  if (text.empty()) return http::Forwarded::none;
  const auto forwarded = http::forwarded_of(text);
  if (!forwarded) reader.complain("forwarded", "must be \"x-forwarded\" or \"forwarded\"");
  return forwarded.value_or(http::Forwarded::none);
}

proxy::HealthCheck read_health(TomlReader& reader) {
  const std::string text = reader.text("health", TomlReader::Need::optional);
  if (text.empty()) return {};
  auto check = proxy::parse_health_check(text);
  if (!check) {
    reader.complain("health", "must be \"tcp\" or \"http:/PATH\"");
    return {};
  }
  constexpr auto kIntervalMax = std::chrono::milliseconds{proxy::kHealthIntervalMax}.count();
  check->interval = std::chrono::milliseconds{reader.integer("health_interval_ms", proxy::kHealthIntervalMin.count(), kIntervalMax)};
  check->failures = static_cast<std::uint32_t>(reader.integer("health_failures", 1, proxy::kHealthThresholdMax));
  check->successes = static_cast<std::uint32_t>(reader.integer("health_successes", 1, proxy::kHealthThresholdMax));
  return *check;
}

/// The absolute path of a file; empty when there is none.
std::string read_path(TomlReader& reader, std::string_view key) {
  std::string path = reader.text(key, TomlReader::Need::optional);
  if (!path.empty() && !path.starts_with('/')) reader.complain(key, "must be an absolute path");
  return path;
}

/// Certificate and key, which go together.
proxy::TlsFiles read_certificate(TomlReader& reader) {
  proxy::TlsFiles tls{.certificate = read_path(reader, "tls_certificate"), .key = read_path(reader, "tls_key")};
  if (tls.certificate.empty() != tls.key.empty()) reader.complain("tls_certificate", "and tls_key go together");
  return tls;
}

std::optional<proxy::TlsFiles> read_tls(TomlReader& reader, const std::string& target) {
  const bool tls = reader.flag("tls");
  proxy::TlsFiles files = read_certificate(reader);
  files.authorities = read_path(reader, "tls_ca");
  files.verify_host = !reader.flag("tls_any_host");
  if (!tls && files != proxy::TlsFiles{}) reader.complain("tls", "is missing, although there are files for it");
  if (tls && target.starts_with("unix:")) reader.complain("tls", "goes with a host only");
  return tls ? std::optional{files} : std::nullopt;
}

LinkState read(TomlReader& reader, LinkState*) {
  LinkState link;
  link.name = reader.text("name");
  if (link.name.empty() || printable(link.name, kTokenNameBytes) != link.name) reader.complain("name", "is no name for a link");
  link.endpoint.role = read_peer_role(reader);
  link.endpoint.host = reader.text("host");
  if (link.endpoint.host.empty()) reader.complain("host", "is empty");
  link.endpoint.port = read_port(reader, 1);
  link.cost = static_cast<std::uint32_t>(reader.integer("cost", 1, kCostMax));
  link.credentials = {.ca = reader.text("ca"), .certificate = reader.text("certificate"), .key = reader.text("key")};
  return link;
}

ExposureState read(TomlReader& reader, ExposureState*) {
  ExposureState exposure;
  exposure.address = read_address(reader);
  exposure.target = read_endpoint(reader, "target");
  exposure.cost = static_cast<std::uint32_t>(reader.integer("cost", 0, kCostMax));
  exposure.port = read_port(reader, 0);
  read_protocol(reader, exposure, exposure.target);
  exposure.health = read_health(reader);
  exposure.proxy_protocol = reader.flag("proxy_protocol");
  exposure.tls = read_tls(reader, exposure.target);
  return exposure;
}

BindingState read(TomlReader& reader, BindingState*) {
  BindingState binding{.address = read_address(reader), .local = read_endpoint(reader, "local")};
  read_protocol(reader, binding, binding.local);
  binding.both_loopbacks = reader.flag("both_loopbacks");
  binding.forwarded = read_forwarded(reader);
  if (binding.forwarded != http::Forwarded::none && binding.protocol != proxy::Protocol::http) reader.complain("forwarded", "goes with http only");
  if (binding.both_loopbacks && !binding.local.starts_with("127.0.0.1:"))
    reader.complain("both_loopbacks", "goes with a port of 127.0.0.1 only");
  if (const proxy::TlsFiles tls = read_certificate(reader); tls != proxy::TlsFiles{}) binding.tls = tls;
  return binding;
}

ProxyState read_proxy(const toml::table& table, TomlError& error) {
  TomlReader reader{table, "proxy", error};
  ProxyState proxy;
  for (const auto& [key, place] : {std::pair{"socks", &ProxyState::socks}, {"http", &ProxyState::http}}) {
    std::string& text = proxy.*place;
    text = reader.text(key, TomlReader::Need::optional);
    const auto endpoint = proxy::parse_endpoint(text);
    if (!text.empty() && (!endpoint || endpoint->is_path() || endpoint->text() != text)) reader.complain(key, "must be \"HOST:PORT\"");
  }
  reader.finish();
  return proxy;
}

IssuedTokenState read(TomlReader& reader, IssuedTokenState*) {
  IssuedTokenState token;
  token.name = reader.text("name");
  token.fingerprint = reader.text("fingerprint");
  token.issued = reader.integer("issued", 0, kTimeMax);
  token.expires = reader.integer("expires", 0, kTimeMax);
  return token;
}

template <class Record>
void read_all(TomlReader& parent, std::string_view key, std::vector<Record>& records, TomlError& error) {
  for (const toml::table* table : parent.tables(key)) {
    TomlReader reader{*table, key, error};
    records.push_back(read(reader, static_cast<Record*>(nullptr)));
    reader.finish();
  }
}

/// What no record can tell alone.
void check_whole(TomlReader& reader, const State& state) {
  if (!state.links.empty() && !state.site) reader.complain("site", "is missing, although there are links");
  if (!state.listeners.empty() && (!state.site || !state.site->own))
    reader.complain("site", "has no authority, although there are listeners");
  std::set<std::string_view> names;
  for (const LinkState& link : state.links) {
    if (!names.insert(link.name).second) reader.complain("links", "has the name '" + printable(link.name) + "' twice");
    const PeerRole role = state.site && state.site->role == Mode::edge ? PeerRole::edge : PeerRole::inter_router;
    if (link.endpoint.role != role) reader.complain("links", "has a link of another role than the site");
  }
}

Unexpected<std::string> at_line(const TomlError& error) {
  return Unexpected{"line " + std::to_string(error.line) + ": " + error.message};
}

}  // namespace

std::string_view to_text(Mode mode) { return mode == Mode::interior ? "interior" : "edge"; }

std::string print_state(const State& state) {
  toml::table table{{"version", kStateVersion}};
  if (state.site) table.insert("site", print(*state.site));
  print_all(table, "listeners", state.listeners);
  print_all(table, "links", state.links);
  print_all(table, "exposures", state.exposures);
  print_all(table, "bindings", state.bindings);
  if (toml::table proxy = print(state.proxy); !proxy.empty()) table.insert("proxy", std::move(proxy));
  print_all(table, "tokens", state.tokens);
  return "# Written by vanctl; it has private keys in it. Change it only while no agent runs.\n" + print_toml(table);
}

Expected<State, std::string> read_state(std::string_view text) {
  const auto table = parse_toml(text);
  if (!table) return at_line(table.error());
  TomlError error;
  TomlReader reader{*table, "", error};
  const std::int64_t version = reader.integer("version", 1, kTimeMax);
  if (!reader.ok()) return at_line(error);
  if (version > kStateVersion)
    return Unexpected{"it was written by a newer vanctl (format " + std::to_string(version) + ", this one knows " +
                      std::to_string(kStateVersion) + ")"};
  State state;
  const toml::table* site = reader.table("site");
  if (site != nullptr) state.site = read_site(*site, error);
  read_all(reader, "listeners", state.listeners, error);
  read_all(reader, "links", state.links, error);
  read_all(reader, "exposures", state.exposures, error);
  read_all(reader, "bindings", state.bindings, error);
  if (const toml::table* proxy = reader.table("proxy")) state.proxy = read_proxy(*proxy, error);
  read_all(reader, "tokens", state.tokens, error);
  reader.finish();
  check_whole(reader, state);
  if (!reader.ok()) return at_line(error);
  return state;
}

StateStore::StateStore(std::filesystem::path file) : file_{std::move(file)} {}

std::filesystem::path StateStore::copy() const { return file_.string() + ".bak"; }

Result<State> StateStore::load() const {
  const auto text = read_file(file_, kStateBytesMax);
  if (!text) return Unexpected{text.error()};
  if (!*text) return State{};
  auto state = read_state(**text);
  if (state) return *std::move(state);
  return Unexpected{Error{Error::Code::failed, "the state file " + file_.string() + " can't be used: " + state.error(),
                          "nothing was changed; update vanctl if a newer one wrote it, or put " + copy().string() +
                              " in its place, or move it away to begin anew"}};
}

Result<void> StateStore::save(const State& state) const {
  const std::string text = print_state(state);
  // What could not be read again would be lost at the next start.
  const auto again = read_state(text);
  if (!again || print_state(*again) != text)
    return Unexpected{Error{Error::Code::failed,
                            "the state can't be kept: " + (again ? "it would be another one when it is read again" : again.error()), {}}};
  std::error_code no_such_file;
  if (std::filesystem::exists(file_, no_such_file)) {
    const auto kept = keep_copy(file_, copy());
    if (!kept) return kept;
  }
  return replace_file(file_, text);
}

Result<void> StateStore::remove() const {
  const auto removed = remove_file(file_);
  return removed ? remove_file(copy()) : removed;
}

}  // namespace van::agent
