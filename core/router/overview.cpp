#include "core/router/overview.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace van::router {
namespace {

using ByKey = std::map<routing::AddressKey, AddressInfo>;

void add_here(const Core& core, const Addresses& addresses, ByKey& found) {
  for (const auto& [key, entry] : addresses.entries()) {
    if (key.address_class() != routing::AddressClass::mobile) continue;
    AddressInfo& info = found[key];
    for (const ConsumerId id : entry.consumers) info.providers.push_back({core.config.id, addresses.consumer(id)->cost});
    for (const Addresses::ProxyRef& proxy : entry.proxies) {
      const Peer* edge = core.peer(proxy.peer);
      const PeerLink* link = edge == nullptr ? nullptr : edge->link(proxy.link);
      if (link != nullptr) info.providers.push_back({edge->client() ? core.config.id : edge->info.router_id, link->cost});
    }
    info.reachable = addresses.reachable_here(key);
  }
}

void add_interiors(const routing::ControlPlane& plane, ByKey& found) {
  for (const routing::AddressKey& key : plane.remote_keys()) {
    if (key.address_class() == routing::AddressClass::mobile) found[key];
  }
  for (auto& [key, info] : found) {
    for (const routing::RemoteNode& node : plane.remote_nodes(key)) {
      if (!node.reachable) continue;
      info.reachable = true;
      info.providers.push_back({std::string{node.id}, static_cast<std::uint32_t>(node.path_cost) + node.exposure_cost});
    }
  }
}

void add_uplink(const Peer& up, ByKey& found) {
  for (auto& [key, info] : found) {
    const auto proxy = up.producer_proxies.find(std::string{key.name()});
    const PeerLink* link = proxy == up.producer_proxies.end() ? nullptr : up.link(proxy->second);
    if (link != nullptr && link->bound) info.providers.push_back({up.info.router_id, up.info.cost});
  }
}

}  // namespace

std::vector<NodeInfo> known_nodes(const Core& core, const routing::ControlPlane* plane) {
  std::vector<NodeInfo> nodes;
  if (plane != nullptr) {
    for (const routing::NodeStatus& status : plane->nodes()) {
      if (!status.reachable) continue;
      nodes.push_back({.id = status.id,
                       .site_id = status.site_id,
                       .site_name = status.site_name.empty() ? status.id : status.site_name,
                       .mode = Mode::interior,
                       .direct = status.neighbour,
                       .hops = status.hops,
                       .cost = static_cast<std::uint32_t>(status.cost)});
    }
  }
  for (const auto& [id, peer] : core.peers) {
    if (peer->inter_router() || !peer->info.up) continue;
    nodes.push_back({.id = peer->info.router_id,
                     .site_id = peer->info.site_id,
                     .site_name = peer->info.site_name,
                     .mode = peer->incoming_edge() ? Mode::edge : Mode::interior,
                     .direct = true,
                     .hops = 1,
                     .cost = peer->info.cost});
  }
  return nodes;
}

std::vector<AddressInfo> known_addresses(const Core& core, const Addresses& addresses, const routing::ControlPlane* plane) {
  ByKey found;
  add_here(core, addresses, found);
  if (plane != nullptr) add_interiors(*plane, found);
  else if (const Peer* up = core.peer(core.active_uplink)) add_uplink(*up, found);
  std::vector<AddressInfo> result;
  for (auto& [key, info] : found) {
    info.address = std::string{key.name()};
    result.push_back(std::move(info));
  }
  return result;
}

Router::Held held_by(const Core& core, const routing::ControlPlane* plane) {
  Router::Held held{.peers = core.peers.size(), .events = core.events.size()};
  for (const auto& [id, peer] : core.peers) {
    held.links += peer->links.size();
    held.pending_bytes += peer->pending_bytes;
    for (const auto& [link_id, link] : peer->links) held.queued += link.queue.size();
    const std::size_t waiting = peer->connection.output_bytes();
    held.output_bytes += waiting;
    held.output_bytes_max = std::max(held.output_bytes_max, waiting);
  }
  if (plane != nullptr) {
    held.nodes = plane->nodes_known();
    held.node_links = plane->node_links_known();
    held.remote_addresses = plane->addresses_known();
  }
  return held;
}

}  // namespace van::router
