#include "core/router/addresses.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/base/limits.h"
#include "core/router/names.h"

namespace van::router {
namespace {

constexpr std::uint32_t kCapacity = limits::kLinkCredit;  ///< unsettled deliveries above which a destination is full (control-plane 4.5)

template <class T>
void rotate_to_back(std::vector<T>& list, T item) {
  const auto found = std::find(list.begin(), list.end(), item);
  if (found != list.end()) std::rotate(found, found + 1, list.end());
}

}  // namespace

std::optional<routing::AddressKey> Addresses::key_of(std::string_view text) const {
  const routing::Self self{.id = core_.config.id, .mode = core_.edge() ? routing::RouterMode::edge : routing::RouterMode::interior};
  const auto key = routing::classify(text, self);
  return key && key->text() == "M$management" ? routing::classify("_local/$management", self) : key;
}

ConsumerId Addresses::add_consumer(std::string_view address, std::uint32_t cost) {
  const ConsumerId id{++last_consumer_};
  const auto key = routing::AddressKey::mobile(address);
  VAN_ASSERT(key.has_value());
  consumers_.emplace(id, Consumer{*key, cost, 0});
  entries_[*key].consumers.push_back(id);
  changed_.insert(*key);
  return id;
}

void Addresses::remove_consumer(ConsumerId id) {
  const auto found = consumers_.find(id);
  if (found == consumers_.end()) return;
  const routing::AddressKey key = std::move(found->second.key);
  consumers_.erase(found);
  std::erase(entries_[key].consumers, id);
  drop_if_empty(key);
}

Addresses::Consumer* Addresses::consumer(ConsumerId id) {
  const auto found = consumers_.find(id);
  return found == consumers_.end() ? nullptr : &found->second;
}

ProducerId Addresses::add_producer(std::string_view address) {
  const ProducerId id{++last_producer_};
  const auto key = routing::AddressKey::mobile(address);
  VAN_ASSERT(key.has_value());
  producers_.emplace(id, Producer{*key, false});
  entries_[*key].producers.push_back(id);
  changed_.insert(*key);
  return id;
}

void Addresses::remove_producer(ProducerId id) {
  const auto found = producers_.find(id);
  if (found == producers_.end()) return;
  const routing::AddressKey key = std::move(found->second.key);
  producers_.erase(found);
  std::erase(entries_[key].producers, id);
  drop_if_empty(key);
}

Addresses::Producer* Addresses::producer(ProducerId id) {
  const auto found = producers_.find(id);
  return found == producers_.end() ? nullptr : &found->second;
}

EndpointId Addresses::add_endpoint(Endpoint endpoint, std::optional<routing::Treatment> treatment) {
  const EndpointId id{++last_endpoint_};
  const routing::AddressKey key = endpoint.key;
  endpoints_.emplace(id, std::move(endpoint));
  Entry& entry = entries_[key];
  entry.endpoints.push_back(id);
  if (treatment) entry.treatment = treatment;
  changed_.insert(key);
  return id;
}

void Addresses::remove_endpoint(EndpointId id) {
  const auto found = endpoints_.find(id);
  if (found == endpoints_.end()) return;
  const routing::AddressKey key = std::move(found->second.key);
  endpoints_.erase(found);
  std::erase(entries_[key].endpoints, id);
  drop_if_empty(key);
}

void Addresses::add_proxy(const routing::AddressKey& key, ProxyRef proxy) {
  entries_[key].proxies.push_back(proxy);
  changed_.insert(key);
}

void Addresses::remove_proxy(const routing::AddressKey& key, ProxyRef proxy) {
  std::erase(entries_[key].proxies, proxy);
  drop_if_empty(key);
}

void Addresses::add_producer_proxy(const routing::AddressKey& key, ProxyRef proxy) {
  entries_[key].producer_proxies.push_back(proxy);
  changed_.insert(key);
}

void Addresses::remove_producer_proxy(const routing::AddressKey& key, ProxyRef proxy) {
  std::erase(entries_[key].producer_proxies, proxy);
  drop_if_empty(key);
}

void Addresses::drop_if_empty(const routing::AddressKey& key) {
  changed_.insert(key);
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second.empty()) entries_.erase(found);
}

