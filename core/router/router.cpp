#include "core/router/router.h"

#include <algorithm>

#include "core/base/limits.h"
#include "core/router/addresses.h"
#include "core/router/control_links.h"
#include "core/router/core.h"
#include "core/router/fact_finding.h"
#include "core/router/forwarder.h"
#include "core/router/link_setup.h"
#include "core/router/streams.h"
#include "core/router/uplinks.h"

namespace van::router {
namespace {

std::optional<routing::ControlPlane> make_plane(const Config& config) {
  if (config.mode == Mode::edge || config.worker != 0) return std::nullopt;
  routing::ControlPlaneConfig plane;
  plane.id = config.id;
  plane.instance = config.instance;
  plane.site_id = config.site_id;
  plane.site_name = config.site_name;
  return std::optional<routing::ControlPlane>{std::in_place, std::move(plane)};
}

}  // namespace

/// Puts the parts together: the only place where an engine's events are looked at.
class Router::Impl {
 public:
  Impl(Config config, Rng rng, TimePoint now)
      : core_{.config = std::move(config), .rng = rng, .now = now, .peers = {}, .events = {}, .touched = {}, .outputs = {}, .active_uplink = {}, .uplink_settled = {}, .mesh_id = {}, .counters = {}, .data_connections = {}, .siblings = {}},
        plane_{make_plane(core_.config)},
        addresses_{core_, plane()},
        forwarder_{core_, addresses_},
        streams_{core_, addresses_, forwarder_},
        control_{core_, addresses_, forwarder_, plane()},
        setup_{core_, addresses_, forwarder_, plane()},
        uplinks_{core_, addresses_, forwarder_, setup_} {
    VAN_ASSERT(routing::valid_router_id(core_.config.id) && core_.config.worker < core_.config.workers);
    VAN_ASSERT(core_.config.workers == 1 || !core_.edge());
    if (core_.edge()) core_.mesh_id = core_.rng.discriminator();
    forwarder_.connect(streams_, control_);
    setup_.connect(uplinks_);
  }

  PeerId add_peer(PeerConfig config) {
    const PeerId id{++last_peer_};
    amqp::Connection engine{LinkSetup::engine_config(core_.config, config), core_.now};
    auto& slot = core_.peers[id];
    slot = std::make_unique<Peer>(id, std::move(config), std::move(engine));
    slot->info.cost = slot->config.cost;
    slot->added = core_.now;
    core_.touch(*slot);
    return id;
  }

  PeerId adopt_peer(std::unique_ptr<Peer> peer) {
    peer->id = PeerId{++last_peer_};
    peer->moves = peer->touched = peer->output_listed = false;
    core_.data_connections[peer->info.router_id].push_back(peer->id);
    core_.touch(*peer);
    const PeerId id = peer->id;
    core_.peers[id] = std::move(peer);
    return id;
  }

  void close_peer(PeerId id) {
    Peer* peer = core_.peer(id);
    if (peer == nullptr) return;
    core_.touch(*peer);
    peer->connection.close();
  }

  /// After each input and command: engines' events, what follows from them, and what is to be told to others.
  void settle() {
    for (;;) {
      while (!core_.touched.empty()) {
        const PeerId id = core_.touched.front();
        core_.touched.pop_front();
        drain(id);
      }
      drain_plane();
      sync_changed();
      control_.send_pending();
      if (core_.touched.empty()) break;
    }
    forwarder_.collect();
  }

  void handle_deadline() {
    for (auto& [id, peer] : core_.peers) {
      if (peer->connection.next_deadline() > core_.now) continue;
      peer->connection.handle_deadline(core_.now);
      core_.touch(*peer);
    }
    if (plane_ && plane_->next_deadline() <= core_.now) plane_->handle_deadline(core_.now);
    uplinks_.handle_deadline();
    streams_.handle_deadline();
  }

  [[nodiscard]] TimePoint next_deadline() const {
    TimePoint next = std::min({plane_ ? plane_->next_deadline() : kNever, streams_.next_deadline(), uplinks_.next_deadline()});
    for (const auto& [id, peer] : core_.peers) next = std::min(next, peer->connection.next_deadline());
    return next;
  }

