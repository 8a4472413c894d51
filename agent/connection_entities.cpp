#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "agent/management_entities.h"
#include "agent/status.h"
#include "core/base/limits.h"
#include "core/router/facts.h"

namespace van::agent {
namespace {

using amqp::List;
using amqp::Map;
using amqp::Value;
using router::LinkKind;

// ---- connection ----

struct ConnectionRow {
  router::ConnectionFacts facts;
  std::optional<link::LinkStatus> link;  ///< absent until the peer has said who it is
  TimePoint now;
};

bool outgoing(const ConnectionRow& row) { return row.facts.info.config.direction == router::Direction::outgoing; }

Value connection_identity(const ConnectionRow& row) { return std::to_string(row.facts.id.value); }
Value connection_host(const ConnectionRow& row) { return row.link ? text_or_nothing(row.link->remote) : Value{}; }
Value connection_name(const ConnectionRow& row) {
  return "connection/" + (row.link ? row.link->remote : std::to_string(row.facts.id.value));
}

Value connection_role(const ConnectionRow& row) {
  if (row.facts.info.config.role == router::PeerRole::client) return "normal";
  if (row.facts.info.config.role == router::PeerRole::edge) return "edge";
  return row.facts.data ? "inter-router-data" : "inter-router";
}

Value encrypted(const ConnectionRow& row) { return row.link && !row.link->tls_version.empty(); }

/// What the peer says of itself, as far as it matters to us.
Value properties(const ConnectionRow& row) {
  Map map;
  const auto add = [&map](std::string_view key, const std::string& value) {
    if (!value.empty()) map.emplace_back(key, value);
  };
  add("product", row.facts.info.product);
  add("version", row.facts.info.version);
  return map;
}

Value uptime(const ConnectionRow& row) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(row.now - row.facts.since).count());
}

constexpr Column<ConnectionRow> kConnection[] = {
    {"name", connection_name},
    {"identity", connection_identity},
    {"host", connection_host},
    {"localSocket", nothing},
    {"role", connection_role},
    {"protocol", [](const ConnectionRow&) -> Value { return "amqp"; }},
    {"dir", [](const ConnectionRow& row) -> Value { return outgoing(row) ? "out" : "in"; }},
    {"container", [](const ConnectionRow& row) { return text_or_nothing(row.facts.info.router_id); }},
    {"sasl",
     [](const ConnectionRow& row) -> Value { return row.facts.info.config.external ? "EXTERNAL" : "ANONYMOUS"; }},
    {"isAuthenticated", [](const ConnectionRow& row) -> Value { return row.facts.opened; }},
    {"user", [](const ConnectionRow& row) { return row.link ? text_or_nothing(row.link->tls_peer) : Value{}; }},
    {"isEncrypted", encrypted},
    {"ssl", encrypted},
    {"sslProto",
     [](const ConnectionRow& row) {
       return row.link ? text_or_nothing(tls_version_text(row.link->tls_version)) : Value{};
     }},
    {"sslCipher", [](const ConnectionRow& row) { return row.link ? text_or_nothing(row.link->tls_cipher) : Value{}; }},
    {"sslSsf", nothing},
    {"tlsOrdinal", nothing},
    {"properties", properties},
    {"opened", [](const ConnectionRow& row) -> Value { return row.facts.opened; }},
    {"active", [](const ConnectionRow& row) -> Value { return !row.facts.info.standby; }},
    {"adminStatus", [](const ConnectionRow&) -> Value { return "enabled"; }},
    {"operStatus", [](const ConnectionRow&) -> Value { return "up"; }},
    {"uptimeSeconds", uptime},
    {"lastDlvSeconds", nothing},
    {"enableProtocolTrace", no},
    {"meshId", [](const ConnectionRow& row) { return text_or_nothing(row.facts.mesh_id); }},
    {"groupCorrelationId", nothing},
    {"groupOrdinal", zero},
};

// ---- router.address ----

using router::AddressFacts;

Value address_key(const AddressFacts& facts) { return facts.key; }

Value remote_hosts(const AddressFacts& facts) {
  List list;
  for (const std::string& node : facts.remote_nodes) list.emplace_back(node);
  return list;
}