const Addresses::Entry* Addresses::entry(const routing::AddressKey& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

void Addresses::mark_all_used_changed() {
  for (const auto& [key, entry] : entries_) {
    if (entry.has_producers()) changed_.insert(key);
  }
}

bool Addresses::allowed(ProxyRef proxy, const Origin& origin) const {
  const Peer* edge = core_.peer(proxy.peer);
  if (edge != nullptr && edge->client()) return true;
  if (proxy.peer == origin.peer) return false;  // control-plane 4.4: no echo to the edge that it came from
  return edge != nullptr && (!origin.mesh || edge->mesh_id.empty() || edge->mesh_id != *origin.mesh);
}

std::vector<Addresses::Candidate> Addresses::local_candidates(const Entry& entry, const Origin& origin) {
  std::vector<Candidate> candidates;
  for (const ConsumerId id : entry.consumers) {
    const Consumer& consumer = consumers_.at(id);
    candidates.push_back({{.consumer = id}, std::uint64_t{consumer.outstanding} + consumer.cost, consumer.cost, true, false, consumer.cost});
  }
  for (const EndpointId id : entry.endpoints) {
    const Endpoint& endpoint = endpoints_.at(id);
    candidates.push_back({{.endpoint = id}, std::uint64_t{endpoint.load} + endpoint.cost, endpoint.cost, true, false, endpoint.cost});
  }
  for (const ProxyRef& proxy : entry.proxies) {
    if (!allowed(proxy, origin)) continue;
    Peer& peer = *core_.peer(proxy.peer);
    const PeerLink* link = peer.link(proxy.link);
    if (link == nullptr) continue;
    // A client's receiver that gives no credit is passed over while others do.
    const bool takes = !peer.client() || peer.connection.credit(link->id) > link->queue.size();
    candidates.push_back({{.peer = proxy.peer, .proxy = proxy.link}, std::uint64_t{link->outstanding} + link->cost, link->cost,
                          takes && link->outstanding < kCapacity, false, link->cost});
  }
  return candidates;
}

Addresses::Candidate Addresses::beyond(const routing::AddressKey& key, const Peer& peer, std::uint64_t distance) {
  const auto found = peer.outstanding.find(key.text());
  const std::uint32_t outstanding = found == peer.outstanding.end() ? 0 : found->second;
  return {{.peer = peer.id}, outstanding + distance, distance, outstanding < kCapacity, true, 0};
}

std::vector<Addresses::Remote> Addresses::remotes(const routing::AddressKey& key) const {
  std::vector<Remote> found;
  if (plane_ != nullptr) {
    for (const routing::RemoteNode& node : plane_->remote_nodes(key)) {
      if (node.reachable && node.next_hop) found.push_back({node.id, node.path_cost + node.exposure_cost, PeerId{node.next_hop->value}});
    }
  } else if (const Routes::Address* address = routes_ == nullptr ? nullptr : routes_->address(key)) {
    for (const Routes::Remote& remote : address->remotes) {
      const Routes::Node& node = routes_->nodes[remote.node];
      if (const auto hop = node.reachable ? towards(node) : std::nullopt) found.push_back({node.id, node.cost + remote.cost, *hop});
    }
  }
  return found;
}

std::optional<PeerId> Addresses::towards(const Routes::Node& node) const {
  if (node.neighbour.empty()) return std::nullopt;
  const auto own = core_.data_connections.find(node.neighbour);
  if (own != core_.data_connections.end()) return own->second.front();
  const Peer* first = core_.sibling(0);
  return first == nullptr ? std::nullopt : std::optional{first->id};
}

std::optional<PeerId> Addresses::next_hop(std::string_view id) const {
  if (plane_ != nullptr) {
    const auto hop = plane_->next_hop(id);
    return hop ? std::optional{PeerId{hop->value}} : std::nullopt;
  }
  if (const Routes::Node* node = routes_ == nullptr ? nullptr : routes_->node(id)) return towards(*node);
  const Peer* first = core_.sibling(0);  // it may know more by now
  return first == nullptr ? std::nullopt : std::optional{first->id};
}

bool Addresses::valid_origin(std::string_view origin, std::string_view destination) const {
  if (plane_ != nullptr) return plane_->valid_origin(origin, destination);
  return origin == core_.config.id || paths_.passes_through_self(paths_.find(origin), paths_.find(destination));
}

std::vector<Addresses::Candidate> Addresses::remote_candidates(const routing::AddressKey& key, const Origin& origin, Ways ways) const {
  std::vector<Candidate> candidates;
  const auto ingress = routing::id_of_node_name(origin.ingress);
  const Peer* from = core_.peer(origin.peer);
  for (const Remote& remote : remotes(key)) {
    const Peer* peer = core_.peer(remote.hop);
    if (peer == nullptr) continue;
    const bool back = from != nullptr && (peer == from || (peer->data_connection && peer->info.router_id == from->info.router_id));
    if (ways == Ways::along_trees ? ingress && !valid_origin(*ingress, remote.id) : back) continue;
    candidates.push_back(beyond(key, *peer, remote.distance));
  }
  return candidates;
}

/// What the first worker has beside us: its edges, and its own consumers where we have none.
std::optional<Addresses::Candidate> Addresses::at_first_worker(const routing::AddressKey& key, bool local) const {
  const Routes::Address* address = routes_ == nullptr ? nullptr : routes_->address(key);
  const Peer* first = core_.first_worker() ? nullptr : core_.sibling(0);
  if (address == nullptr || first == nullptr) return std::nullopt;
  std::optional<std::uint32_t> cost = address->edges;
  if (!local && address->consumers) cost = std::min(cost.value_or(*address->consumers), *address->consumers);
  return cost ? std::optional{beyond(key, *first, *cost)} : std::nullopt;
}

void Addresses::set_routes(std::shared_ptr<const Routes> routes) {
  if (routes_ == nullptr || routes_->paths != routes->paths) paths_ = *routes->paths;
  routes_ = std::move(routes);
  mark_all_used_changed();
}

std::shared_ptr<const Routes> Addresses::routes() {
  routes_changed_ = false;
  auto routes = std::make_shared<Routes>();
  if (plane_ == nullptr) return routes;
  if (offered_paths_ == nullptr || offered_version_ != plane_->paths_version()) {
    offered_paths_ = std::make_shared<const routing::Paths>(plane_->paths());
    offered_version_ = plane_->paths_version();
  }
  routes->paths = offered_paths_;
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  for (const routing::NodeStatus& node : plane_->nodes()) {
    const Peer* hop = node.next_hop ? core_.peer(PeerId{node.next_hop->value}) : nullptr;
    routes->nodes.push_back({node.id, node.reachable, node.cost, hop == nullptr ? std::string{} : hop->info.router_id});
  }
  for (const Routes::Node& node : routes->nodes) numbers.emplace(node.id, static_cast<std::uint32_t>(numbers.size()));
  for (const routing::AddressKey& key : plane_->remote_keys()) {
    Routes::Address& address = routes->addresses[key];
    address.treatment = plane_->treatment(key);
    for (const routing::RemoteNode& node : plane_->remote_nodes(key)) address.remotes.push_back({numbers.at(node.id), node.exposure_cost});
    address.early = takes_early(key);
  }
  for (const auto& [key, entry] : entries_) {
    if (entry.consumers.empty() && entry.proxies.empty()) continue;
    Routes::Address& address = routes->addresses[key];
    address.treatment = plane_->treatment(key);
    address.early = takes_early(key);
    for (const ConsumerId id : entry.consumers) address.consumers = std::min(address.consumers.value_or(consumers_.at(id).cost), consumers_.at(id).cost);
    for (const ProxyRef& proxy : entry.proxies) {
      const Peer* edge = core_.peer(proxy.peer);
      const auto link = edge == nullptr ? std::nullopt : std::optional{edge->links.find(proxy.link)};
      if (link && *link != edge->links.end()) address.edges = std::min(address.edges.value_or((*link)->second.cost), (*link)->second.cost);
    }
  }
  return routes;
}

std::optional<Destination> Addresses::uplink(const Origin& origin) const {
  if (!core_.edge() || origin.from_uplink || !core_.active_uplink) return std::nullopt;
  return Destination{.peer = core_.active_uplink};
}

std::optional<Destination> Addresses::choose(const routing::AddressKey& key, routing::Treatment treatment, const Origin& origin) {
  const auto found = entries_.find(key);
  std::vector<Candidate> candidates;
  if (found != entries_.end()) candidates = local_candidates(found->second, origin);
  const std::size_t local_count = candidates.size();
  const bool closest = treatment == routing::Treatment::closest;
  if (!closest || local_count == 0) std::ranges::copy(remote_candidates(key, origin, Ways::along_trees), std::back_inserter(candidates));
  // A router that has not heard yet of a provider's end sends here what has another, dearer way from there: better that way than none.
  // Whoever it has passed refuses it, so it can't go round.
  if (candidates.empty() && origin.peer) candidates = remote_candidates(key, origin, Ways::any);
  if (const auto first = !closest || local_count == 0 ? at_first_worker(key, local_count > 0) : std::nullopt) candidates.push_back(*first);
  if (Peer* first = candidates.empty() && !core_.first_worker() ? core_.sibling(0) : nullptr) candidates.push_back(beyond(key, *first, 0));  // it may know more by now
  if (const auto up = uplink(origin)) {
    // An edge that consumes the address itself sends on only what the interior said it could take (control-plane 5.1).
    const Peer& peer = *core_.peer(up->peer);
    const PeerLink* link = uplink_of(key);
    if (local_count == 0 || (link != nullptr && link->bound)) candidates.push_back(beyond(key, peer, peer.info.cost));
  }
  const auto untried = [&](const Candidate& candidate) { return std::ranges::find(origin.tried, candidate.to) == origin.tried.end(); };
  const auto tried = std::stable_partition(candidates.begin(), candidates.end(), untried);
  candidates.erase(tried, candidates.end());
  if (candidates.empty()) return std::nullopt;
  // Balanced (control-plane 4.5): eligible ones before full ones, then the lowest value; among equals a local one, the cheaper
  // one, the first found. Closest (4.6): the cheapest, in turn among equals.
  const auto rank = [closest](const Candidate& c) {
    return closest ? std::tuple{false, c.distance, false, 0u} : std::tuple{!c.eligible, c.value, c.remote, c.cost};
  };
  auto best = std::ranges::min_element(candidates, {}, rank);
  const bool in_turn = closest || origin.settled;  // what is never outstanding would always go the same way
  if (in_turn) {
    const auto beyond = std::stable_partition(candidates.begin(), candidates.end(), [&, least = rank(*best)](const Candidate& c) { return rank(c) == least; });
    best = candidates.begin() + static_cast<std::ptrdiff_t>(turn_++ % static_cast<std::size_t>(beyond - candidates.begin()));
  }
  if (in_turn) return best->to;
  if (best->to.consumer) rotate_to_back(found->second.consumers, best->to.consumer);
  else if (best->to.endpoint) rotate_to_back(found->second.endpoints, best->to.endpoint);
  else if (best->to.proxy) rotate_to_back(found->second.proxies, ProxyRef{best->to.peer, best->to.proxy});
  return best->to;
}

std::vector<Destination> Addresses::all(const routing::AddressKey& key, const Origin& origin) {
  std::vector<Destination> destinations;
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    for (const EndpointId id : found->second.endpoints) destinations.push_back({.endpoint = id});
    for (const ProxyRef& proxy : found->second.proxies) {
      if (allowed(proxy, origin)) destinations.push_back({.peer = proxy.peer, .proxy = proxy.link});
    }
  }
  if (plane_ != nullptr) {
    static const std::vector<std::string> no_trace;
    for (const routing::LinkNo link : plane_->multicast_links_for(key, origin.ingress, origin.trace == nullptr ? no_trace : *origin.trace)) {
      destinations.push_back({.peer = PeerId{link.value}});
    }
  }
  if (const auto up = uplink(origin)) destinations.push_back(*up);
  if (const Peer* first = core_.first_worker() ? nullptr : core_.sibling(0)) destinations.push_back({.peer = first->id});
  return destinations;
}

