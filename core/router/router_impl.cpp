#include "core/router/router_impl.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "core/base/assert.h"

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

Router::Impl::Impl(Config config, Rng rng, TimePoint now)
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

PeerId Router::Impl::add_peer(PeerConfig config) {
  const PeerId id{++last_peer_};
  amqp::Connection engine{LinkSetup::engine_config(core_.config, config), core_.now};
  auto& slot = core_.peers[id];
  slot = std::make_unique<Peer>(id, std::move(config), std::move(engine));
  slot->info.cost = slot->config.cost;
  slot->added = core_.now;
  core_.touch(*slot);
  return id;
}

PeerId Router::Impl::adopt_peer(std::unique_ptr<Peer> peer) {
  peer->id = PeerId{++last_peer_};
  peer->moves = peer->touched = peer->output_listed = false;
  core_.data_connections[peer->info.router_id].push_back(peer->id);
  core_.touch(*peer);
  const PeerId id = peer->id;
  core_.peers[id] = std::move(peer);
  return id;
}

void Router::Impl::close_peer(PeerId id) {
  Peer* peer = core_.peer(id);
  if (peer == nullptr) return;
  core_.touch(*peer);
  peer->connection.close();
}

void Router::Impl::settle() {
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

void Router::Impl::handle_deadline() {
  for (auto& [id, peer] : core_.peers) {
    if (peer->connection.next_deadline() > core_.now) continue;
    peer->connection.handle_deadline(core_.now);
    core_.touch(*peer);
  }
  if (plane_ && plane_->next_deadline() <= core_.now) plane_->handle_deadline(core_.now);
  uplinks_.handle_deadline();
  streams_.handle_deadline();
}

TimePoint Router::Impl::next_deadline() const {
  TimePoint next = std::min({plane_ ? plane_->next_deadline() : kNever, streams_.next_deadline(), uplinks_.next_deadline()});
  for (const auto& [id, peer] : core_.peers) next = std::min(next, peer->connection.next_deadline());
  return next;
}

void Router::Impl::drain(PeerId id) {
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

void Router::Impl::handle(Peer& peer, amqp::Closed& closed) {
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

void Router::Impl::drain_plane() {
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

void Router::Impl::neighbour_up(const routing::event::NeighbourUp& up) {
  Peer* peer = core_.peer(PeerId{up.link.value});
  if (peer == nullptr || peer->info.up) return;
  peer->info.up = true;
  if (peer->info.router_id.empty()) peer->info.router_id = peer->info.site_name = up.id;
  core_.events.push_back(PeerUp{peer->id});
}

void Router::Impl::neighbour_down(const std::string& router_id) {
  for (auto& [id, peer] : core_.peers) {
    if (!peer->inter_router() || peer->data_connection || !peer->info.up || peer->info.router_id != router_id) continue;
    peer->info.up = false;
    core_.events.push_back(PeerDown{id});
  }
}

void Router::Impl::sync_changed() {
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

}  // namespace van::router
