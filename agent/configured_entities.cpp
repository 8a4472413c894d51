#include <algorithm>
#include <optional>
#include <utility>

#include "agent/management_entities.h"
#include "core/base/limits.h"
#include "proxy/endpoint.h"

namespace van::agent {
namespace {

using amqp::Value;

Value external(const auto&) { return "EXTERNAL"; }
Value frame_size(const auto&) { return static_cast<std::int32_t>(limits::kMaxFrameSize); }
Value session_frames(const auto&) { return static_cast<std::int32_t>(limits::kSessionWindowFrames); }
Value sessions(const auto&) { return static_cast<std::int32_t>(limits::kSessionsPerConnection); }
Value idle_timeout(const auto& row) {
  return static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::seconds>(row.idle_timeout).count());
}

std::string_view role_name(router::PeerRole role) { return role == router::PeerRole::edge ? "edge" : "inter-router"; }

// ---- listener ----

/// The site's own certificate.
constexpr std::string_view kOwnProfile = "site-server";

struct ListenerRow {
  const ListenerState* listener;
  Duration idle_timeout;
};

Value listener_name(const ListenerRow& row) { return role_name(row.listener->role); }

constexpr Column<ListenerRow> kListener[] = {
    {"name", listener_name},
    {"identity",
     [](const ListenerRow& row) -> Value { return "listener/" + std::string{role_name(row.listener->role)}; }},
    {"host", [](const ListenerRow& row) -> Value { return row.listener->host; }},
    {"port", [](const ListenerRow& row) -> Value { return std::to_string(row.listener->port); }},
    {"role", listener_name},
    {"cost", [](const ListenerRow&) -> Value { return std::int32_t{1}; }},
    {"sslProfile", [](const ListenerRow&) -> Value { return kOwnProfile; }},
    {"saslMechanisms", external},
    {"authenticatePeer", yes},
    {"requireEncryption", yes},
    {"requireSsl", yes},
    {"maxFrameSize", frame_size},
    {"maxSessions", sessions},
    {"maxSessionFrames", session_frames},
    {"idleTimeoutSeconds", idle_timeout},
    {"verifyHostname", no},  // clients are known by their certificates
    {"http", no},
};

// ---- connector ----

struct ConnectorRow {
  const LinkState* link;  ///< not copied: it has a key
  std::optional<link::LinkStatus> status;
  Duration idle_timeout;
};

Value connector_name(const ConnectorRow& row) { return row.link->name; }

Value connection_status(const ConnectorRow& row) {
  if (!row.status) return "FAILED";
  switch (row.status->state) {
    case link::LinkState::up:
    case link::LinkState::standby:
      return "SUCCESS";
    case link::LinkState::connecting:
      return "CONNECTING";
    case link::LinkState::down:
      return "FAILED";
  }
  VAN_ASSERT(false);
}

constexpr Column<ConnectorRow> kConnector[] = {
    {"name", connector_name},
    {"identity", [](const ConnectorRow& row) -> Value { return "connector/" + row.link->name; }},
    {"host", [](const ConnectorRow& row) -> Value { return row.link->endpoint.host; }},
    {"port", [](const ConnectorRow& row) -> Value { return std::to_string(row.link->endpoint.port); }},
    {"role", [](const ConnectorRow& row) -> Value { return role_name(row.link->endpoint.role); }},
    {"cost", [](const ConnectorRow& row) -> Value { return row.link->cost; }},
    {"sslProfile", connector_name},
    {"proxyProfile", nothing},
    {"saslMechanisms", external},
    {"maxFrameSize", frame_size},
    {"maxSessions", sessions},
    {"maxSessionFrames", session_frames},
    {"idleTimeoutSeconds", idle_timeout},
    {"verifyHostname", yes},
    {"allowRedirect", no},
    {"connectionStatus", connection_status},
    {"connectionMsg", [](const ConnectorRow& row) -> Value { return row.status ? row.status->error : std::string{}; }},
};

// ---- sslProfile ----

constexpr Column<std::string> kSslProfile[] = {
    {"name", [](const std::string& name) -> Value { return name; }},
    {"identity", [](const std::string& name) -> Value { return "sslProfile/" + name; }},
    {"certFile", nothing},  // a site's keys are nobody else's business, nor is where they are
    {"privateKeyFile", nothing},
    {"caCertFile", nothing},
    {"ordinal", nothing},
    {"oldestValidOrdinal", nothing},
};

// ---- tcpListener, tcpConnector ----

/// A stand-in or an exposure.
struct ServiceRow {
  std::string address;
  std::string endpoint;  ///< where its clients or its server are
  std::string site_id;
  bool reachable = false;
  std::string trouble;
  proxy::Counters counters;
};

Value service_name(const ServiceRow& row) { return row.address + "@" + row.endpoint; }
Value service_host(const ServiceRow& row) {
  const auto endpoint = proxy::parse_endpoint(row.endpoint);
  return endpoint && !endpoint->is_path() ? endpoint->host : row.endpoint;
}
Value service_port(const ServiceRow& row) {
  const auto endpoint = proxy::parse_endpoint(row.endpoint);
  return endpoint && !endpoint->is_path() ? Value{std::to_string(endpoint->port)} : Value{};
}
Value service_address(const ServiceRow& row) { return row.address; }
Value service_site(const ServiceRow& row) { return text_or_nothing(row.site_id); }
Value opened(const ServiceRow& row) { return row.counters.connections; }
Value closed(const ServiceRow& row) { return row.counters.connections - row.counters.in_flight; }
// At a listener bytes come in from local clients, at a connector from local servers.
Value from_local(const ServiceRow& row) { return row.counters.bytes_out; }
Value to_local(const ServiceRow& row) { return row.counters.bytes_in; }

constexpr Column<ServiceRow> kTcpListener[] = {
    {"name", service_name},
    {"identity", [](const ServiceRow& row) -> Value { return "tcpListener/" + row.address + "@" + row.endpoint; }},
    {"address", service_address},
    {"host", service_host},
    {"port", service_port},
    {"siteId", service_site},
    {"connectionsOpened", opened},
    {"connectionsClosed", closed},
    {"bytesIn", from_local},
    {"bytesOut", to_local},
    {"operStatus", [](const ServiceRow& row) -> Value { return row.reachable ? "up" : "down"; }},
    {"connectionMsg", nothing},
    {"multiAddressStrategy", [](const ServiceRow&) -> Value { return "none"; }},
    {"observer", [](const ServiceRow&) -> Value { return "none"; }},
    {"backlog", nothing},
    {"processId", nothing},
    {"sslProfile", nothing},
    {"authenticatePeer", no},
    {"verifyHostname", no},
};

constexpr Column<ServiceRow> kTcpConnector[] = {
    {"name", service_name},
    {"identity", [](const ServiceRow& row) -> Value { return "tcpConnector/" + row.address + "@" + row.endpoint; }},
    {"address", service_address},
    {"host", service_host},
    {"port", service_port},
    {"siteId", service_site},
    {"processId", nothing},
    {"connectionsOpened", opened},
    {"connectionsClosed", closed},
    {"bytesIn", from_local},
    {"bytesOut", to_local},
    {"operStatus", [](const ServiceRow& row) -> Value { return row.reachable ? "up" : "down"; }},
    {"connectionMsg", [](const ServiceRow& row) { return text_or_nothing(row.trouble); }},
    {"multiAddressStrategy", nothing},
    {"observer", nothing},
    {"sslProfile", nothing},
    {"authenticatePeer", no},
    {"verifyHostname", no},
};

std::string site_id(const EntityParts& parts) { return parts.state.site ? parts.state.site->id : std::string{}; }

}  // namespace

