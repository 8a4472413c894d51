// What a ControlPlane knows, for the router's forwarding and for status.
#include <algorithm>
#include <tuple>

#include "core/base/assert.h"
#include "core/routing/control_plane.h"

namespace van::routing {

namespace {

void add_once(std::vector<LinkNo>& links, LinkNo link) {
  if (std::find(links.begin(), links.end(), link) == links.end()) links.push_back(link);
}

}  // namespace

const std::string& ControlPlane::id() const { return config_.id; }
std::uint32_t ControlPlane::radius() const { return paths_.radius(); }
std::int64_t ControlPlane::ls_seq() const { return ls_seq_; }
std::int64_t ControlPlane::mobile_seq() const { return local_.sequence(); }
std::uint64_t ControlPlane::paths_version() const { return paths_version_; }

bool ControlPlane::known_node(std::string_view id) const { return id == config_.id || states_.find(id) != nullptr; }

bool ControlPlane::reachable(std::string_view id) const { return path_cost(id).has_value(); }

std::optional<PathCost> ControlPlane::path_cost(std::string_view id) const {
  const Paths::Index router = paths_.find(id);
  return paths_.reachable(router) ? std::optional{paths_.cost(router)} : std::nullopt;
}

std::optional<std::uint32_t> ControlPlane::hops(std::string_view id) const {
  const Paths::Index router = paths_.find(id);
  return paths_.reachable(router) ? std::optional{paths_.hops(router)} : std::nullopt;
}

std::optional<LinkNo> ControlPlane::next_hop(std::string_view id) const {
  const Node* node = states_.find(id);
  return node == nullptr ? std::nullopt : link_towards(id, *node);
}

std::optional<LinkNo> ControlPlane::protocol_hop(std::string_view id) const {
  const Node* node = states_.find(id);
  if (node == nullptr) return std::nullopt;
  if (const auto link = link_towards(id, *node)) return link;
  return node->heard_on && neighbours_.is_up(*node->heard_on) ? node->heard_on : std::nullopt;
}

/// By the path; a neighbour that is not in the picture yet, by its own link.
std::optional<LinkNo> ControlPlane::link_towards(std::string_view id, const Node& node) const {
  return node.reachable ? link_of_path(node.path) : neighbours_.link_of(id);
}

std::optional<LinkNo> ControlPlane::link_of_path(Paths::Index router) const {
  const Paths::Index first = paths_.first_hop(router);
  return first == Paths::kNone ? std::nullopt : neighbours_.link_of(paths_.id(first));
}

bool ControlPlane::valid_origin(std::string_view origin, std::string_view destination) const {
  return origin == config_.id || paths_.passes_through_self(paths_.find(origin), paths_.find(destination));
}

std::vector<std::string> ControlPlane::valid_origins(std::string_view destination) const {
  std::vector<std::string> origins;
  const Paths::Index to = paths_.find(destination);
  for (Paths::Index from = 0; from != paths_.size(); ++from) {
    if (paths_.passes_through_self(from, to)) origins.push_back(paths_.id(from));
  }
  return origins;
}

std::vector<NodeStatus> ControlPlane::nodes() const {
  std::vector<NodeStatus> all;
  for (const auto& [id, node] : states_.nodes()) {
    NodeStatus status{.id = id,
                      .site_id = node.site_id,
                      .site_name = node.site_name,
                      .reachable = node.reachable,
                      .neighbour = neighbours_.link_of(id).has_value(),
                      .next_hop = link_towards(id, node),
                      .next_hop_id = {},
                      .cost = node.reachable ? paths_.cost(node.path) : 0,
                      .hops = node.reachable ? paths_.hops(node.path) : 0,
                      .instance = node.instance,
                      .peers = node.peers,
                      .addresses = remote_.count(node)};
    if (status.next_hop) status.next_hop_id = neighbour_of_link(*status.next_hop).value_or("");
    all.push_back(std::move(status));
  }
  return all;
}

std::optional<std::string_view> ControlPlane::neighbour_of_link(LinkNo link) const {
  return neighbours_.neighbour_on(link);
}

std::vector<LinkNo> ControlPlane::neighbour_links() const {
  std::vector<LinkNo> links;
  for (const auto& entry : neighbours_.confirmed()) links.push_back(entry.second);
  return links;
}

std::vector<RemoteNode> ControlPlane::remote_nodes(const AddressKey& key) const {
  std::vector<RemoteNode> nodes;
  const auto* entry = remote_.find(key);
  if (entry == nullptr) return nodes;
  for (const RemoteAddresses::Holder& holder : entry->holders) {
    const Node& node = *holder.node;
    nodes.push_back({.id = node.id,
                     .reachable = node.reachable,
                     .path_cost = node.reachable ? paths_.cost(node.path) : 0,
                     .exposure_cost = holder.cost,
                     .next_hop = link_towards(node.id, node),
                     .mesh = holder.mesh});
  }
  std::sort(nodes.begin(), nodes.end(), [](const RemoteNode& a, const RemoteNode& b) {
    return std::tuple{!a.reachable, a.path_cost, a.id} < std::tuple{!b.reachable, b.path_cost, b.id};
  });
  return nodes;
}

std::vector<AddressKey> ControlPlane::remote_keys() const { return remote_.keys(); }

bool ControlPlane::takes_early(const AddressKey& key) const {
  const auto* entry = remote_.find(key);
  return entry == nullptr || std::ranges::all_of(entry->holders, &RemoteAddresses::Holder::early);
}

bool ControlPlane::has_remote(const AddressKey& key) const { return remote_.find(key) != nullptr; }

Treatment ControlPlane::treatment(const AddressKey& key) const {
  if (const LocalAddress* local = local_.find(key)) return local->treatment;
  if (const auto configured = config_.treatments.find(key)) return *configured;
  const auto* entry = remote_.find(key);
  return entry == nullptr ? Treatment::balanced : entry->hint;
}

bool ControlPlane::visited(LinkNo link, std::span<const std::string> trace) const {
  const auto neighbour = neighbours_.neighbour_on(link);
  return std::any_of(trace.begin(), trace.end(),
                     [&](const std::string& name) { return id_of_node_name(name) == neighbour; });
}

std::vector<LinkNo> ControlPlane::flood_links(std::span<const std::string> trace) const {
  std::vector<LinkNo> links;
  for (const auto& [id, link] : neighbours_.confirmed()) {
    const Node* node = states_.find(id);
    const bool leads = node == nullptr || !node->reachable || paths_.is_first_hop(node->path);
    if (leads && !visited(link, trace)) links.push_back(link);
  }
  return links;
}

std::vector<LinkNo> ControlPlane::multicast_links(std::string_view ingress, std::span<const std::string> trace) const {
  if (is_here(ingress)) return flood_links(trace);
  std::vector<LinkNo> links;
  const Paths::Index origin = origin_of(ingress);
  for (const auto& [id, node] : states_.nodes()) {
    if (!paths_.passes_through_self(origin, node.path)) continue;
    const auto link = link_towards(id, node);
    if (link && !visited(*link, trace)) add_once(links, *link);
  }
  return links;
}

std::vector<LinkNo> ControlPlane::multicast_links_for(const AddressKey& key, std::string_view ingress,
                                                      std::span<const std::string> trace) const {
  std::vector<LinkNo> links;
  const auto* entry = remote_.find(key);
  if (entry == nullptr) return links;
  const bool here = is_here(ingress);
  const Paths::Index origin = here ? Paths::kNone : origin_of(ingress);
  for (const RemoteAddresses::Holder& holder : entry->holders) {
    const Node& node = *holder.node;
    if (!here && !paths_.passes_through_self(origin, node.path)) continue;
    const auto link = link_towards(node.id, node);
    if (link && !visited(*link, trace)) add_once(links, *link);
  }
  return links;
}

void ControlPlane::check_invariants() const {
  for (const auto& [id, link] : neighbours_.confirmed()) {
    VAN_ASSERT(neighbours_.is_up(link) && neighbours_.neighbour_on(link) == id);
    VAN_ASSERT(neighbours_.peers().contains(id));
    VAN_ASSERT(states_.find(id) != nullptr);
  }
  VAN_ASSERT(neighbours_.peers().size() == neighbours_.confirmed().size());
  VAN_ASSERT(links_changed_ || published_ == neighbours_.peers());
  VAN_ASSERT(!neighbours_.any_link() || tick_at_ != kNever);

  std::size_t links = 0;
  std::size_t addresses = 0;
  for (const auto& [id, node] : states_.nodes()) {
    VAN_ASSERT(id == node.id && id != config_.id);
    VAN_ASSERT(node.path == Paths::kNone || (node.path < paths_.size() && paths_.id(node.path) == id));
    links += node.peers.size();
    addresses += remote_.count(node);
  }
  VAN_ASSERT(states_.nodes().size() <= config_.routers_max);
  VAN_ASSERT(links == states_.links_total());
  VAN_ASSERT(addresses == remote_.total());
}

bool ControlPlane::is_here(std::string_view ingress) const {
  return ingress.empty() || id_of_node_name(ingress) == config_.id;
}

Paths::Index ControlPlane::origin_of(std::string_view ingress) const {
  const auto id = id_of_node_name(ingress);
  return id ? paths_.find(*id) : Paths::kNone;
}

}  // namespace van::routing
