#include "core/router/uplinks.h"

#include <algorithm>
#include <vector>

#include "core/base/limits.h"
#include "core/router/names.h"

namespace van::router {
namespace {

using amqp::LinkRole;
using amqp::Symbol;
using amqp::Terminus;
using amqp::Value;

/// Until then interiors beyond the uplink may not know the way back to a new edge (data-plane 2.4, pitfall 27).
constexpr std::chrono::milliseconds kSettling{2200};
constexpr std::chrono::seconds kStartUp{3};  ///< of an active uplink: which one came first was luck
constexpr std::chrono::seconds kStaying{5};  ///< of a better one, before the active one is given up for it
constexpr std::chrono::milliseconds kClearlySooner{15};
constexpr std::uint32_t kTrackingCredit = 32;  ///< control-plane 2.5

Terminus with_address(std::string_view address) { return Terminus{.address = std::string{address}, .dynamic = false, .capabilities = {}}; }

bool better(const Peer& one, const Peer& other) {
  if (one.info.cost != other.info.cost) return one.info.cost < other.info.cost;
  return one.opening + one.opening / 4 + kClearlySooner < other.opening;
}

}  // namespace

// ---- Which one ----

void Uplinks::opened(Peer& peer) {
  if (!core_.active_uplink) return use(peer);
  peer.info.standby = true;
  core_.events.push_back(PeerUp{peer.id});
  reconsider();
}

Peer* Uplinks::best() const {
  Peer* best = nullptr;
  for (const auto& [id, peer] : core_.peers) {
    if (!peer->outgoing_edge() || !peer->opened) continue;
    if (best == nullptr || better(*peer, *best)) best = peer.get();
  }
  return best;
}

void Uplinks::reconsider() {
  const Peer* active = core_.peer(core_.active_uplink);
  const Peer* candidate = best();
  reconsider_at_ = kNever;
  if (active == nullptr || candidate == nullptr || next_ || !better(*candidate, *active)) return;
  const bool starting = core_.now - active_since_ < kStartUp;
  reconsider_at_ = starting ? core_.now : candidate->added + candidate->opening + kStaying;
}

void Uplinks::handle_deadline() {
  if (core_.now >= reconsider_at_) {
    reconsider_at_ = kNever;
    Peer* candidate = best();
    const Peer* active = core_.peer(core_.active_uplink);
    if (candidate != nullptr && active != nullptr && better(*candidate, *active)) {
      next_ = candidate->id;
      open_links(*candidate);
      mark_all_changed();
      if (candidate->links_up) links_changed(*candidate);  // it was active before
    }
  }
  if (core_.now >= switch_at_) {
    switch_at_ = kNever;
    Peer* old = core_.peer(core_.active_uplink);
    activate(*core_.peer(next_));
    if (old != nullptr) stand_by(*old);
  }
}

void Uplinks::use(Peer& peer) {
  open_links(peer);
  activate(peer);
}

void Uplinks::activate(Peer& peer) {
  const bool had_links = peer.links_up;
  core_.active_uplink = peer.id;
  active_since_ = core_.now;
  peer.info.standby = false;
  if (next_ == peer.id) {
    next_ = {};
    switch_at_ = kNever;
  }
  if (had_links) core_.events.push_back(PeerUp{peer.id});
  mark_all_changed();
}

/// Its address proxies end, so that nothing new comes and goes there; streams that run on it go on.
void Uplinks::stand_by(Peer& peer) {
  peer.info.standby = true;
  std::vector<amqp::LinkId> proxies;
  for (const auto& [address, link] : peer.consumer_proxies) proxies.push_back(link);
  for (const auto& [address, link] : peer.producer_proxies) proxies.push_back(link);
  for (const amqp::LinkId link : proxies) setup_.detach(peer, link);
  core_.events.push_back(PeerUp{peer.id});
}

void Uplinks::links_changed(Peer& peer) {
  if (!peer.links_up) {
    core_.events.push_back(PeerDown{peer.id});
    return;
  }
  if (peer.id == core_.active_uplink) {
    core_.uplink_settled = core_.now + kSettling;
    core_.events.push_back(PeerUp{peer.id});
  } else if (peer.id == next_) {
    switch_at_ = core_.now + kSettling;
  }
}

void Uplinks::ended(Peer& peer) {
  peer.opened = false;
  if (next_ == peer.id) {
    next_ = {};
    switch_at_ = kNever;
  }
  if (core_.active_uplink != peer.id) return reconsider();
  core_.active_uplink = {};
  mark_all_changed();
  if (Peer* next = core_.peer(next_)) {  // it has its links already
    core_.uplink_settled = switch_at_ == kNever ? core_.now + kSettling : switch_at_;
    activate(*next);
  } else if (Peer* other = best()) {
    use(*other);
  }
}

// ---- Its links ----

void Uplinks::open_links(Peer& peer) {
  core_.touch(peer);
  // control-plane 2.5, links 1 to 4 in this order; tracking before any producer proxy.
  if (!peer.core_session) {
    peer.core_session = peer.connection.begin_session();
    peer.main_session = peer.connection.begin_session();
    peer.data_sessions.push_back(peer.main_session);
  }
  if (!peer.mesh_discovery) {
    peer.mesh_discovery = setup_.attach(peer, peer.core_session, LinkRole::sender, LinkKind::mesh_discovery, {}, with_address(names::addr_mesh_discovery), 0).id;
    amqp::Message message;  // control-plane 5.3: unsettled, without body
    message.annotations = amqp::RouterAnnotations{};
    message.application_properties.emplace_back(Symbol{"meshid"}, core_.mesh_id);
    forwarder_.send_message(peer, peer.mesh_discovery, amqp::encode_message(message), false);
  }
  if (!peer.uplink) peer.uplink = setup_.attach(peer, peer.main_session, LinkRole::sender, LinkKind::anonymous, {}, {}, 0).id;
  if (!peer.downlink) {
    Terminus source = with_address(core_.config.id);
    source.capabilities = {std::string{names::cap_edge_downlink}};
    const Terminus target{.address = {}, .dynamic = false, .capabilities = {std::string{names::cap_edge_downlink}}};
    peer.downlink = setup_.attach(peer, peer.main_session, LinkRole::receiver, LinkKind::downlink, source, target, limits::kMessageCredit).id;
  }
  if (!peer.tracking) {
    peer.tracking = setup_.attach(peer, peer.core_session, LinkRole::receiver, LinkKind::tracking, with_address(names::addr_edge_tracking), {}, kTrackingCredit).id;
  }
}

void Uplinks::mark_all_changed() {
  for (const auto& [key, entry] : addresses_.entries()) addresses_.mark_changed(key);
}

void Uplinks::sync(const routing::AddressKey& key) {
  if (key.address_class() != routing::AddressClass::mobile) return;
  if (Peer* active = core_.peer(core_.active_uplink)) sync(*active, key);
  if (Peer* next = core_.peer(next_)) sync(*next, key);
}

void Uplinks::sync(Peer& peer, const routing::AddressKey& key) {
  const std::string address{key.name()};
  const Addresses::Entry* entry = addresses_.entry(key);
  const auto offered = addresses_.local_address(key);
  const auto consumer = peer.consumer_proxies.find(address);
  if (offered) {
    const PeerLink* link = consumer == peer.consumer_proxies.end() ? nullptr : peer.link(consumer->second);
    if (link != nullptr && link->cost != offered->cost) setup_.detach(peer, link->id);  // the cost is told at attach
    if (!peer.consumer_proxies.contains(address)) attach_consumer_proxy(peer, address, offered->cost);
  } else if (consumer != peer.consumer_proxies.end()) {
    setup_.detach(peer, consumer->second);
  }
  const bool produces = entry != nullptr && entry->has_producers();
  const auto producer = peer.producer_proxies.find(address);
  if (produces && producer == peer.producer_proxies.end()) attach_producer_proxy(peer, address);
  if (!produces && producer != peer.producer_proxies.end()) setup_.detach(peer, producer->second);
}

void Uplinks::attach_consumer_proxy(Peer& peer, const std::string& address, std::uint32_t cost) {
  amqp::Map properties;
  if (cost > 0) properties.emplace_back(Symbol{std::string{names::prop_exposure_cost}}, cost);
  PeerLink& link = setup_.attach(peer, peer.main_session, LinkRole::receiver, LinkKind::consumer_proxy, with_address(address), {}, limits::kMessageCredit,
                                 std::move(properties));
  link.address = address;
  link.cost = cost;
  peer.consumer_proxies[address] = link.id;
}

void Uplinks::attach_producer_proxy(Peer& peer, const std::string& address) {
  PeerLink& link = setup_.attach(peer, peer.main_session, LinkRole::sender, LinkKind::producer_proxy, {}, with_address(address), 0);
  link.address = address;
  peer.producer_proxies[address] = link.id;
}

}  // namespace van::router
