#include "core/router/link_setup.h"

#include <algorithm>
#include <limits>

#include "core/base/limits.h"
#include "core/router/names.h"
#include "core/router/uplinks.h"

namespace van::router {
namespace {

using amqp::LinkRole;
using amqp::Symbol;
using amqp::Terminus;
using amqp::Value;

constexpr std::size_t kPriorities = 10;
constexpr std::uint32_t kMeshCredit = 3;  ///< control-plane 2.5

bool has_capability(const std::optional<Terminus>& terminus, std::string_view capability) {
  return terminus && std::ranges::find(terminus->capabilities, capability) != terminus->capabilities.end();
}

Terminus with_capability(std::string_view capability) { return Terminus{.address = {}, .dynamic = false, .capabilities = {std::string{capability}}}; }

/// A property of the open performative: symbol keys only, the reader stops at another (control-plane 1.6).
const Value* property(const amqp::Map& properties, std::string_view name) {
  for (const auto& [key, value] : properties) {
    const auto* symbol = key.get_if<Symbol>();
    if (symbol == nullptr) return nullptr;
    if (symbol->text == name) return &value;
  }
  return nullptr;
}

std::string text_property(const amqp::Map& properties, std::string_view name) {
  const Value* value = property(properties, name);
  const auto text = value == nullptr ? std::nullopt : value->text();
  return text ? std::string{text->substr(0, 256)} : std::string{};
}

}  // namespace

amqp::Connection::Config LinkSetup::engine_config(const Config& config, const PeerConfig& peer) {
  if (peer.role == PeerRole::client) return ClientLinks::engine_config(config);
  amqp::Connection::Config engine;
  engine.side = peer.direction == Direction::outgoing ? amqp::Connection::Side::client : amqp::Connection::Side::server;
  engine.container_id = config.id;  // control-plane 1.4, pitfall 31
  engine.hostname = peer.direction == Direction::outgoing ? peer.hostname : std::string{};
  engine.sasl_external = peer.external;
  engine.sasl_anonymous = !peer.external;
  engine.sasl_optional = !peer.external;
  engine.idle_timeout = peer.sibling ? Duration::zero() : config.idle_timeout;
  for (const std::string_view capability : {names::cap_anonymous_relay, names::cap_streaming_links, names::cap_connection_trunking}) {
    engine.offered_capabilities.emplace_back(capability);
    engine.desired_capabilities.emplace_back(capability);
  }
  auto add = [&](std::string_view key, Value value) { engine.properties.emplace_back(Symbol{std::string{key}}, std::move(value)); };
  add("product", names::product);
  add("version", VAN_VERSION);
  if (!peer.access_id.empty()) add(names::prop_access_id, peer.access_id);
  if (peer.cost > 1) add(names::prop_cost, static_cast<std::int32_t>(peer.cost));
  if (peer.data) add(names::prop_role, static_cast<std::int32_t>(names::data_connection_role));
  if (!peer.correlator.empty()) add(names::prop_correlator, peer.correlator);
  add(names::prop_annotations_version, std::int32_t{2});
  add(names::prop_site_id, config.site_id);
  add(names::prop_site_name, config.site_name);
  return engine;
}

void LinkSetup::opened(Peer& peer, const amqp::OpenInfo& open) {
  peer.opened = true;
  peer.opening = core_.now - peer.added;
  peer.info.router_id = open.container_id.substr(0, limits::kAddressBytes);
  peer.trunking = std::ranges::find(open.offered_capabilities, names::cap_connection_trunking) != open.offered_capabilities.end();
  peer.info.product = text_property(open.properties, "product");
  peer.connection.set_flow_for_each_stream(!peer.client() && peer.info.product != names::product);
  peer.info.version = text_property(open.properties, "version");
  peer.info.access_id = text_property(open.properties, names::prop_access_id);
  peer.info.site_id = text_property(open.properties, names::prop_site_id);
  peer.info.site_name = text_property(open.properties, names::prop_site_name);
  if (peer.info.site_name.empty()) peer.info.site_name = peer.info.router_id;
  peer.info.cost = peer.config.cost;
  if (const Value* cost = property(open.properties, names::prop_cost)) {
    const auto* number = cost->get_if<std::int32_t>();
    if (number != nullptr && *number > 0) peer.info.cost = std::max(peer.info.cost, static_cast<std::uint32_t>(*number));
  }
  if (peer.sibling()) {
    peer.data_connection = true;
    core_.siblings[*peer.config.sibling] = peer.id;
  } else if (peer.inter_router()) {
    const Value* role = property(open.properties, names::prop_role);
    const bool asked = peer.config.direction == Direction::incoming && role != nullptr && role->integer() == names::data_connection_role;
    peer.data_connection = peer.info.data = peer.config.data || asked;
    if (peer.data_connection) data_connection_opened(peer);
    else if (peer.config.direction == Direction::outgoing) open_inter_router_links(peer);
  }
  if (peer.outgoing_edge()) uplinks_->opened(peer);
}

/// Those that come in go to the workers in turn; we keep ours.
void LinkSetup::data_connection_opened(Peer& peer) {
  if (peer.config.direction == Direction::incoming && core_.config.workers > 1) {
    core_.last_taker = (core_.last_taker + 1) % core_.config.workers;
    if (core_.last_taker != core_.config.worker) {
      peer.moves = true;
      core_.events.push_back(PeerMoves{peer.id, core_.last_taker});
      return;
    }
  }
  core_.data_connections[peer.info.router_id].push_back(peer.id);
  if (peer.config.direction == Direction::incoming) return;
  peer.info.up = true;
  core_.events.push_back(PeerUp{peer.id});
}

PeerLink& LinkSetup::attach(Peer& peer, amqp::SessionId session, LinkRole role, LinkKind kind, const Terminus& source, const Terminus& target,
                            std::uint32_t credit, amqp::Map properties) {
  amqp::Connection::AttachOptions options;
  options.role = role;
  options.name = "qdlink." + core_.rng.discriminator();
  options.source = source;
  options.target = target;
  options.credit = credit;
  options.properties = std::move(properties);
  core_.touch(peer);
  const amqp::LinkId id = peer.connection.attach(session, std::move(options));
  PeerLink& link = peer.links[id];
  link.id = id;
  link.session = session;
  link.role = role;
  link.kind = kind;
  return link;
}

void LinkSetup::open_inter_router_links(Peer& peer) {
  // control-plane 2.2: the connector opens everything, without waiting for answers.
  const Terminus control = with_capability(names::cap_router);
  const Terminus data = with_capability(names::cap_router_data);
  core_.touch(peer);
  peer.core_session = peer.connection.begin_session();
  peer.control_in = attach(peer, peer.core_session, LinkRole::receiver, LinkKind::control, control, control, limits::kLinkCredit).id;
  peer.control_out = attach(peer, peer.core_session, LinkRole::sender, LinkKind::control, control, control, 0).id;
  for (std::size_t priority = 0; priority < kPriorities; ++priority) {
    const amqp::SessionId session = peer.connection.begin_session();
    peer.data_sessions.push_back(session);
    attach(peer, session, LinkRole::receiver, LinkKind::priority, data, data, limits::kMessageCredit);
    peer.priority_out[peer.priority_out_count++] = attach(peer, session, LinkRole::sender, LinkKind::priority, data, data, 0).id;
  }
}

void LinkSetup::detach(Peer& peer, amqp::LinkId id) {
  core_.touch(peer);
  peer.connection.detach(id);
  if (PeerLink* link = peer.link(id)) {
    forwarder_.link_lost(peer, *link);
    forget(peer, *link);
  }
}

// ---- Attach: the answers to ours, and requests of the peer ----

void LinkSetup::attached(Peer& peer, const amqp::Attached& attached) {
  if (attached.by_peer) return requested(peer, attached);
  if (PeerLink* link = peer.link(attached.link)) answered(peer, *link, attached);
}

void LinkSetup::answered(Peer& peer, PeerLink& link, const amqp::Attached& attached) {
  const bool refused = link.role == LinkRole::sender ? !attached.target.has_value() : !attached.source.has_value();
  if (refused && link.kind != LinkKind::mesh_discovery) return;  // Detached follows; discovery answers swapped (pitfall 30)
  link.attached = true;
  if (link.kind == LinkKind::control) control_link_changed(peer);
  if (link.kind == LinkKind::anonymous || link.kind == LinkKind::downlink) edge_links_changed(peer);
}

void LinkSetup::requested(Peer& peer, const amqp::Attached& attached) {
  if (peer.client()) return clients_.requested(peer, attached);
  const bool router = has_capability(attached.source, names::cap_router) || has_capability(attached.target, names::cap_router);
  const bool router_data = has_capability(attached.source, names::cap_router_data) || has_capability(attached.target, names::cap_router_data);
  const bool addressed = (attached.source && (attached.source->address || attached.source->dynamic)) ||
                         (attached.target && (attached.target->address || attached.target->dynamic));
  if (peer.inter_router() && !peer.data_connection) return requested_inter_router(peer, attached, router, router_data);
  if (router || router_data) return refuse(peer, attached, amqp::condition::qd_forbidden, "router links belong on an inter-router connection");
  if (attached.role == LinkRole::receiver && !addressed && attached.source && attached.target) {
    // A streaming link, or an edge's uplink; both carry messages with addresses of their own.
    if (const Value* worker = property(attached.properties, names::prop_worker)) {
      peer.worker = static_cast<std::uint32_t>(worker->unsigned_integer().value_or(0));
    }
    accept(peer, attached, LinkKind::streaming, limits::kMessageCredit);
    return;
  }
  if (peer.incoming_edge()) return requested_by_edge(peer, attached);
  refuse(peer, attached, amqp::condition::qd_forbidden, "this connection carries streaming links only");
}

void LinkSetup::requested_inter_router(Peer& peer, const amqp::Attached& attached, bool router, bool router_data) {
  if (router) {
    amqp::LinkId& slot = attached.role == LinkRole::sender ? peer.control_out : peer.control_in;
    if (slot || peer.config.direction == Direction::outgoing) {
      return refuse(peer, attached, amqp::condition::not_allowed, "this connection has its control links");
    }
    slot = attached.link;
    accept(peer, attached, LinkKind::control, limits::kLinkCredit);
    return control_link_changed(peer);
  }
  if (!router_data) return refuse(peer, attached, amqp::condition::qd_connection_role, "this listener is for routers");
  // control-plane 2.2: the first ten of a direction are the priorities, in order; the others are streaming links.
  const bool connector = peer.config.direction == Direction::outgoing;
  if (attached.role == LinkRole::sender) {
    if (connector || peer.priority_out_count == kPriorities) {
      return refuse(peer, attached, amqp::condition::not_allowed, "the sender opens streaming links");
    }
    peer.priority_out[peer.priority_out_count++] = attached.link;
    accept(peer, attached, LinkKind::priority, 0);
    return;
  }
  const bool priority = !connector && peer.priority_in_count < kPriorities;
  if (priority) ++peer.priority_in_count;
  accept(peer, attached, priority ? LinkKind::priority : LinkKind::streaming, priority ? limits::kMessageCredit : limits::kLinkCredit);
}

void LinkSetup::requested_by_edge(Peer& peer, const amqp::Attached& attached) {
  if (attached.role == LinkRole::receiver) {  // the edge sends
    const std::string address = attached.target ? attached.target->address.value_or("") : "";
    if (address == names::addr_mesh_discovery) {
      accept(peer, attached, LinkKind::mesh_discovery, kMeshCredit);
      return;
    }
    const auto key = routing::AddressKey::mobile(address);
    if (!key || address.starts_with('_')) return refuse(peer, attached, amqp::condition::not_found, "no such address");
    const std::uint32_t credit = addresses_.reachable_for(*key, peer) ? limits::kLinkCredit : 0;
    PeerLink& link = accept(peer, attached, LinkKind::producer_proxy, credit);
    link.address = address;
    addresses_.add_producer_proxy(*key, {peer.id, link.id});
    return;
  }
  const std::string address = attached.source ? attached.source->address.value_or("") : "";
  if (address == names::addr_edge_tracking) {
    peer.tracking = accept(peer, attached, LinkKind::tracking, 0).id;
    return;
  }
  if (has_capability(attached.source, names::cap_edge_downlink) || has_capability(attached.target, names::cap_edge_downlink)) {
    const auto key = routing::AddressKey::edge(address);
    if (!key || peer.downlink) return refuse(peer, attached, amqp::condition::not_allowed, "one downlink, named after the edge's router id");
    PeerLink& link = accept(peer, attached, LinkKind::downlink, 0);
    link.address = address;
    peer.downlink = link.id;
    addresses_.add_proxy(*key, {peer.id, link.id});
    return edge_links_changed(peer);
  }
  const auto key = routing::AddressKey::mobile(address);
  if (!key || address.starts_with('_')) return refuse(peer, attached, amqp::condition::not_found, "no such address");
  PeerLink& link = accept(peer, attached, LinkKind::consumer_proxy, 0);
  link.address = address;
  for (const auto& [name, value] : attached.properties) {
    if (name.text() != names::prop_exposure_cost) continue;
    link.cost = static_cast<std::uint32_t>(std::min<std::uint64_t>(value.unsigned_integer().value_or(0), std::numeric_limits<std::int32_t>::max()));
  }
  addresses_.add_proxy(*key, {peer.id, link.id});
}

PeerLink& LinkSetup::accept(Peer& peer, const amqp::Attached& attached, LinkKind kind, std::uint32_t credit) {
  core_.touch(peer);
  PeerLink& link = peer.links[attached.link];
  link.id = attached.link;
  link.session = attached.session;
  link.role = attached.role;
  link.kind = kind;
  link.attached = true;
  peer.connection.accept_attach(attached.link, attached.source, attached.target, attached.role == LinkRole::receiver ? credit : 0);
  return link;
}

void LinkSetup::refuse(Peer& peer, const amqp::Attached& attached, std::string_view condition, std::string description) {
  core_.touch(peer);
  peer.connection.refuse_attach(attached.link, amqp::Error{std::string{condition}, std::move(description), {}});
}

void LinkSetup::session_begun(Peer& peer, amqp::SessionId session) {
  if (peer.client()) return clients_.session_begun(peer, session);
  // The first session of an inter-router peer is that of its control links, an edge's that of its core links.
  const bool first = peer.data_sessions.empty() && !peer.core_session;
  if (first && peer.config.direction == Direction::incoming && !peer.data_connection) peer.core_session = session;
  else peer.data_sessions.push_back(session);
}

// ---- Links that end ----

void LinkSetup::detached(Peer& peer, amqp::LinkId id) {
  PeerLink* link = peer.link(id);
  if (link == nullptr) return;
  forwarder_.link_lost(peer, *link);
  forget(peer, *link);
}

void LinkSetup::session_ended(Peer& peer, amqp::SessionId session) {
  std::vector<amqp::LinkId> ended;
  for (const auto& [id, link] : peer.links) {
    if (link.session == session) ended.push_back(id);
  }
  std::erase(peer.data_sessions, session);
  if (peer.streaming_session == session) peer.streaming_session = {};
  peer.window_blocked.erase(session);
  for (const amqp::LinkId id : ended) detached(peer, id);
}

void LinkSetup::forget(Peer& peer, PeerLink& link) {
  const amqp::LinkId id = link.id;
  const LinkKind kind = link.kind;
  const std::string address = link.address;
  if (peer.client()) clients_.forgotten(peer, link);
  peer.links.erase(id);
  const Addresses::ProxyRef ref{peer.id, id};
  switch (kind) {
    case LinkKind::control:
      (peer.control_in == id ? peer.control_in : peer.control_out) = {};
      control_link_changed(peer);
      break;
    case LinkKind::consumer_proxy:
      if (peer.incoming_edge()) addresses_.remove_proxy(*routing::AddressKey::mobile(address), ref);
      else peer.consumer_proxies.erase(address);
      break;
    case LinkKind::producer_proxy:
      if (peer.incoming_edge()) addresses_.remove_producer_proxy(*routing::AddressKey::mobile(address), ref);
      else peer.producer_proxies.erase(address);
      break;
    case LinkKind::downlink:
      if (peer.incoming_edge()) addresses_.remove_proxy(*routing::AddressKey::edge(address), ref);
      peer.downlink = {};
      edge_links_changed(peer);
      break;
    case LinkKind::anonymous:
      peer.uplink = {};
      edge_links_changed(peer);
      break;
    case LinkKind::tracking:
      peer.tracking = {};
      break;
    case LinkKind::mesh_discovery:
      peer.mesh_discovery = {};
      break;
    case LinkKind::priority:
    case LinkKind::streaming:
    case LinkKind::consumer:
    case LinkKind::producer:
      break;
  }
}

void LinkSetup::connection_ended(Peer& peer) {
  if (peer.sibling()) {
    core_.siblings.erase(*peer.config.sibling);
  } else if (const auto group = core_.data_connections.find(peer.info.router_id); peer.data_connection && group != core_.data_connections.end()) {
    std::erase(group->second, peer.id);
    if (group->second.empty()) core_.data_connections.erase(group);
  }
  forwarder_.connection_lost(peer);
  while (!peer.links.empty()) forget(peer, peer.links.begin()->second);
  if (peer.outgoing_edge()) uplinks_->ended(peer);
}

void LinkSetup::control_link_changed(Peer& peer) {
  if (plane_ == nullptr) return;
  const PeerLink* in = peer.link(peer.control_in);
  const PeerLink* out = peer.link(peer.control_out);
  const bool up = in != nullptr && in->attached && out != nullptr && out->attached;
  if (up == peer.links_up) return;
  peer.links_up = up;
  if (up) plane_->link_up(routing::LinkNo{peer.id.value}, peer.info.cost, core_.now);
  else plane_->link_down(routing::LinkNo{peer.id.value}, core_.now);
}

void LinkSetup::edge_links_changed(Peer& peer) {
  const PeerLink* downlink = peer.link(peer.downlink);
  const PeerLink* uplink = peer.link(peer.uplink);
  const bool up = downlink != nullptr && downlink->attached && (peer.incoming_edge() || (uplink != nullptr && uplink->attached));
  if (up == peer.links_up) return;
  peer.links_up = peer.info.up = up;
  if (peer.outgoing_edge()) return uplinks_->links_changed(peer);
  if (up) core_.events.push_back(PeerUp{peer.id});
  else core_.events.push_back(PeerDown{peer.id});
}

void LinkSetup::sync_tracking(const routing::AddressKey& key) {
  const Addresses::Entry* entry = addresses_.entry(key);
  if (entry == nullptr) return;
  for (const Addresses::ProxyRef& proxy : entry->producer_proxies) {
    Peer* edge = core_.peer(proxy.peer);
    PeerLink* link = edge == nullptr ? nullptr : edge->link(proxy.link);
    if (link == nullptr || edge->client()) continue;
    const bool reachable = addresses_.reachable_for(key, *edge);
    const bool ours = edge->info.product == names::product;
    const bool near = ours && addresses_.near_for(key, *edge);
    const bool early = ours && addresses_.takes_early(key);
    if ((reachable == link->bound && near == link->near && early == link->early) || !edge->tracking) continue;
    link->bound = reachable;
    link->near = near;
    link->early = early;
    if (reachable) {
      core_.touch(*edge);
      edge->connection.set_credit(link->id, limits::kLinkCredit);
    }
    amqp::Message message;  // control-plane 5.2: unsettled, no `to`
    message.annotations = amqp::RouterAnnotations{.flags = 0, .to_override = {}, .ingress = core_.node_address(), .trace = {core_.node_address()}, .mesh_id = {}};
    message.header = true;
    amqp::List fields{Value{key.text()}, Value{reachable}};
    if (ours) {
      fields.emplace_back(near);   // no need to wait for the network to know the edge
      fields.emplace_back(early);  // nor for the provider's answer
    }
    message.body = Value{std::move(fields)};
    forwarder_.send_message(*edge, edge->tracking, amqp::encode_message(message), false);
  }
}

}  // namespace van::router