  [[nodiscard]] routing::ControlPlane* plane() { return plane_ ? &*plane_ : nullptr; }

  Core core_;
  std::optional<routing::ControlPlane> plane_;
  Addresses addresses_;
  Forwarder forwarder_;
  Streams streams_;
  ControlLinks control_;
  LinkSetup setup_;
  Uplinks uplinks_;
  std::uint32_t last_peer_ = 0;

 private:
  void drain(PeerId id) {
    Peer* peer = core_.peer(id);
    if (peer == nullptr) return;
    peer->touched = false;
    while (!peer->moves) {
      auto event = peer->connection.poll_event();
      if (!event) break;
      std::visit([&](auto& value) { handle(*peer, value); }, *event);
      peer = core_.peer(id);
      if (peer == nullptr) return;
    }
    if (!peer->output_listed) {
      peer->output_listed = true;
      core_.outputs.push_back(id);
    }
  }

  void handle(Peer& peer, amqp::Opened& opened) { setup_.opened(peer, opened.peer); }
  void handle(Peer& peer, amqp::SessionBegun& begun) {
    if (begun.by_peer) setup_.session_begun(peer, begun.session);
  }
  void handle(Peer& peer, amqp::SessionEnded& ended) { setup_.session_ended(peer, ended.session); }
  void handle(Peer& peer, amqp::Attached& attached) { setup_.attached(peer, attached); }
  void handle(Peer& peer, amqp::Detached& detached) { setup_.detached(peer, detached.link); }
  void handle(Peer& peer, amqp::CreditChanged& changed) {
    if (PeerLink* link = peer.link(changed.link)) forwarder_.outbox().link_ready(peer, *link);
  }
  void handle(Peer& peer, amqp::TransferReceived& transfer) {
    if (PeerLink* link = peer.link(transfer.link)) forwarder_.transfer(peer, *link, std::move(transfer));
  }
  void handle(Peer& peer, amqp::DeliveryUpdated& update) { forwarder_.updated(peer, update); }
  void handle(Peer& peer, amqp::SessionWritable& writable) { forwarder_.outbox().window_opened(peer, writable.session); }
  void handle(Peer& peer, amqp::Closed& closed) {
    PeerClosed event{.peer = peer.id, .refused = false, .reason = {}};
    if (closed.error) {
      event.reason = closed.error->description.empty() ? closed.error->condition : closed.error->description;
      event.refused = closed.error->condition == amqp::condition::unauthorized_access;
    }
    setup_.connection_ended(peer);
    if (peer.inter_router() && peer.info.up) core_.events.push_back(PeerDown{peer.id});
    core_.events.push_back(std::move(event));
    // The transport still has to write what the engine said last.
    closing_[peer.id] = std::move(peer.connection.output());
    core_.outputs.push_back(peer.id);
    core_.peers.erase(peer.id);
  }

  void drain_plane() {
    if (!plane_) return;
    while (const auto event = plane_->poll_event()) {
      addresses_.mark_routes_changed();
      if (const auto* up = std::get_if<routing::event::NeighbourUp>(&*event)) neighbour_up(*up);
      else if (const auto* down = std::get_if<routing::event::NeighbourDown>(&*event)) neighbour_down(down->id);
      else if (const auto* added = std::get_if<routing::event::AddressAdded>(&*event)) addresses_.mark_changed(added->key);
      else if (const auto* removed = std::get_if<routing::event::AddressRemoved>(&*event)) addresses_.mark_changed(removed->key);
      else if (std::holds_alternative<routing::event::PathsChanged>(*event)) addresses_.mark_all_used_changed();
    }
  }

  void neighbour_up(const routing::event::NeighbourUp& up) {
    Peer* peer = core_.peer(PeerId{up.link.value});
    if (peer == nullptr || peer->info.up) return;
    peer->info.up = true;
    if (peer->info.router_id.empty()) peer->info.router_id = peer->info.site_name = up.id;
    core_.events.push_back(PeerUp{peer->id});
  }