routing::Treatment Addresses::treatment(const routing::AddressKey& key) const {
  if (plane_ != nullptr) return plane_->treatment(key);
  if (const Routes::Address* address = routes_ == nullptr ? nullptr : routes_->address(key)) return address->treatment;
  const Entry* local = entry(key);
  return local != nullptr && local->treatment ? *local->treatment : routing::treatment_of_key(key);
}

bool Addresses::provides(const Entry& entry) const {
  return !entry.consumers.empty() || !entry.proxies.empty() ||
         std::ranges::any_of(entry.endpoints, [this](EndpointId id) { return endpoints_.at(id).service; });
}

bool Addresses::reachable_here(const routing::AddressKey& key) const {
  const Entry* local = entry(key);
  if (local != nullptr && provides(*local)) return true;
  if (plane_ != nullptr) {
    const auto nodes = plane_->remote_nodes(key);
    return std::ranges::any_of(nodes, [](const routing::RemoteNode& node) { return node.reachable; });
  }
  if (!core_.first_worker()) return at_first_worker(key, false) || !remotes(key).empty();
  const PeerLink* up = uplink_of(key);
  return up != nullptr && up->bound;
}

const PeerLink* Addresses::uplink_of(const routing::AddressKey& key) const {
  Peer* up = core_.edge() ? core_.peer(core_.active_uplink) : nullptr;
  if (up == nullptr) return nullptr;
  const auto proxy = up->producer_proxies.find(std::string{key.name()});
  return proxy == up->producer_proxies.end() ? nullptr : up->link(proxy->second);
}