std::unique_ptr<EntityTable> listener_table(std::string_view type, const EntityParts& parts) {
  std::vector<ListenerRow> rows;
  for (const ListenerState& listener : parts.state.listeners)
    rows.push_back({&listener, parts.presence.router().config().idle_timeout});
  return std::make_unique<ColumnTable<ListenerRow>>(type, kListener, std::move(rows));
}

std::unique_ptr<EntityTable> connector_table(std::string_view type, const EntityParts& parts) {
  std::vector<ConnectorRow> rows;
  for (const LinkState& link : parts.state.links)
    rows.push_back({&link, parts.presence.link(link.name), parts.presence.router().config().idle_timeout});
  return std::make_unique<ColumnTable<ConnectorRow>>(type, kConnector, std::move(rows));
}

std::unique_ptr<EntityTable> ssl_profile_table(std::string_view type, const EntityParts& parts) {
  std::vector<std::string> names;
  if (!parts.state.listeners.empty()) names.emplace_back(kOwnProfile);
  for (const LinkState& link : parts.state.links) names.push_back(link.name);
  return std::make_unique<ColumnTable<std::string>>(type, kSslProfile, std::move(names));
}

std::unique_ptr<EntityTable> tcp_listener_table(std::string_view type, const EntityParts& parts) {
  std::vector<ServiceRow> rows;
  for (const BindingState& binding : parts.state.bindings) {
    if (binding.protocol == proxy::Protocol::udp) continue;
    ServiceRow& row = rows.emplace_back();
    row.address = binding.address;
    row.endpoint = binding.local;
    row.site_id = site_id(parts);
    const auto running = parts.presence.stand_in(binding);
    if (!running) continue;
    row.reachable = running->reachable;
    row.counters = running->counters;
  }
  return std::make_unique<ColumnTable<ServiceRow>>(type, kTcpListener, std::move(rows));
}

std::unique_ptr<EntityTable> tcp_connector_table(std::string_view type, const EntityParts& parts) {
  std::vector<ServiceRow> rows;
  for (const ExposureState& exposure : parts.state.exposures) {
    if (exposure.protocol == proxy::Protocol::udp) continue;
    ServiceRow& row = rows.emplace_back();
    row.address = exposure.address;
    row.endpoint = exposure.target;
    row.site_id = site_id(parts);
    const auto running = parts.presence.exposure(exposure);
    if (!running) continue;
    row.reachable = running->trouble.empty();
    row.trouble = running->trouble;
    row.counters = running->counters;
  }
  return std::make_unique<ColumnTable<ServiceRow>>(type, kTcpConnector, std::move(rows));
}

}  // namespace van::agent