  void neighbour_down(const std::string& router_id) {
    for (auto& [id, peer] : core_.peers) {
      if (!peer->inter_router() || peer->data_connection || !peer->info.up || peer->info.router_id != router_id) continue;
      peer->info.up = false;
      core_.events.push_back(PeerDown{id});
    }
  }

  void sync_changed() {
    for (const routing::AddressKey& key : addresses_.take_changed()) {
      setup_.sync_clients(key);
      if (key.address_class() == routing::AddressClass::local) continue;  // told to nobody
      addresses_.mark_routes_changed();
      if (plane_) {
        if (const auto offered = addresses_.local_address(key)) plane_->set_local_address(key, *offered, core_.now);
        else plane_->remove_local_address(key, core_.now);
        setup_.sync_tracking(key);
      } else if (core_.edge()) {
        uplinks_.sync(key);
      }
      const Addresses::Entry* entry = addresses_.entry(key);
      if (entry == nullptr) continue;
      const bool reachable = !entry->producers.empty() && addresses_.reachable_here(key);
      for (const ProducerId id : entry->producers) {
        Addresses::Producer& producer = *addresses_.producer(id);
        if (std::exchange(producer.reachable, reachable) != reachable) core_.events.push_back(ReachabilityChanged{id, reachable});
      }
    }
  }

