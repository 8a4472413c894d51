#include "core/router/client_links.h"

#include <algorithm>

#include "core/base/limits.h"
#include "core/router/names.h"

namespace van::router {
namespace {

using amqp::LinkRole;
using routing::AddressClass;
using routing::AddressKey;

constexpr std::string_view kDynamicTarget = "_$temp.";  ///< of nodes made for a sender (control-plane 4.1)

/// What clients may consume here, or others of the network provide for them: not the routers' own links.
bool reserved(const AddressKey& key) {
  if (key.address_class() == AddressClass::mobile) return key.name().starts_with('_') && !key.name().starts_with(kDynamicTarget);
  return key.address_class() == AddressClass::topological || key.address_class() == AddressClass::area || routing::control_scope(key).has_value();
}

}  // namespace

amqp::Connection::Config ClientLinks::engine_config(const Config& config) {
  amqp::Connection::Config engine;
  engine.side = amqp::Connection::Side::server;
  engine.container_id = config.id;
  engine.sasl_external = false;
  engine.sasl_anonymous = engine.sasl_optional = true;
  engine.idle_timeout = std::max(config.idle_timeout, limits::kClientIdle);
  engine.session_window_frames = limits::kClientWindowFrames;
  engine.credit_by_settlement = true;
  engine.offered_capabilities = {std::string{names::cap_anonymous_relay}};
  engine.desired_capabilities = engine.offered_capabilities;
  engine.properties.emplace_back(amqp::Symbol{"product"}, names::product);
  engine.properties.emplace_back(amqp::Symbol{"version"}, VAN_VERSION);
  return engine;
}

void ClientLinks::session_begun(Peer& peer, amqp::SessionId session) {
  if (peer.data_sessions.size() < limits::kClientSessions) return peer.data_sessions.push_back(session);
  core_.touch(peer);
  peer.connection.end_session(session, amqp::Error{std::string{amqp::condition::resource_limit_exceeded}, "too many sessions", {}});
}

void ClientLinks::requested(Peer& peer, const amqp::Attached& attached) {
  if (std::ranges::find(peer.data_sessions, attached.session) == peer.data_sessions.end()) return;  // we have ended it
  if (peer.links.size() >= limits::kClientLinks) return refuse(peer, attached, amqp::condition::resource_limit_exceeded, "too many links");
  const auto router_link = [](const std::optional<amqp::Terminus>& terminus) {
    return terminus && std::ranges::any_of(terminus->capabilities, [](const std::string& each) {
             return each == names::cap_router || each == names::cap_router_data || each == names::cap_edge_downlink;
           });
  };
  if (router_link(attached.source) || router_link(attached.target)) {
    return refuse(peer, attached, amqp::condition::qd_forbidden, "this port is for applications, not for routers");
  }
  if (attached.role == LinkRole::sender) receiver(peer, attached);
  else sender(peer, attached);
}

std::string ClientLinks::own_prefix() const { return (core_.edge() ? "amqp:/_edge/" : "amqp:/_topo/0/") + core_.config.id + "/"; }

void ClientLinks::receiver(Peer& peer, const amqp::Attached& attached) {
  amqp::Terminus source = attached.source.value_or(amqp::Terminus{});
  if (source.dynamic) source.address = own_prefix() + "temp." + core_.rng.discriminator();
  const auto key = addresses_.key_of(source.address.value_or(""));
  if (!key) return refuse(peer, attached, amqp::condition::qd_no_route_to_dest, "a receiver needs an address, or a dynamic source");
  if (reserved(*key)) return refuse(peer, attached, amqp::condition::not_found, "this address is the routers' own");
  const bool elsewhere = key->address_class() != AddressClass::mobile && (key->address_class() != AddressClass::local || key->name() == "_edge");
  if (elsewhere) return refuse(peer, attached, amqp::condition::qd_no_route_to_dest, "messages for this address are taken at another router");
  const Addresses::Entry* entry = addresses_.entry(*key);
  if (key->address_class() == AddressClass::local && entry != nullptr && !entry->endpoints.empty()) {
    return refuse(peer, attached, amqp::condition::not_allowed, "this address is the router's own");
  }
  PeerLink& link = accept(peer, attached, LinkKind::consumer, source);
  link.settles = attached.sender_settle_mode == amqp::SenderSettleMode::settled;
  link.key = key;
  addresses_.add_proxy(*key, {peer.id, link.id});
}

void ClientLinks::sender(Peer& peer, const amqp::Attached& attached) {
  if (!attached.target) return refuse(peer, attached, amqp::condition::invalid_field, "a sender needs a target");
  amqp::Terminus target = *attached.target;
  if (target.dynamic) target.address = "amqp:/" + std::string{kDynamicTarget} + core_.rng.discriminator();
  if (!target.address || target.address->empty()) {
    PeerLink& link = accept(peer, attached, LinkKind::producer, target);
    peer.connection.set_credit(link.id, limits::kLinkCredit);
    return;
  }
  const auto key = addresses_.key_of(*target.address);
  if (!key || reserved(*key)) return refuse(peer, attached, amqp::condition::not_found, "no such address");
  PeerLink& link = accept(peer, attached, LinkKind::producer, target);
  link.key = key;
  link.address = *target.address;
  addresses_.add_producer_proxy(*key, {peer.id, link.id});
}

PeerLink& ClientLinks::accept(Peer& peer, const amqp::Attached& attached, LinkKind kind, const amqp::Terminus& ours) {
  core_.touch(peer);
  PeerLink& link = peer.links[attached.link];
  link.id = attached.link;
  link.session = attached.session;
  link.role = attached.role;
  link.kind = kind;
  link.attached = true;
  if (kind == LinkKind::consumer) peer.connection.accept_attach(attached.link, ours, attached.target);
  else peer.connection.accept_attach(attached.link, attached.source, ours);
  return link;
}

void ClientLinks::refuse(Peer& peer, const amqp::Attached& attached, std::string_view condition, std::string description) {
  core_.touch(peer);
  peer.connection.refuse_attach(attached.link, amqp::Error{std::string{condition}, std::move(description), {}});
}

void ClientLinks::forgotten(const Peer& peer, const PeerLink& link) {
  if (!link.key) return;
  const Addresses::ProxyRef ref{peer.id, link.id};
  if (link.kind == LinkKind::consumer) addresses_.remove_proxy(*link.key, ref);
  else addresses_.remove_producer_proxy(*link.key, ref);
}

bool ClientLinks::reachable(const AddressKey& key) const {
  const Addresses::Entry* entry = addresses_.entry(key);
  if (entry != nullptr && entry->has_local()) return true;
  switch (key.address_class()) {
    case AddressClass::router:
      return plane_ != nullptr && plane_->next_hop(key.name()).has_value();
    case AddressClass::local:
      return core_.edge() && key.name() == "_edge" && core_.active_uplink;
    case AddressClass::edge:
    case AddressClass::mobile:
      return addresses_.reachable_here(key);
    case AddressClass::topological:
    case AddressClass::area:
    case AddressClass::network:
      return false;
  }
  return false;
}

void ClientLinks::sync(const AddressKey& key) {
  const Addresses::Entry* entry = addresses_.entry(key);
  if (entry == nullptr || entry->producer_proxies.empty()) return;
  const bool now = reachable(key);
  for (const Addresses::ProxyRef& ref : entry->producer_proxies) {
    Peer* peer = core_.peer(ref.peer);
    PeerLink* link = peer == nullptr || !peer->client() ? nullptr : peer->link(ref.link);
    if (link == nullptr || std::exchange(link->bound, now) == now) continue;
    core_.touch(*peer);
    peer->connection.set_credit(link->id, now ? limits::kLinkCredit : 0);
  }
}

}  // namespace van::router