constexpr Column<AddressFacts> kAddress[] = {
    {"name", address_key},
    {"identity", address_key},
    {"key", address_key},
    {"distribution", [](const AddressFacts& facts) -> Value { return routing::name_of(facts.treatment); }},
    {"priority", [](const AddressFacts&) -> Value { return std::int32_t{-1}; }},  // none of its own
    {"inProcess", [](const AddressFacts& facts) -> Value { return std::uint64_t{facts.endpoints}; }},
    {"subscriberCount", [](const AddressFacts& facts) -> Value { return std::uint64_t{facts.subscribers}; }},
    {"remoteCount", [](const AddressFacts& facts) -> Value { return std::uint64_t{facts.remote_nodes.size()}; }},
    {"containerCount", zero},
    {"remoteHostRouters", remote_hosts},
    {"trackedDeliveries", [](const AddressFacts& facts) -> Value { return std::uint64_t{facts.outstanding}; }},
    {"watch", [](const AddressFacts& facts) -> Value { return facts.watched; }},
    {"deliveriesIngress", zero},
    {"deliveriesEgress", zero},
    {"deliveriesTransit", zero},
    {"deliveriesToContainer", zero},
    {"deliveriesFromContainer", zero},
    {"deliveriesIngressRouteContainer", zero},
    {"deliveriesEgressRouteContainer", zero},
    {"deliveriesIngressInterNetwork", zero},
    {"deliveriesEgressInterNetwork", zero},
    {"deliveriesRedirectedToFallback", zero},
    {"transitOutstanding", nothing},
};

// ---- router.link ----

using router::LinkFacts;

Value link_identity(const LinkFacts& link) {
  return std::to_string(link.peer.value) + "." + std::to_string(link.number);
}

Value link_type(const LinkFacts& link) {
  switch (link.kind) {
    case LinkKind::control:
      return "router-control";
    case LinkKind::priority:
    case LinkKind::streaming:
      return "inter-router";
    case LinkKind::downlink:
      return "edge-downlink";
    case LinkKind::anonymous:
    case LinkKind::mesh_discovery:
    case LinkKind::tracking:
    case LinkKind::consumer_proxy:
    case LinkKind::producer_proxy:
    case LinkKind::consumer:
    case LinkKind::producer:
      return "endpoint";
  }
  VAN_ASSERT(false);
}

constexpr Column<LinkFacts> kLink[] = {
    {"name", link_identity},
    {"identity", link_identity},
    {"linkName", nothing},
    {"linkType", link_type},
    {"linkDir", [](const LinkFacts& link) -> Value { return link.incoming ? "in" : "out"; }},
    {"owningAddr", [](const LinkFacts& link) { return text_or_nothing(link.address); }},
    {"connectionId", [](const LinkFacts& link) -> Value { return std::to_string(link.peer.value); }},
    {"capacity", [](const LinkFacts&) -> Value { return limits::kLinkCredit; }},
    {"priority", [](const LinkFacts& link) { return link.priority ? Value{std::uint32_t{*link.priority}} : Value{}; }},
    {"undeliveredCount", [](const LinkFacts& link) -> Value { return std::uint64_t{link.waiting}; }},
    {"unsettledCount", [](const LinkFacts& link) -> Value { return std::uint64_t{link.unsettled}; }},
    {"deliveryCount", [](const LinkFacts& link) -> Value { return std::uint64_t{link.deliveries}; }},
    {"creditAvailable", [](const LinkFacts& link) -> Value { return link.credit; }},
    {"adminStatus", [](const LinkFacts&) -> Value { return "enabled"; }},
    {"operStatus", [](const LinkFacts& link) -> Value { return link.attached ? "up" : "down"; }},
    {"presettledCount", nothing},
    {"droppedPresettledCount", nothing},
    {"acceptedCount", nothing},
    {"rejectedCount", nothing},
    {"releasedCount", nothing},
    {"modifiedCount", nothing},
    {"deliveriesDelayed1Sec", zero},
    {"deliveriesDelayed10Sec", zero},
    {"deliveriesStuck", zero},
    {"zeroCreditSeconds", zero},
    {"settleRate", nothing},
    {"openMovedStreams", zero},
    {"ingressHistogram", nothing},
};

}  // namespace

std::unique_ptr<EntityTable> connection_table(std::string_view type, const EntityParts& parts) {
  std::map<router::PeerId, link::LinkStatus> links;
  for (link::LinkStatus& link : parts.presence.links())
    if (link.id) links.emplace(link.id, std::move(link));
  std::vector<ConnectionRow> rows;
  for (router::ConnectionFacts& facts : parts.presence.router().connection_facts()) {
    const auto link = links.find(facts.id);
    rows.push_back({std::move(facts), link != links.end() ? std::optional{link->second} : std::nullopt, parts.now});
  }
  return std::make_unique<ColumnTable<ConnectionRow>>(type, kConnection, std::move(rows));
}

std::unique_ptr<EntityTable> address_table(std::string_view type, const EntityParts& parts) {
  return std::make_unique<ColumnTable<AddressFacts>>(type, kAddress, parts.presence.router().address_facts());
}

std::unique_ptr<EntityTable> link_table(std::string_view type, const EntityParts& parts) {
  return std::make_unique<ColumnTable<LinkFacts>>(type, kLink, parts.presence.router().link_facts());
}

}  // namespace van::agent
