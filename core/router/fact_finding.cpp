#include "core/router/fact_finding.h"

#include <algorithm>
#include <map>

namespace van::router {
namespace {

/// Of a link for one address; empty for the others.
std::string key_of(const PeerLink& link) {
  if (link.key) return link.key->text();
  if (link.kind == LinkKind::consumer_proxy || link.kind == LinkKind::producer_proxy) return "M" + link.address;
  return link.kind == LinkKind::downlink && !link.address.empty() ? "H" + link.address : std::string{};
}

std::optional<std::uint8_t> priority_of(const Peer& peer, amqp::LinkId link) {
  const auto end = peer.priority_out.begin() + static_cast<std::ptrdiff_t>(peer.priority_out_count);
  const auto found = std::find(peer.priority_out.begin(), end, link);
  if (found == end) return std::nullopt;
  return static_cast<std::uint8_t>(found - peer.priority_out.begin());
}

LinkFacts facts_of(const Peer& peer, const PeerLink& link) {
  const auto counts = peer.connection.link_counts(link.id);
  return {.peer = peer.id,
          .number = link.id.value,
          .kind = link.kind,
          .incoming = link.role == amqp::LinkRole::receiver,
          .attached = link.attached,
          .address = key_of(link),
          .priority = priority_of(peer, link.id),
          .waiting = link.queue.size(),
          .unsettled = counts.unsettled,
          .deliveries = counts.deliveries,
          .credit = counts.credit};
}

AddressFacts facts_of(const Core& core, const Addresses& addresses, const routing::AddressKey& key,
                      const routing::ControlPlane* plane) {
  AddressFacts facts;
  facts.key = key.text();
  facts.treatment = addresses.treatment(key);
  if (const Addresses::Entry* entry = addresses.entry(key)) {
    facts.endpoints = entry->endpoints.size();
    facts.subscribers = entry->consumers.size() + entry->proxies.size();
    facts.watched = !entry->producers.empty() || !entry->producer_proxies.empty();
    for (const ConsumerId id : entry->consumers) facts.outstanding += addresses.consumer(id)->outstanding;
  }
  for (const auto& [id, peer] : core.peers) {
    const auto found = peer->outstanding.find(facts.key);
    if (found != peer->outstanding.end()) facts.outstanding += found->second;
  }
  if (plane == nullptr) return facts;
  for (const routing::RemoteNode& node : plane->remote_nodes(key))
    if (node.reachable) facts.remote_nodes.emplace_back(node.id);
  return facts;
}

}  // namespace

std::vector<ConnectionFacts> connections_of(const Core& core) {
  std::vector<ConnectionFacts> all;
  for (const auto& [id, peer] : core.peers) {
    if (peer->sibling()) continue;  // ourselves
    all.push_back({.id = id,
                   .info = peer->info,
                   .data = peer->data_connection,
                   .opened = peer->opened,
                   .mesh_id = peer->mesh_id,
                   .since = peer->added,
                   .links = peer->links.size()});
  }
  return all;
}

std::vector<LinkFacts> links_of(const Core& core) {
  std::vector<LinkFacts> all;
  for (const auto& [id, peer] : core.peers) {
    if (peer->sibling()) continue;
    const auto first = static_cast<std::ptrdiff_t>(all.size());
    for (const auto& [link_id, link] : peer->links) all.push_back(facts_of(*peer, link));
    std::sort(all.begin() + first, all.end(), [](const LinkFacts& a, const LinkFacts& b) { return a.number < b.number; });
  }
  return all;
}

std::vector<AddressFacts> addresses_of(const Core& core, const Addresses& addresses, const routing::ControlPlane* plane) {
  std::set<routing::AddressKey> keys;
  for (const auto& [key, entry] : addresses.entries()) keys.insert(key);
  if (plane != nullptr)
    for (routing::AddressKey& key : plane->remote_keys()) keys.insert(std::move(key));
  std::vector<AddressFacts> all;
  for (const routing::AddressKey& key : keys) all.push_back(facts_of(core, addresses, key, plane));
  if (plane == nullptr) return all;
  for (const routing::NodeStatus& node : plane->nodes()) {
    if (!node.reachable) continue;
    AddressFacts& facts = all.emplace_back();
    facts.key = "R" + node.id;
    facts.treatment = routing::Treatment::closest;
    facts.remote_nodes = {node.id};
  }
  std::sort(all.begin(), all.end(), [](const AddressFacts& a, const AddressFacts& b) { return a.key < b.key; });
  return all;
}

std::vector<NodeFacts> nodes_of(const Core& core, const routing::ControlPlane* plane) {
  if (plane == nullptr) return {};
  std::vector<NodeFacts> all(1);
  all[0].id = core.config.id;
  all[0].instance = core.config.instance;
  all[0].own = true;
  for (const routing::NodeStatus& node : plane->nodes()) {
    if (node.neighbour) all[0].neighbours.push_back(node.id);
    if (!node.reachable) continue;
    NodeFacts& facts = all.emplace_back();
    facts.id = node.id;
    facts.instance = node.instance;
    facts.cost = static_cast<std::uint32_t>(node.cost);
    facts.next_hop = node.next_hop_id;
    if (node.neighbour && node.next_hop && node.next_hop_id == node.id) facts.link = node.next_hop->value;
    for (const auto& [neighbour, cost] : node.peers) facts.neighbours.push_back(neighbour);
  }
  return all;
}

}  // namespace van::router