bool Addresses::edges_take_early(const Entry& entry) const {
  return std::ranges::all_of(entry.proxies, [this](const ProxyRef& proxy) {
    const Peer* edge = core_.peer(proxy.peer);
    return edge != nullptr && edge->info.product == names::product;
  });
}

bool Addresses::takes_early(const routing::AddressKey& key) const {
  const Entry* local = entry(key);
  if (local != nullptr && !edges_take_early(*local)) return false;
  if (plane_ != nullptr) return plane_->takes_early(key);
  if (!core_.first_worker()) {
    const Routes::Address* address = routes_ == nullptr ? nullptr : routes_->address(key);
    return address != nullptr && address->early;
  }
  const PeerLink* up = uplink_of(key);
  return up != nullptr && up->bound ? up->early : local != nullptr && provides(*local);
}

bool Addresses::near_for(const routing::AddressKey& key, const Peer& edge) const {
  const Entry* local = entry(key);
  if (local == nullptr) return false;
  if (!local->consumers.empty() || !local->endpoints.empty()) return true;
  return std::ranges::any_of(local->proxies, [&](const ProxyRef& proxy) {
    const Peer* other = core_.peer(proxy.peer);
    return proxy.peer != edge.id && other != nullptr && (edge.mesh_id.empty() || other->mesh_id != edge.mesh_id);
  });
}

