#include <nlohmann/json.hpp>
#include <utility>

#include "agent/management_entities.h"
#include "core/base/limits.h"
#include "core/router/facts.h"
#include "core/routing/control_plane.h"

namespace van::agent {
namespace {

using amqp::List;
using amqp::Map;
using amqp::Value;

constexpr std::int32_t kProtocolVersion = 1;  // control-plane 3.1

Value seconds(Duration duration) {
  return static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}
Value count(std::size_t number) { return std::uint64_t{number}; }

List to_list(const std::vector<std::string>& texts) {
  List list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

// ---- router ----

using RouterRow = const EntityParts*;

constexpr routing::Timings kTimings{};

Value router_id(const RouterRow& row) { return row->presence.identity().router_id; }
Value router_identity(const RouterRow& row) { return "router/" + row->presence.identity().router_id; }
Value own_version(const RouterRow&) { return VAN_VERSION; }

/// What the controller of Skupper reads of a router's site.
Value metadata(const RouterRow& row) {
  const nlohmann::ordered_json document{
      {"id", row->presence.identity().site_id}, {"version", VAN_VERSION}, {"platform", "linux"}};
  return document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

constexpr Column<RouterRow> kRouter[] = {
    {"name", router_identity},
    {"identity", router_identity},
    {"id", router_id},
    {"vanId", nothing},
    {"mode", [](const RouterRow& row) -> Value { return to_text(row->presence.identity().role); }},
    {"area", [](const RouterRow&) -> Value { return "0"; }},
    {"version", own_version},
    {"hostName", [](const RouterRow& row) -> Value { return row->machine; }},
    {"metadata", metadata},
    {"helloIntervalSeconds", [](const RouterRow&) { return seconds(kTimings.hello_interval); }},
    {"helloMaxAgeSeconds", [](const RouterRow&) { return seconds(kTimings.hello_max_age); }},
    {"raIntervalSeconds", [](const RouterRow&) { return seconds(kTimings.ra_interval); }},
    {"raIntervalFluxSeconds", [](const RouterRow&) { return seconds(kTimings.ra_interval_flux); }},
    {"remoteLsMaxAgeSeconds", [](const RouterRow&) { return seconds(kTimings.remote_ls_max_age); }},
    {"unreachableHoldoffSeconds", [](const RouterRow&) { return seconds(kTimings.unreachable_holdoff); }},
    {"workerThreads", [](const RouterRow&) -> Value { return std::int32_t{1}; }},
    {"dataConnectionCount", [](const RouterRow&) -> Value { return "0"; }},  // streams share the one connection
    {"defaultDistribution", [](const RouterRow&) -> Value { return routing::name_of(routing::Treatment::balanced); }},
    {"dropTcpConnections", no},
    {"timestampsInUTC", yes},
    {"timestampFormat", nothing},
    {"saslConfigDir", nothing},
    {"saslConfigName", nothing},
    {"debugDumpFile", nothing},
};

// ---- routerMetrics ----

/// Connections of local clients and servers that are open now.
Value service_connections(const RouterRow& row) {
  std::uint64_t tcp = 0;
  for (const ExposureState& exposure : row->state.exposures)
    if (const auto running = row->presence.exposure(exposure)) tcp += running->counters.in_flight;
  for (const BindingState& binding : row->state.bindings)
    if (const auto running = row->presence.stand_in(binding)) tcp += running->counters.in_flight;
  return Map{{"tcp", tcp}, {"amqp", std::uint64_t{0}}, {"http1", std::uint64_t{0}}, {"http2", std::uint64_t{0}}};
}

Value other_routers(const RouterRow& row) {
  const std::size_t nodes = row->presence.router().node_facts().size();
  return count(nodes == 0 ? 0 : nodes - 1);
}

Value metrics_identity(const RouterRow& row) { return "routerMetrics/" + row->presence.identity().router_id; }

Value connections(const RouterRow& row) { return count(row->presence.router().connection_facts().size()); }

constexpr Column<RouterRow> kMetrics[] = {
    {"name", metrics_identity},
    {"identity", metrics_identity},
    {"id", router_id},
    {"version", own_version},
    {"addrCount", [](const RouterRow& row) { return count(row->presence.router().address_facts().size()); }},
    {"linkCount", [](const RouterRow& row) { return count(row->presence.router().link_facts().size()); }},
    {"nodeCount", other_routers},
    {"autoLinkCount", zero},
    {"connectionCount", connections},
    {"presettledDeliveries", nothing},
    {"droppedPresettledDeliveries", nothing},
    {"acceptedDeliveries", nothing},
    {"rejectedDeliveries", nothing},
    {"releasedDeliveries",
     [](const RouterRow& row) -> Value { return row->presence.router().counters().deliveries_released; }},
    {"modifiedDeliveries", nothing},
    {"deliveriesDelayed1Sec", nothing},
    {"deliveriesDelayed10Sec", nothing},
    {"deliveriesStuck", nothing},
    {"deliveriesIngress", nothing},
    {"deliveriesEgress", nothing},
    {"deliveriesTransit", nothing},
    {"deliveriesIngressRouteContainer", zero},
    {"deliveriesEgressRouteContainer", zero},
    {"deliveriesIngressInterNetwork", zero},
    {"deliveriesEgressInterNetwork", zero},
    {"deliveriesRedirectedToFallback", zero},
    {"linksBlocked", nothing},
    {"uptimeSeconds", [](const RouterRow& row) { return seconds(row->now - row->presence.started()); }},
    {"memoryUsage", nothing},
    {"residentMemoryUsage", nothing},
    {"connectionCounters", service_connections},
};

// ---- network ----

Value network_identity(const RouterRow&) { return "network/0"; }

constexpr Column<RouterRow> kNetwork[] = {
    {"name", network_identity},
    {"identity", network_identity},
    {"networkId", nothing},
    {"tenantId", nothing},
};

// ---- policy: there is none but the certificates ----

Value policy_identity(const RouterRow&) { return "policy"; }
Value no_text(const RouterRow&) { return ""; }

constexpr Column<RouterRow> kPolicy[] = {
    {"name", policy_identity},
    {"identity", policy_identity},
    {"enableVhostPolicy", no},
    {"enableVhostNamePatterns", no},
    {"policyDir", no_text},
    {"defaultVhost", no_text},
    {"maxConnections", nothing},
    {"connectionsCurrent", connections},
    {"connectionsProcessed", nothing},
    {"connectionsDenied", nothing},
    {"linksDenied", nothing},
    {"totalDenials", nothing},
};

// ---- router.node ----

struct NodeRow {
  router::NodeFacts facts;
  const EntityParts* parts;
  std::size_t index;
  std::size_t total;
};

Value node_identity(const NodeRow& row) { return "router.node/" + row.facts.id; }

/// As real routers say it: themselves, null for a neighbour, else the neighbour on the way.
Value next_hop(const NodeRow& row) {
  if (row.facts.own) return "(self)";
  return row.facts.next_hop == row.facts.id ? Value{} : text_or_nothing(row.facts.next_hop);
}

Value valid_origins(const NodeRow& row) {
  if (row.total > limits::kValidOriginsRouters) return {};
  return row.facts.own ? List{} : to_list(row.parts->presence.router().valid_origins(row.facts.id));
}

Value last_topology_change(const NodeRow& row) {
  const auto changed = row.parts->presence.router().topology_changed_at();
  if (!row.facts.own || !changed) return {};
  const auto at = row.parts->wall_now - std::chrono::duration_cast<std::chrono::seconds>(row.parts->now - *changed);
  return std::int64_t{std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count()};
}

constexpr Column<NodeRow> kNode[] = {
    {"name", node_identity},
    {"identity", node_identity},
    {"id", [](const NodeRow& row) -> Value { return row.facts.id; }},
    {"address", [](const NodeRow& row) -> Value { return "amqp:/_topo/0/" + row.facts.id; }},
    {"protocolVersion", [](const NodeRow&) -> Value { return kProtocolVersion; }},
    {"instance", [](const NodeRow& row) -> Value { return row.facts.instance; }},
    {"index", [](const NodeRow& row) { return count(row.index); }},
    {"nextHop", next_hop},
    {"routerLink", [](const NodeRow& row) { return row.facts.link ? Value{*row.facts.link} : Value{}; }},
    {"cost", [](const NodeRow& row) { return row.facts.own ? Value{} : Value{row.facts.cost}; }},
    {"linkState", [](const NodeRow& row) -> Value { return to_list(row.facts.neighbours); }},
    {"validOrigins", valid_origins},
    {"lastTopoChange", last_topology_change},
};

}  // namespace

std::unique_ptr<EntityTable> router_table(std::string_view type, const EntityParts& parts) {
  return std::make_unique<ColumnTable<RouterRow>>(type, kRouter, std::vector<RouterRow>{&parts});
}

std::unique_ptr<EntityTable> metrics_table(std::string_view type, const EntityParts& parts) {
  return std::make_unique<ColumnTable<RouterRow>>(type, kMetrics, std::vector<RouterRow>{&parts});
}

std::unique_ptr<EntityTable> network_table(std::string_view type, const EntityParts& parts) {
  return std::make_unique<ColumnTable<RouterRow>>(type, kNetwork, std::vector<RouterRow>{&parts});
}

std::unique_ptr<EntityTable> policy_table(std::string_view type, const EntityParts& parts) {
  return std::make_unique<ColumnTable<RouterRow>>(type, kPolicy, std::vector<RouterRow>{&parts});
}

std::unique_ptr<EntityTable> node_table(std::string_view type, const EntityParts& parts) {
  std::vector<NodeRow> rows;
  auto nodes = parts.presence.router().node_facts();
  for (router::NodeFacts& node : nodes) rows.push_back({std::move(node), &parts, rows.size(), nodes.size()});
  return std::make_unique<ColumnTable<NodeRow>>(type, kNode, std::move(rows));
}

}  // namespace van::agent
