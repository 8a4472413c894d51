#include "agent/management_entities.h"

#include <algorithm>

#include "agent/management.h"
#include "core/router/facts.h"

namespace van::agent {
namespace {

struct NamedOnly {};
constexpr Column<NamedOnly> kNamedOnly[] = {{"name", nothing}, {"identity", nothing}};

/// A type that tools ask for and of which a vanctl router has none.
std::unique_ptr<EntityTable> empty_table(std::string_view type, const EntityParts&) {
  return std::make_unique<ColumnTable<NamedOnly>>(type, kNamedOnly, std::vector<NamedOnly>{});
}

struct EntityType {
  std::string_view name;
  MakeTable make;
};
constexpr EntityType kTypes[] = {
    {"io.skupper.router.router", router_table},
    {"io.skupper.router.routerMetrics", metrics_table},
    {"io.skupper.router.network", network_table},
    {"io.skupper.router.policy", policy_table},
    {"io.skupper.router.router.node", node_table},
    {"io.skupper.router.connection", connection_table},
    {"io.skupper.router.router.address", address_table},
    {"io.skupper.router.router.link", link_table},
    {"io.skupper.router.listener", listener_table},
    {"io.skupper.router.connector", connector_table},
    {"io.skupper.router.sslProfile", ssl_profile_table},
    {"io.skupper.router.tcpListener", tcp_listener_table},
    {"io.skupper.router.tcpConnector", tcp_connector_table},
    {"io.skupper.router.listenerAddress", empty_table},
    {"io.skupper.router.proxyProfile", empty_table},
    {"io.skupper.router.router.config.address", empty_table},
    {"io.skupper.router.router.config.autoLink", empty_table},
    {"io.skupper.router.allocator", empty_table},
    {"io.skupper.router.vhost", empty_table},
    {"io.skupper.router.vhostStats", empty_table},
};

}  // namespace

std::vector<std::string_view> SiteEntities::types() const {
  std::vector<std::string_view> names;
  for (const EntityType& type : kTypes) names.push_back(type.name);
  return names;
}

std::unique_ptr<EntityTable> SiteEntities::table(std::string_view type) const {
  const auto found = std::ranges::find(kTypes, type, &EntityType::name);
  return found != std::end(kTypes) ? found->make(found->name, parts_) : nullptr;
}

std::vector<std::string> SiteEntities::management_nodes() const {
  std::vector<std::string> addresses;
  for (const router::NodeFacts& node : parts_.presence.router().node_facts())
    addresses.push_back("amqp:/_topo/0/" + node.id + "/" + kManagementName);
  return addresses;
}

}  // namespace van::agent