bool Addresses::reachable_for(const routing::AddressKey& key, const Peer& edge) const {
  if (near_for(key, edge)) return true;
  if (plane_ == nullptr) return false;
  const auto nodes = plane_->remote_nodes(key);
  return std::ranges::any_of(nodes, [&](const routing::RemoteNode& node) {
    return node.reachable && (edge.mesh_id.empty() || node.mesh != edge.mesh_id);
  });
}

bool Addresses::needs_settled_uplink(const routing::AddressKey& key) const {
  if (core_.now >= core_.uplink_settled) return false;
  const PeerLink* up = uplink_of(key);
  return up != nullptr && up->bound && !up->near;
}

std::optional<routing::LocalAddress> Addresses::local_address(const routing::AddressKey& key) const {
  const Entry* local = entry(key);
  if (local == nullptr || !local->has_local()) return std::nullopt;
  routing::LocalAddress offered;
  offered.treatment = key.address_class() == routing::AddressClass::mobile ? local->treatment.value_or(routing::treatment_of_key(key))
                                                                           : routing::Treatment::closest;
  offered.producers = static_cast<std::uint32_t>(local->producers.size() + local->producer_proxies.size());
  std::uint32_t cost = std::numeric_limits<std::uint32_t>::max();
  for (const ConsumerId id : local->consumers) cost = std::min(cost, consumers_.at(id).cost);
  std::optional<std::string> mesh;
  for (const EndpointId id : local->endpoints) cost = std::min(cost, endpoints_.at(id).cost);
  bool one_mesh = local->consumers.empty() && local->endpoints.empty();
  for (const ProxyRef& proxy : local->proxies) {
    Peer* edge = core_.peer(proxy.peer);
    const PeerLink* link = edge == nullptr ? nullptr : edge->link(proxy.link);
    if (link == nullptr) continue;
    cost = std::min(cost, link->cost);
    if (edge->mesh_id.empty() || (mesh && *mesh != edge->mesh_id)) one_mesh = false;
    mesh = edge->mesh_id;
  }
  if (one_mesh && mesh) offered.mesh = mesh;
  offered.early = edges_take_early(*local);
  offered.cost = cost == std::numeric_limits<std::uint32_t>::max() ? 0 : cost;
  return offered;
}

}  // namespace van::router