 public:
  std::map<PeerId, SliceQueue> closing_;  ///< last words of connections that have ended
};

Router::Router(Config config, Rng rng, TimePoint now) : impl_{std::make_unique<Impl>(std::move(config), rng, now)} {}
Router::~Router() = default;

PeerId Router::add_peer(PeerConfig config, TimePoint now) {
  impl_->core_.now = now;
  const PeerId id = impl_->add_peer(std::move(config));
  impl_->settle();
  return id;
}

void Router::receive(PeerId peer, Slice bytes, TimePoint now) {
  impl_->core_.now = now;
  Peer* found = impl_->core_.peer(peer);
  if (found == nullptr) return;
  found->connection.receive(std::move(bytes), now);
  impl_->core_.touch(*found);
  impl_->settle();
}

void Router::transport_closed(PeerId peer, TimePoint now) {
  impl_->core_.now = now;
  impl_->closing_.erase(peer);
  Peer* found = impl_->core_.peer(peer);
  if (found == nullptr) return;
  found->moves = false;
  found->connection.transport_closed(now);
  impl_->core_.touch(*found);
  impl_->settle();
}

void Router::close_peer(PeerId peer, TimePoint now) {
  impl_->core_.now = now;
  impl_->close_peer(peer);
  impl_->settle();
}

std::optional<PeerId> Router::poll_output() {
  while (!impl_->core_.outputs.empty()) {
    const PeerId id = impl_->core_.outputs.front();
    impl_->core_.outputs.pop_front();
    if (Peer* peer = impl_->core_.peer(id)) peer->output_listed = false;
    const SliceQueue* queue = output(id);
    if (queue != nullptr && !queue->empty()) return id;
  }
  return std::nullopt;
}

SliceQueue* Router::output(PeerId peer) {
  if (Peer* found = impl_->core_.peer(peer)) return &found->connection.output();
  const auto closing = impl_->closing_.find(peer);
  return closing == impl_->closing_.end() ? nullptr : &closing->second;
}

void Router::output_consumed(PeerId peer, TimePoint now) {
  impl_->core_.now = now;
  Peer* found = impl_->core_.peer(peer);
  if (found == nullptr || found->ready.empty()) return;
  impl_->forwarder_.outbox().output_drained(*found);
  impl_->settle();
}

const PeerInfo* Router::peer(PeerId peer) const {
  const Peer* found = impl_->core_.peer(peer);
  return found == nullptr ? nullptr : &found->info;
}

bool Router::routes_changed() const { return impl_->addresses_.routes_changed(); }
std::shared_ptr<const Routes> Router::routes() { return impl_->addresses_.routes(); }

void Router::set_routes(std::shared_ptr<const Routes> routes, TimePoint now) {
  impl_->core_.now = now;
  VAN_ASSERT(!impl_->plane_ && routes != nullptr && routes->paths != nullptr);
  impl_->addresses_.set_routes(std::move(routes));
  impl_->settle();
}

struct Router::Moving {
  std::unique_ptr<Peer> peer;
};

std::shared_ptr<Router::Moving> Router::take_peer(PeerId id) {
  const auto found = impl_->core_.peers.find(id);
  if (found == impl_->core_.peers.end()) return nullptr;
  VAN_ASSERT(found->second->moves);
  auto moving = std::make_shared<Moving>(Moving{std::move(found->second)});
  impl_->core_.peers.erase(found);
  return moving;
}

PeerId Router::adopt_peer(Moving& moving, TimePoint now) {
  impl_->core_.now = now;
  const PeerId id = impl_->adopt_peer(std::move(moving.peer));
  impl_->settle();
  return id;
}

void Router::handle_deadline(TimePoint now) {
  impl_->core_.now = now;
  impl_->handle_deadline();
  impl_->settle();
}

TimePoint Router::next_deadline() const { return impl_->next_deadline(); }

std::optional<Event> Router::poll_event() {
  auto& events = impl_->core_.events;
  if (events.empty()) return std::nullopt;
  Event event = std::move(events.front());
  events.pop_front();
  return event;
}

ConsumerId Router::add_consumer(std::string address, std::uint32_t cost, TimePoint now) {
  impl_->core_.now = now;
  const ConsumerId id = impl_->addresses_.add_consumer(std::move(address), cost);
  impl_->settle();
  return id;
}

void Router::remove_consumer(ConsumerId consumer, TimePoint now) {
  impl_->core_.now = now;
  impl_->addresses_.remove_consumer(consumer);
  impl_->settle();
}

ProducerId Router::add_producer(std::string address, TimePoint now) {
  impl_->core_.now = now;
  const ProducerId id = impl_->addresses_.add_producer(std::move(address));
  impl_->settle();
  return id;
}

void Router::remove_producer(ProducerId producer, TimePoint now) {
  impl_->core_.now = now;
  impl_->addresses_.remove_producer(producer);
  impl_->settle();
}

bool Router::reachable(ProducerId producer) const {
  const Addresses::Producer* found = impl_->addresses_.producer(producer);
  return found != nullptr && found->reachable;
}

ClientFacts Router::client_of(StreamId stream) const { return impl_->streams_.client_of(stream); }

StreamId Router::open_stream(ProducerId producer, TimePoint now, Slice first, ClientFacts client, bool one_request) {
  impl_->core_.now = now;
  const Addresses::Producer* found = impl_->addresses_.producer(producer);
  VAN_ASSERT(found != nullptr);
  const StreamId id = impl_->streams_.open(found->address, std::move(first), std::move(client), one_request);
  impl_->settle();
  return id;
}

bool Router::accept_stream(StreamId stream, TimePoint now, Slice first, bool last) {
  VAN_ASSERT(first.size() <= kFirstOctets);
  impl_->core_.now = now;
  const bool done = impl_->streams_.accept(stream, first, last);
  impl_->settle();
  return done;
}

bool Router::refuse_stream(StreamId stream, TimePoint now) {
  impl_->core_.now = now;
  const bool done = impl_->streams_.refuse(stream);
  impl_->settle();
  return done;
}

std::size_t Router::writable(StreamId stream) { return impl_->streams_.writable(stream); }

bool Router::write(StreamId stream, Slice octets, TimePoint now) {
  impl_->core_.now = now;
  const bool done = impl_->streams_.write(stream, std::move(octets));
  impl_->settle();
  return done;
}

bool Router::finish(StreamId stream, TimePoint now) {
  impl_->core_.now = now;
  const bool done = impl_->streams_.finish(stream);
  impl_->settle();
  return done;
}

bool Router::reset(StreamId stream, TimePoint now) {
  impl_->core_.now = now;
  const bool done = impl_->streams_.reset(stream);
  impl_->settle();
  return done;
}

SliceQueue* Router::readable(StreamId stream) { return impl_->streams_.readable(stream); }

void Router::octets_taken(StreamId stream, std::size_t count, TimePoint now) {
  impl_->core_.now = now;
  impl_->streams_.octets_taken(stream, count);
  impl_->settle();
}

bool Router::finished(StreamId stream) const { return impl_->streams_.finished(stream); }

void Router::fin_passed_on(StreamId stream, TimePoint now) {
  impl_->core_.now = now;
  impl_->streams_.fin_passed_on(stream);
  impl_->settle();
}

EndpointId Router::add_endpoint(const std::string& address, std::optional<routing::Treatment> treatment, TimePoint now) {
  impl_->core_.now = now;
  const auto key = routing::AddressKey::mobile(address);
  VAN_ASSERT(key.has_value());
  const EndpointId id = impl_->addresses_.add_endpoint({.key = *key}, treatment);
  impl_->settle();
  return id;
}

EndpointId Router::add_local_endpoint(const std::string& name, TimePoint now) {
  impl_->core_.now = now;
  const auto key = routing::classify("_local/" + name, {.id = impl_->core_.config.id, .mode = routing::RouterMode::interior});
  VAN_ASSERT(key.has_value() && !name.starts_with("temp."));
  const EndpointId id = impl_->addresses_.add_endpoint({.key = *key});
  impl_->settle();
  return id;
}

void Router::remove_endpoint(EndpointId endpoint, TimePoint now) {
  impl_->core_.now = now;
  impl_->addresses_.remove_endpoint(endpoint);
  impl_->settle();
}

bool Router::send_message(amqp::Message message, TimePoint now) {
  impl_->core_.now = now;
  VAN_ASSERT(message.properties && message.properties->to);
  message.annotations.reset();
  const std::string to = *message.properties->to;
  const bool known = impl_->forwarder_.originate_message(to, message.priority.value_or(4), amqp::encode_message(message));
  impl_->settle();
  return known;
}

EndpointId Router::add_receiver(const std::string& address, std::uint32_t cost, TimePoint now) {
  impl_->core_.now = now;
  const auto key = routing::AddressKey::mobile(address);
  VAN_ASSERT(key.has_value());
  const EndpointId id = impl_->addresses_.add_endpoint({.key = *key, .cost = cost, .service = true, .raw = true});
  impl_->settle();
  return id;
}

Router::LocalReceiver Router::add_local_receiver(std::string_view prefix, TimePoint now) {
  impl_->core_.now = now;
  const std::string name = std::string{prefix} + "." + impl_->core_.rng.discriminator();
  const auto key = routing::classify("_local/" + name, {.id = impl_->core_.config.id, .mode = routing::RouterMode::interior});
  VAN_ASSERT(key.has_value() && !name.starts_with("temp."));
  const EndpointId id = impl_->addresses_.add_endpoint({.key = *key, .raw = true});
  impl_->settle();
  return {id, local_address(name)};
}

void Router::set_load(EndpointId receiver, std::uint32_t load) {
  if (Addresses::Endpoint* found = impl_->addresses_.endpoint(receiver)) found->load = load;
}

bool Router::room_for(const std::string& to) { return impl_->forwarder_.room_for(to); }

Router::Sent Router::send_datagram(const std::string& to, Slice message, TimePoint now) {
  impl_->core_.now = now;
  const Sent sent = impl_->forwarder_.originate_datagram(to, std::move(message));
  impl_->settle();
  return sent;
}

std::string Router::local_address(const std::string& name) const {
  return (impl_->core_.edge() ? "amqp:/_edge/" : "amqp:/_topo/0/") + impl_->core_.config.id + "/" + name;
}

std::vector<NodeInfo> Router::nodes() const {
  std::vector<NodeInfo> nodes;
  if (impl_->plane_) {
    for (const routing::NodeStatus& status : impl_->plane_->nodes()) {
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
  for (const auto& [id, peer] : impl_->core_.peers) {
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

std::vector<AddressInfo> Router::addresses() const {
  std::map<routing::AddressKey, AddressInfo> found;
  for (const auto& [key, entry] : impl_->addresses_.entries()) {
    if (key.address_class() != routing::AddressClass::mobile) continue;
    AddressInfo& info = found[key];
    for (const ConsumerId id : entry.consumers) info.providers.push_back({impl_->core_.config.id, impl_->addresses_.consumer(id)->cost});
    for (const Addresses::ProxyRef& proxy : entry.proxies) {
      Peer* edge = impl_->core_.peer(proxy.peer);
      const PeerLink* link = edge == nullptr ? nullptr : edge->link(proxy.link);
      if (link != nullptr) info.providers.push_back({edge->client() ? impl_->core_.config.id : edge->info.router_id, link->cost});
    }
    info.reachable = impl_->addresses_.reachable_here(key);
  }
  if (impl_->plane_) {
    for (const routing::AddressKey& key : impl_->plane_->remote_keys()) {
      if (key.address_class() == routing::AddressClass::mobile) found[key];
    }
    for (auto& [key, info] : found) {
      for (const routing::RemoteNode& node : impl_->plane_->remote_nodes(key)) {
        if (!node.reachable) continue;
        info.reachable = true;
        info.providers.push_back({std::string{node.id}, static_cast<std::uint32_t>(node.path_cost) + node.exposure_cost});
      }
    }
  } else if (const Peer* up = impl_->core_.peer(impl_->core_.active_uplink)) {
    for (auto& [key, info] : found) {
      const auto proxy = up->producer_proxies.find(std::string{key.name()});
      const auto link = proxy == up->producer_proxies.end() ? up->links.end() : up->links.find(proxy->second);
      if (link != up->links.end() && link->second.bound) info.providers.push_back({up->info.router_id, up->info.cost});
    }
  }
  std::vector<AddressInfo> result;
  for (auto& [key, info] : found) {
    info.address = std::string{key.name()};
    result.push_back(std::move(info));
  }
  return result;
}

Router::Counters Router::counters() const { return impl_->core_.counters; }

const Config& Router::config() const { return impl_->core_.config; }
std::vector<ConnectionFacts> Router::connection_facts() const { return connections_of(impl_->core_); }
std::vector<LinkFacts> Router::link_facts() const { return links_of(impl_->core_); }
std::vector<AddressFacts> Router::address_facts() const { return addresses_of(impl_->core_, impl_->addresses_, impl_->plane()); }
std::vector<NodeFacts> Router::node_facts() const { return nodes_of(impl_->core_, impl_->plane()); }
std::vector<std::string> Router::valid_origins(const std::string& id) const {
  return impl_->plane_ ? impl_->plane_->valid_origins(id) : std::vector<std::string>{};
}
std::optional<TimePoint> Router::topology_changed_at() const {
  return impl_->plane_ ? impl_->plane_->topology_changed_at() : std::nullopt;
}

void Router::check_invariants() const {
  if (impl_->plane_) impl_->plane_->check_invariants();
  for (const auto& [name, group] : impl_->core_.data_connections) {
    for (const PeerId id : group) VAN_ASSERT(impl_->core_.peer(id) != nullptr && impl_->core_.peer(id)->data_connection);
  }
  for (const auto& [id, peer] : impl_->core_.peers) peer->connection.check_invariants();
}

Router::Held Router::held() const {
  Held held{.peers = impl_->core_.peers.size(),
            .deliveries = impl_->forwarder_.deliveries(),
            .streams = impl_->streams_.count(),
            .events = impl_->core_.events.size()};
  for (const auto& [id, peer] : impl_->core_.peers) {
    held.links += peer->links.size();
    held.pending_bytes += peer->pending_bytes;
    for (const auto& [link_id, link] : peer->links) held.queued += link.queue.size();
    const std::size_t waiting = peer->connection.output().bytes();
    held.output_bytes += waiting;
    held.output_bytes_max = std::max(held.output_bytes_max, waiting);
  }
  if (impl_->plane_) {
    held.nodes = impl_->plane_->nodes_known();
    held.node_links = impl_->plane_->node_links_known();
    held.remote_addresses = impl_->plane_->addresses_known();
  }
  return held;
}

}  // namespace van::router
