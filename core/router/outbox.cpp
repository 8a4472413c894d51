#include "core/router/outbox.h"

#include <algorithm>
#include <utility>

#include "core/base/limits.h"
#include "core/router/names.h"
#include "core/router/reply_name.h"

namespace van::router {
namespace {

constexpr std::size_t kIdleStreamingLinks = 128;  ///< kept for reuse, as real routers do (data-plane 1.1)
constexpr std::size_t kTurnBytes = 64 * 1024;     ///< sent from one link before the next one has its turn

}  // namespace

Peer& Outbox::carrier(Peer& peer, const std::string& to) {
  if (!peer.inter_router() || peer.sibling() || !peer.trunking) return peer;
  const auto found = core_.data_connections.find(peer.info.router_id);
  if (found == core_.data_connections.end()) return peer;
  const std::vector<PeerId>& group = found->second;
  const std::size_t turn = peer.data_turn++;
  if (const auto key = routing::classify(to, {.id = peer.info.router_id}); key && key->address_class() == routing::AddressClass::local) {
    const std::uint32_t worker = worker_of(key->name());
    for (std::size_t i = 0; i < group.size(); ++i) {
      Peer& connection = *core_.peer(group[(turn + i) % group.size()]);
      if (connection.worker == worker) return connection;
    }
  }
  return *core_.peer(group[turn % group.size()]);
}

amqp::LinkId Outbox::streaming_link(Peer& peer) {
  if (!peer.idle_streaming.empty()) {
    const amqp::LinkId link = peer.idle_streaming.front();
    peer.idle_streaming.pop_front();
    return link;
  }
  core_.touch(peer);
  if (!peer.streaming_session) peer.streaming_session = peer.connection.begin_session();
  amqp::Terminus terminus;
  // data-plane 1.1: on a control connection streaming links are data links, elsewhere they have no capability
  if (peer.inter_router() && !peer.data_connection) terminus.capabilities = {std::string{names::cap_router_data}};
  amqp::Connection::AttachOptions options;
  options.role = amqp::LinkRole::sender;
  options.name = "qdlink." + core_.rng.discriminator();
  options.source = terminus;
  options.target = terminus;
  if (core_.config.workers > 1) options.properties.emplace_back(amqp::Symbol{std::string{names::prop_worker}}, core_.config.worker);
  const amqp::LinkId id = peer.connection.attach(peer.streaming_session, std::move(options));
  PeerLink& link = peer.links[id];
  link.id = id;
  link.session = peer.streaming_session;
  link.role = amqp::LinkRole::sender;
  link.kind = LinkKind::streaming;
  return id;
}

amqp::LinkId Outbox::priority_link(const Peer& peer, std::uint8_t priority) {
  if (peer.priority_out_count == 0) return {};
  return peer.priority_out[std::min<std::size_t>({priority, 9u, peer.priority_out_count - 1})];
}

void Outbox::submit(Peer& peer, amqp::LinkId link_id, OutRef ref) {
  PeerLink* link = peer.link(link_id);
  link->queue.push_back(ref);
  if (Out* out = deliveries_.find_out(ref); out != nullptr) count_queued(peer, *link, *out, out->pending.bytes());
  make_ready(peer, *link);
  pump(peer);
}

void Outbox::count_queued(Peer& peer, PeerLink& link, Out& out, std::size_t octets) {
  link.queued_bytes += octets - out.queued_bytes;
  peer.queued_bytes += octets - out.queued_bytes;
  out.queued_bytes = octets;
}

void Outbox::more(Out& out) {
  Peer* peer = core_.peer(out.peer);
  PeerLink* link = peer == nullptr ? nullptr : peer->link(out.link);
  if (link == nullptr) return;
  if (!out.delivery) count_queued(*peer, *link, out, out.pending.bytes());
  make_ready(*peer, *link);
  pump(*peer);
}

void Outbox::cancel(Out& out) {
  Peer* peer = core_.peer(out.peer);
  PeerLink* link = peer == nullptr ? nullptr : peer->link(out.link);
  out.done = true;
  out.pending.clear();
  if (link == nullptr) return;
  core_.touch(*peer);
  const bool was_front = !link->queue.empty() && deliveries_.find_out(link->queue.front()) == &out;
  if (out.delivery) {
    peer->connection.abort(out.delivery);
    peer->outgoing.erase(out.delivery);
    out.delivery = {};
  }
  if (was_front) link->queue.pop_front();
  else link->queue.erase_if([&](OutRef ref) { return deliveries_.find_out(ref) == &out; });
  count_queued(*peer, *link, out, 0);
  if (was_front) front_done(*peer, *link);
}

void Outbox::front_done(Peer& peer, PeerLink& link) {
  if (!link.queue.empty()) return make_ready(peer, link);
  if (link.kind != LinkKind::streaming) return;
  if (peer.idle_streaming.size() < kIdleStreamingLinks) {
    peer.idle_streaming.push_back(link.id);
    return;
  }
  const amqp::LinkId id = link.id;
  core_.touch(peer);
  peer.connection.detach(id);
  peer.links.erase(id);
}

void Outbox::link_ready(Peer& peer, PeerLink& link) {
  make_ready(peer, link);
  pump(peer);
}

void Outbox::window_opened(Peer& peer, amqp::SessionId session) {
  const auto found = peer.window_blocked.find(session);
  if (found == peer.window_blocked.end()) return;
  const std::vector<amqp::LinkId> links = std::move(found->second);
  peer.window_blocked.erase(found);
  for (const amqp::LinkId id : links) {
    if (PeerLink* link = peer.link(id)) make_ready(peer, *link);
  }
  pump(peer);
}

void Outbox::output_drained(Peer& peer) { pump(peer); }

void Outbox::forget_link(Peer& peer, PeerLink& link) {
  std::erase(peer.idle_streaming, link.id);
  link.queue.clear();
  peer.queued_bytes -= std::exchange(link.queued_bytes, 0);
}

void Outbox::make_ready(Peer& peer, PeerLink& link) {
  if (link.in_ready || link.queue.empty()) return;
  link.in_ready = true;
  // Router protocol goes first: routes must not wait behind payload.
  if (link.kind == LinkKind::control) peer.ready.push_front(link.id);
  else peer.ready.push_back(link.id);
}

void Outbox::pump(Peer& peer) {
  while (!peer.ready.empty()) {
    PeerLink* link = peer.link(peer.ready.front());
    if (link == nullptr) {
      peer.ready.pop_front();
      continue;
    }
    if (link->kind != LinkKind::control && peer.connection.output_bytes() >= limits::kOutputHighWater) return;
    peer.ready.pop_front();
    link->in_ready = false;
    core_.touch(peer);
    serve(peer, *link);
  }
}

void Outbox::serve(Peer& peer, PeerLink& link) {
  const amqp::LinkId id = link.id;
  while (PeerLink* current = peer.link(id)) {
    if (current->queue.empty() || !serve_front(peer, *current)) return;
  }
}

bool Outbox::serve_front(Peer& peer, PeerLink& link) {
  const OutRef ref = link.queue.front();
  Delivery* delivery = deliveries_.find(ref.delivery);
  Out* out = deliveries_.find_out(ref);
  if (out == nullptr || out->done) {
    link.queue.pop_front();
    front_done(peer, link);
    return true;
  }
  if (!out->delivery) {
    if (out->pending.empty() && !out->all_queued) return false;
    const auto begun = peer.connection.begin_delivery(link.id, delivery->presettled || link.settles);
    if (!begun) return false;  // CreditChanged makes it ready again
    out->delivery = *begun;
    peer.outgoing[*begun] = ref;
  }
  const auto end = out->all_queued ? amqp::Connection::End::last : amqp::Connection::End::more;
  const auto result = peer.connection.send(out->delivery, out->pending, end, kTurnBytes);
  if (result.complete) {
    out->sent = true;
    link.queue.pop_front();
    count_queued(peer, link, *out, 0);
    front_done(peer, link);
  } else if (!out->pending.empty() || out->all_queued) {
    if (peer.connection.session_window_open(out->delivery)) make_ready(peer, link);
    else peer.window_blocked[link.session].push_back(link.id);
  }
  if (result.bytes > 0) observer_.sent(*delivery, *out, result.bytes);
  if (result.complete) {
    delivery = deliveries_.find(ref.delivery);
    out = deliveries_.find_out(ref);
    if (out != nullptr) observer_.completed(*delivery, *out);
  }
  return result.complete;
}

}  // namespace van::router
