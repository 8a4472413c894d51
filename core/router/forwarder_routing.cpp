// Where a delivery goes: its header read, its destinations chosen, a copy begun for each.
#include <algorithm>

#include "core/base/datagram_limits.h"
#include "core/base/limits.h"
#include "core/router/forwarder.h"
#include "core/router/names.h"
#include "core/router/reply_name.h"
#include "core/router/streams.h"

namespace van::router {
namespace {

/// Of a message that is not marked as streaming: above it, it is forwarded while it arrives (data-plane 1.1).
constexpr std::size_t kCollectBytes = 260'000;
constexpr std::size_t kTries = 8;  ///< destinations for a delivery that is sent again when released

}  // namespace

void Forwarder::try_route(Delivery& delivery) {
  Peer* peer = core_.peer(delivery.peer);
  PeerLink* link = peer == nullptr ? nullptr : peer->link(delivery.link);
  if (link != nullptr && (link->kind == LinkKind::control || link->kind == LinkKind::mesh_discovery || link->kind == LinkKind::tracking)) {
    return deliver_to_inbox(delivery, *peer, *link);
  }
  const bool one_slice = delivery.head.slices().size() == 1;
  const Bytes copy = one_slice ? Bytes{} : delivery.head.peek(limits::kMessageHeaderBytes);
  const ByteView prefix = one_slice ? delivery.head.slices().front().view() : ByteView{copy};
  const bool of_client = peer != nullptr && peer->client();
  const bool collected = !delivery.complete && delivery.head.bytes() <= kCollectBytes;
  if (collected && (amqp::annotation_flags(prefix) & amqp::RouterAnnotations::kStreaming) == 0) return;
  auto read = amqp::read_message_header(prefix, delivery.complete, !delivery.target.empty() && !of_client);
  if (!read) return refuse(delivery, amqp::Rejected{read.error()});
  if (!read->has_value()) {
    if (delivery.complete || delivery.head.bytes() >= limits::kMessageHeaderBytes) {
      refuse(delivery, rejected(amqp::condition::decode_error, "the message's header is not whole or too long"));
    }
    return;
  }
  amqp::MessageHeader& header = **read;
  Routing routing;
  routing.streaming = (header.annotations && (header.annotations->flags & amqp::RouterAnnotations::kStreaming) != 0) ||
                      delivery.head.bytes() > kCollectBytes;
  if (!routing.streaming && !delivery.complete) return;
  if (header.annotations && !of_client) delivery.annotations = std::move(*header.annotations);
  // Other routers hand bits on that they do not know.
  if (peer == nullptr || peer->info.product != names::product) delivery.annotations.flags &= ~amqp::RouterAnnotations::kWide;
  delivery.head.consume(header.annotations_bytes);
  intake_.release(delivery, header.annotations_bytes);
  if (!delivery.target.empty()) delivery.annotations.to_override = delivery.target;  // control-plane 4.3
  if (delivery.annotations.to_override) routing.to = *delivery.annotations.to_override;
  else if (header.to) routing.to = *header.to;
  if (routing.to.empty()) return refuse(delivery, rejected(amqp::condition::precondition_failed, "the message has no address"));
  routing.priority = header.priority.value_or(4);
  route(delivery, routing);
}

void Forwarder::deliver_to_inbox(Delivery& delivery, Peer& peer, PeerLink& link) {
  if (delivery.head.bytes() > limits::kMessageBytes) {
    return refuse(delivery, rejected(amqp::condition::message_size_exceeded, "the message is too long"));
  }
  if (!delivery.complete) return;
  const Bytes message = delivery.head.peek(delivery.head.bytes());
  delivery.head.clear();
  intake_.release_all(delivery);
  delivery.routed = true;
  delivery.receiver_settled = true;
  delivery.outcome = amqp::Accepted{};
  inbox_->message_received(peer, link, message);
}

// ---- Routing ----

/// Edge mode: it came from the interior.
bool Forwarder::from_uplink(const Delivery& delivery) {
  const Peer* peer = core_.edge() ? core_.peer(delivery.peer) : nullptr;
  return peer != nullptr && !peer->client();
}

Origin Forwarder::origin_of(const Delivery& delivery) {
  Origin origin;
  origin.peer = delivery.peer;
  origin.from_uplink = from_uplink(delivery);
  origin.ingress = delivery.annotations.ingress.value_or("");
  origin.trace = &delivery.annotations.trace;
  origin.mesh = delivery.annotations.mesh_id;
  origin.settled = delivery.presettled;
  return origin;
}

void Forwarder::route(Delivery& delivery, const Routing& routing) {
  const std::vector<std::string>& trace = delivery.annotations.trace;
  if (!core_.edge() && core_.passed_here(trace)) return refuse(delivery, amqp::Released{});
  const auto key = addresses_.key_of(routing.to);
  if (!key) return refuse(delivery, amqp::Released{});
  switch (key->address_class()) {
    case routing::AddressClass::local:
      return route_local(delivery, *key, routing);
    case routing::AddressClass::router: {
      const auto hop = from_sibling(delivery) && !core_.first_worker() ? std::nullopt : addresses_.next_hop(key->name());
      if (!hop) return refuse(delivery, amqp::Released{});
      return send_to(delivery, {Destination{.peer = *hop}}, {}, routing);
    }
    case routing::AddressClass::edge:
    case routing::AddressClass::mobile:
      return route_mobile(delivery, *key, routing);
    case routing::AddressClass::topological:  // router protocol: from control links only (control-plane 4.4)
    case routing::AddressClass::area:
    case routing::AddressClass::network:
      return refuse(delivery, amqp::Released{});
  }
}

void Forwarder::route_local(Delivery& delivery, const routing::AddressKey& key, const Routing& routing) {
  if (core_.edge() && key.name() == "_edge") {  // not ours: the uplink knows (control-plane 4.1)
    if (!core_.active_uplink || from_uplink(delivery)) return refuse(delivery, amqp::Released{});
    return send_to(delivery, {Destination{.peer = core_.active_uplink}}, {}, routing);
  }
  if (const std::uint32_t owner = worker_of(key.name()); core_.config.workers > 1 && owner != core_.config.worker) {
    const Peer* sibling = from_sibling(delivery) && !core_.first_worker() ? nullptr : core_.sibling(owner);
    if (sibling == nullptr || sibling->id == delivery.peer) return refuse(delivery, amqp::Released{});
    return send_to(delivery, {Destination{.peer = sibling->id}}, {}, routing);
  }
  if (const Addresses::Entry* entry = addresses_.entry(key); entry != nullptr && entry->has_local()) {
    if (const auto best = addresses_.choose(key, addresses_.treatment(key), origin_of(delivery))) return send_to(delivery, {*best}, key.text(), routing);
  }
  const auto stream = streams_->reply(std::string{key.name()}, delivery.no);
  if (!stream) return refuse(delivery, amqp::Released{});
  delivery.routed = true;
  delivery.outs.emplace_back().stream = *stream;
  start_out(delivery, 0, {}, routing);
}

/// From another worker of this site. To any but the first one come replies alone, so that nothing goes round among them.
bool Forwarder::from_sibling(const Delivery& delivery) {
  const Peer* peer = core_.peer(delivery.peer);
  return peer != nullptr && peer->sibling();
}

void Forwarder::route_mobile(Delivery& delivery, const routing::AddressKey& key, const Routing& routing) {
  if (!core_.first_worker() && from_sibling(delivery)) return refuse(delivery, amqp::Released{});
  const Origin origin = origin_of(delivery);
  const routing::Treatment treatment = addresses_.treatment(key);
  if (treatment == routing::Treatment::multicast) {
    const auto destinations = addresses_.all(key, origin);
    if (destinations.empty()) return refuse(delivery, amqp::Released{});
    delivery.multicast = true;
    return send_to(delivery, destinations, {}, routing);
  }
  const auto best = addresses_.choose(key, treatment, origin);
  if (!best) return refuse(delivery, amqp::Released{});
  if (!delivery.presettled && (delivery.annotations.flags & amqp::RouterAnnotations::kResendReleased) != 0) {
    delivery.resend = std::make_unique<Resend>(Resend{.key = key, .routing = routing, .octets = delivery.head, .tried = {}});
    delivery.outs.reserve(kTries);  // references to copies stay good while more are made
  }
  send_to(delivery, {*best}, key.text(), routing);
}

bool Forwarder::try_again(Delivery& delivery, std::uint32_t index, const std::optional<amqp::DeliveryState>& state) {
  Resend& resend = *delivery.resend;
  Out& released = delivery.outs[index];
  resend.tried.push_back(released.counted_for);
  Origin origin = origin_of(delivery);
  origin.tried = resend.tried;
  const auto next = delivery.outs.size() < kTries ? addresses_.choose(resend.key, addresses_.treatment(resend.key), origin) : std::nullopt;
  if (!next) return false;

  outstanding_.uncount(released);
  if (released.stream) {
    released.done = true;
  } else if (!released.sent) {
    outbox_.cancel(released);
  } else {
    released.done = true;
    Peer* peer = core_.peer(released.peer);
    if (peer != nullptr && peer->outgoing.erase(released.delivery) > 0) {  // not settled yet
      core_.touch(*peer);
      peer->connection.update(released.delivery, state, true);
    }
  }
  delivery.head = resend.octets;
  const auto index_now = static_cast<std::uint32_t>(delivery.outs.size());
  Out& out = delivery.outs.emplace_back();
  outstanding_.count(out, resend.key.text(), *next);
  if (next->consumer) out.stream = streams_->incoming(delivery.no, next->consumer);
  else out.peer = next->peer;
  start_out(delivery, index_now, *next, resend.routing);
  delivery.head.clear();
  return true;
}

void Forwarder::send_to(Delivery& delivery, const std::vector<Destination>& destinations, const std::string& count_as, const Routing& routing) {
  delivery.routed = true;
  ++core_.counters.deliveries_forwarded;
  delivery.outs.resize(destinations.size());
  for (std::uint32_t index = 0; index < destinations.size(); ++index) {
    const Destination& to = destinations[index];
    Out& out = delivery.outs[index];
    if (!count_as.empty() && !delivery.presettled) outstanding_.count(out, count_as, to);
    if (to.consumer) out.stream = streams_->incoming(delivery.no, to.consumer);
    else if (!to.endpoint) out.peer = to.peer;
  }
  for (std::uint32_t index = 0; index < destinations.size(); ++index) start_out(delivery, index, destinations[index], routing);
  delivery.head.clear();
  if (delivery.multicast) intake_.release_all(delivery);
}

amqp::LinkId Forwarder::message_link(const Peer& peer, const Destination& to, std::uint8_t priority) {
  if (to.proxy) return to.proxy;
  if (peer.inter_router()) return Outbox::priority_link(peer, priority);
  return peer.outgoing_edge() ? peer.uplink : peer.downlink;
}

bool Forwarder::room_for(const std::string& to) {
  const auto key = addresses_.key_of(to);
  if (!key || key->address_class() != routing::AddressClass::mobile || addresses_.treatment(*key) != routing::Treatment::multicast) return true;
  return std::ranges::all_of(addresses_.all(*key, Origin{}), [this](const Destination& destination) {
    Peer* peer = core_.peer(destination.peer);
    const PeerLink* link = peer == nullptr ? nullptr : peer->link(message_link(*peer, destination, Routing{}.priority));
    return link == nullptr || (link->queue.size() < limits::kQueuedMessages / 2 && link->queued_bytes < limits::kQueuedMessageBytes / 2);
  });
}

void Forwarder::start_out(Delivery& delivery, std::uint32_t index, const Destination& to, const Routing& routing) {
  if (to.endpoint) return give_to_endpoint(delivery, index, to.endpoint);
  Out& out = delivery.outs[index];
  if (out.stream) {
    const SliceQueue head = std::exchange(delivery.head, {});
    intake_.release_all(delivery);
    const StreamId stream = out.stream;
    if (delivery.complete) out.all_queued = out.sent = true;
    std::size_t left = head.slices().size();
    for (const Slice& slice : head.slices()) streams_->payload(stream, slice, --left == 0 && delivery.complete);
    if (delivery.complete && (delivery.presettled || delivery.sender_settled)) delivery.outs[index].done = true;
    return;
  }
  Peer& next = *core_.peer(out.peer);
  Peer& peer = delivery.complete && !next.data_connection ? next : outbox_.carrier(next, routing.to);
  out.peer = peer.id;
  const bool whole = delivery.complete && !peer.data_connection;
  out.link = whole || peer.client() ? message_link(peer, to, routing.priority) : outbox_.streaming_link(peer);
  PeerLink* link = peer.link(out.link);
  if (link == nullptr) {  // e.g. a neighbour that opened no data links
    out.link = {};
    return receiver_state(delivery, index, amqp::Released{}, true);
  }
  if (delivery.datagram && full(*link)) {
    ++core_.counters.messages_dropped;
    out.done = true;
    return;
  }
  if (delivery.complete && delivery.presettled) make_room(*link);
  if (queue_full(&peer)) {
    out.link = {};
    return receiver_state(delivery, index, amqp::Released{}, true);
  }
  if (!peer.client()) out.pending.push(Slice::copy_of(amqp::encode_annotations(annotations_for(delivery, peer))));
  for (const Slice& slice : delivery.head.slices()) out.pending.push(slice);
  held_for_client(delivery, out);
  out.all_queued = delivery.complete;
  outbox_.submit(peer, out.link, OutRef{delivery.no, index});
}

void Forwarder::give_to_endpoint(Delivery& delivery, std::uint32_t index, EndpointId endpoint) {
  amqp::DeliveryState outcome = amqp::Accepted{};
  if (!delivery.complete || delivery.head.bytes() > limits::kMessageBytes) {
    outcome = rejected(amqp::condition::message_size_exceeded, "the message is too long for its receiver");
  } else if (addresses_.endpoint(endpoint)->raw) {
    const auto& slices = delivery.head.slices();
    core_.events.push_back(DatagramReceived{endpoint, slices.size() == 1 ? slices.front() : Slice::copy_of(delivery.head.peek(delivery.head.bytes()))});
  } else if (auto message = amqp::decode_message(delivery.head.peek(delivery.head.bytes()))) {
    core_.events.push_back(MessageReceived{endpoint, *std::move(message)});
  } else {
    outcome = amqp::Rejected{message.error()};
  }
  Out& out = delivery.outs[index];
  out.all_queued = out.sent = true;
  if (delivery.presettled) out.done = true;
  else receiver_state(delivery, index, std::move(outcome), true);
}

amqp::RouterAnnotations Forwarder::annotations_for(const Delivery& delivery, const Peer& next) const {
  amqp::RouterAnnotations annotations = delivery.annotations;
  if (next.sibling()) return annotations;  // the site is one router
  if (core_.edge()) {  // control-plane 4.3, writer rules
    annotations.ingress.reset();
    annotations.trace.clear();
    annotations.mesh_id = core_.mesh_id;
    return annotations;
  }
  if (!annotations.ingress) annotations.ingress = core_.node_address();
  annotations.trace.push_back(core_.node_address());
  return annotations;
}

}  // namespace van::router
