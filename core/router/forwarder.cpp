#include "core/router/forwarder.h"

#include <algorithm>

#include "core/base/datagram_limits.h"
#include "core/base/limits.h"
#include "core/router/names.h"
#include "core/router/streams.h"

namespace van::router {
namespace {

/// Octets kept to send a delivery again when it is released: what a sender may send before it hears from the receiver.
constexpr std::size_t kResendBytes = limits::kStreamWindow + (256u << 10);

bool is_failure(const std::optional<amqp::DeliveryState>& state) {
  return state && amqp::is_terminal(*state) && !std::holds_alternative<amqp::Accepted>(*state);
}

bool is_accepted(const std::optional<amqp::DeliveryState>& state) { return state && std::holds_alternative<amqp::Accepted>(*state); }

bool is_wide(const Delivery& delivery) { return (delivery.annotations.flags & amqp::RouterAnnotations::kWide) != 0; }

bool is_one_request(const Delivery& delivery) { return (delivery.annotations.flags & amqp::RouterAnnotations::kOneRequest) != 0; }

bool is_stream(const Delivery& delivery) { return (delivery.annotations.flags & amqp::RouterAnnotations::kStreaming) != 0; }

/// Octets of one delivery that may wait here. A message's sender keeps no window.
std::size_t waiting_limit(const Delivery& delivery) {
  return is_stream(delivery) && !is_wide(delivery) ? limits::kStreamPendingBytes : limits::kWideStreamPendingBytes;
}

/// Control-plane 4.7: rejected > accepted > modified > released.
int severity(const amqp::DeliveryState& state) {
  if (std::holds_alternative<amqp::Rejected>(state)) return 3;
  if (std::holds_alternative<amqp::Accepted>(state)) return 2;
  if (std::holds_alternative<amqp::Modified>(state)) return 1;
  return 0;
}

}  // namespace

// ---- From the engines ----

void Forwarder::transfer(Peer& peer, PeerLink& link, amqp::TransferReceived&& transfer) {
  const auto found = peer.incoming.find(transfer.delivery);
  Delivery* delivery = nullptr;
  if (found != peer.incoming.end()) {
    delivery = deliveries_.find(found->second);
  } else if (transfer.first) {
    delivery = &deliveries_.create();
    delivery->peer = peer.id;
    delivery->link = link.id;
    delivery->delivery = transfer.delivery;
    if (link.kind == LinkKind::producer_proxy || link.kind == LinkKind::producer) delivery->target = link.address;
    peer.incoming[transfer.delivery] = delivery->no;
    link.incoming = delivery->no;
  }
  if (delivery == nullptr) return;  // of a delivery that has ended here
  if (transfer.settled && transfer.first) delivery->presettled = true;
  else if (transfer.settled) delivery->sender_settled = true;
  if (transfer.aborted) {
    link.incoming = {};
    peer.incoming.erase(transfer.delivery);
    source_broken(*delivery, true);
    return;
  }
  if (!transfer.payload.empty()) take(*delivery, std::move(transfer.payload), !transfer.more);
  if (!transfer.more) {
    link.incoming = {};
    source_complete(*delivery);
  }
}

void Forwarder::updated(Peer& peer, const amqp::DeliveryUpdated& update) {
  if (const auto found = peer.outgoing.find(update.delivery); found != peer.outgoing.end()) {
    const OutRef ref = found->second;
    Delivery* delivery = deliveries_.find(ref.delivery);
    Out* out = deliveries_.find_out(ref);
    if (update.settled && (out == nullptr || out->sent)) peer.outgoing.erase(found);
    if (out != nullptr && !out->done) receiver_state(*delivery, ref.index, update.state, update.settled);
    return;
  }
  const auto found = peer.incoming.find(update.delivery);
  if (found == peer.incoming.end() || !update.settled) return;
  // Settled by the sender: whatever the state, the stream is complete or its end will come (data-plane 3.3).
  Delivery* delivery = deliveries_.find(found->second);
  delivery->sender_settled = true;
  if (!delivery->complete) return;
  peer.incoming.erase(found);
  if (is_one_request(*delivery) && !is_accepted(update.state)) return source_broken(*delivery, true);
  source_settled(*delivery, update.state);
}

/// Nobody waits for the outcome any more.
void Forwarder::source_settled(Delivery& delivery, const std::optional<amqp::DeliveryState>& state) {
  delivery.finished = delivery.sender_settled = true;
  for (Out& out : delivery.outs) {
    if (out.done || !out.sent) continue;
    settle_out(out, state);
    if (out.stream && is_one_request(delivery)) streams_->request_ended(out.stream);
  }
  erase_if_done(delivery);
}

void Forwarder::settle_out(Out& out, const std::optional<amqp::DeliveryState>& state) {
  out.done = true;
  outstanding_.uncount(out);
  Peer* next = out.delivery ? core_.peer(out.peer) : nullptr;
  if (next == nullptr) return;
  core_.touch(*next);
  next->connection.update(out.delivery, state, true);
  next->outgoing.erase(out.delivery);
}

void Forwarder::link_lost(Peer& peer, PeerLink& link) {
  std::vector<OutRef> outs{link.queue.begin(), link.queue.end()};
  std::vector<DeliveryNo> sources;
  outbox_.forget_link(peer, link);
  if (link.role == amqp::LinkRole::sender) {
    for (const auto& [id, ref] : peer.outgoing) {
      const Out* out = deliveries_.find_out(ref);
      if (out != nullptr && out->link == link.id && std::ranges::find(outs, ref) == outs.end()) outs.push_back(ref);
    }
  } else {
    for (const auto& [id, no] : peer.incoming) {
      const Delivery* delivery = deliveries_.find(no);
      if (delivery != nullptr && delivery->link == link.id) sources.push_back(no);
    }
  }
  link.incoming = {};
  for (const OutRef ref : outs) out_lost(ref);
  for (const DeliveryNo no : sources) {
    Delivery& delivery = *deliveries_.find(no);
    peer.incoming.erase(delivery.delivery);
    source_broken(delivery, false);
  }
}

void Forwarder::connection_lost(Peer& peer) {
  std::vector<OutRef> outs;
  for (auto& [id, link] : peer.links) {
    outs.insert(outs.end(), link.queue.begin(), link.queue.end());
    outbox_.forget_link(peer, link);
    link.incoming = {};
  }
  for (const auto& [id, ref] : peer.outgoing) {
    const Out* out = deliveries_.find_out(ref);
    if (out != nullptr && out->sent) outs.push_back(ref);
  }
  std::vector<DeliveryNo> sources;
  for (const auto& [id, no] : peer.incoming) sources.push_back(no);
  peer.incoming.clear();
  for (const OutRef ref : outs) out_lost(ref);
  for (const DeliveryNo no : sources) {
    if (Delivery* delivery = deliveries_.find(no)) source_broken(*delivery, false);
  }
}

void Forwarder::out_lost(OutRef ref) {
  Delivery* delivery = deliveries_.find(ref.delivery);
  Out* out = deliveries_.find_out(ref);
  if (out == nullptr || out->done) return;
  // The receiver may have what has begun to go out: not twice, neither from here nor from a router before us.
  const bool begun = static_cast<bool>(out->delivery);
  if (begun) delivery->resend.reset();
  if (Peer* peer = core_.peer(out->peer)) peer->outgoing.erase(out->delivery);
  out->delivery = {};
  out->link = {};
  // data-plane 3.5 has *released* until the last octet is sent, and real routers then send the stream to another provider
  amqp::DeliveryState state = amqp::Released{};
  if (out->sent || (begun && !delivery->stream)) state = amqp::Modified{.delivery_failed = true, .undeliverable_here = false, .message_annotations = {}};
  receiver_state(*delivery, ref.index, std::move(state), true);
}

void Forwarder::send_message(Peer& peer, amqp::LinkId link, Bytes message, bool settled) {
  PeerLink* found = peer.link(link);
  if (found == nullptr) return;
  make_room(*found);
  Delivery& delivery = deliveries_.create();
  delivery.presettled = settled;
  delivery.routed = delivery.complete = delivery.finished = true;
  Out& out = delivery.outs.emplace_back();
  out.peer = peer.id;
  out.link = link;
  out.pending.push(Slice::copy_of(message));
  out.all_queued = true;
  outbox_.submit(peer, link, OutRef{delivery.no, 0});
}

bool Forwarder::full(const PeerLink& link) {
  // Of router protocol what is lost is asked for again: much of it may wait.
  if (link.kind == LinkKind::control) return link.queue.size() >= limits::kLinkCredit && link.queued_bytes >= limits::kControlQueueBytes;
  return link.queue.size() >= limits::kQueuedMessages ||
         (link.queue.size() >= limits::kQueuedMessagesLeast && link.queued_bytes >= limits::kQueuedMessageBytes);
}

/// Settled messages that wait for credit: the oldest go when there are too many.
void Forwarder::make_room(PeerLink& link) {
  while (full(link)) {
    const auto waits = [this](OutRef ref) {
      const Out* out = deliveries_.find_out(ref);
      return out != nullptr && !out->delivery;
    };
    const bool first_is_under_way = !waits(link.queue.front());
    const OutRef oldest = link.queue[first_is_under_way ? 1 : 0];
    Delivery* delivery = deliveries_.find(oldest.delivery);
    if (!waits(oldest) || !delivery->presettled) return;
    ++core_.counters.messages_dropped;
    outbox_.cancel(*deliveries_.find_out(oldest));
    intake_.release_all(*delivery);
    erase_if_done(*delivery);
  }
}

bool Forwarder::originate_message(const std::string& to, std::uint8_t priority, Bytes message) {
  Delivery& delivery = deliveries_.create();
  delivery.presettled = delivery.complete = delivery.finished = true;
  delivery.head.push(Slice::copy_of(message));
  route(delivery, {.to = to, .priority = priority, .streaming = false});
  erase_if_done(delivery);
  return !delivery.dropping;
}

Router::Sent Forwarder::originate_datagram(const std::string& to, Slice message) {
  const std::uint64_t dropped = core_.counters.messages_dropped;
  Delivery& delivery = deliveries_.create();
  delivery.presettled = delivery.complete = delivery.finished = delivery.datagram = true;
  delivery.head.push(std::move(message));
  route(delivery, {.to = to, .streaming = false});
  erase_if_done(delivery);
  if (delivery.dropping) return Router::Sent::nobody;
  return core_.counters.messages_dropped == dropped ? Router::Sent::yes : Router::Sent::no_room;
}

// ---- From local streams ----

DeliveryNo Forwarder::originate(StreamId stream, std::uint32_t flags, const std::string& to, const Bytes& head, bool whole) {
  Delivery& delivery = deliveries_.create();
  delivery.stream = stream;
  delivery.complete = whole;
  delivery.annotations.flags = flags;
  delivery.head.push(Slice::copy_of(head));
  route(delivery, {.to = to, .streaming = true});
  return delivery.no;
}

void Forwarder::append(DeliveryNo no, Slice octets) {
  Delivery* delivery = deliveries_.find(no);
  if (delivery != nullptr && !delivery->complete) take(*delivery, std::move(octets), false);
}

void Forwarder::finish(DeliveryNo no) {
  Delivery* delivery = deliveries_.find(no);
  if (delivery != nullptr && !delivery->complete) source_complete(*delivery);
}

void Forwarder::end_request(DeliveryNo no) {
  Delivery* delivery = deliveries_.find(no);
  if (delivery != nullptr) source_settled(*delivery, amqp::Accepted{});
}

void Forwarder::abort(DeliveryNo no) {
  Delivery* delivery = deliveries_.find(no);
  if (delivery == nullptr) return;
  source_broken(*delivery, true);
}

std::size_t Forwarder::pending(DeliveryNo no) const {
  const Delivery* delivery = deliveries_.find(no);
  const Out* out = delivery == nullptr ? nullptr : delivery->last_out();
  return out == nullptr ? 0 : out->pending.bytes();
}

bool Forwarder::resends_released(DeliveryNo no) const {
  const Delivery* delivery = deliveries_.find(no);
  return delivery != nullptr && (delivery->annotations.flags & amqp::RouterAnnotations::kResendReleased) != 0;
}

std::uint32_t Forwarder::flags(DeliveryNo no) const {
  const Delivery* delivery = deliveries_.find(no);
  return delivery == nullptr ? 0 : delivery->annotations.flags;
}

void Forwarder::report(DeliveryNo no, amqp::DeliveryState state, bool settled) {
  Delivery* delivery = deliveries_.find(no);
  const Out* out = delivery == nullptr ? nullptr : delivery->last_out();
  if (out == nullptr || out->done) return;
  receiver_state(*delivery, static_cast<std::uint32_t>(delivery->outs.size() - 1), std::move(state), settled);
}

// ---- Source side ----

/// With the `last` octets its end is to be told (source_complete), and only then is what came whole sent on: whole.
void Forwarder::take(Delivery& delivery, Slice octets, bool last) {
  if (delivery.dropping) return;
  intake_.take(delivery, octets.size());
  if (delivery.routed) {
    if (delivery.resend) {
      delivery.resend->octets.push(octets);
      if (delivery.resend->octets.bytes() > kResendBytes) delivery.resend.reset();
    }
    distribute(delivery, octets);
  } else {
    delivery.head.push(std::move(octets));
    if (!last) try_route(delivery);
  }
}

void Forwarder::source_complete(Delivery& delivery) {
  delivery.complete = true;
  if (!delivery.routed && !delivery.dropping) try_route(delivery);
  for (std::uint32_t index = 0; index < delivery.outs.size(); ++index) {
    Out& out = delivery.outs[index];
    if (out.done || out.all_queued) continue;
    out.all_queued = true;
    if (out.stream) complete_stream(delivery, out);
    else outbox_.more(out);
  }
  if (delivery.presettled || delivery.sender_settled) {
    if (Peer* peer = core_.peer(delivery.peer)) peer->incoming.erase(delivery.delivery);
    delivery.finished = true;
  } else if (delivery.receiver_settled) {
    tell_source(delivery, delivery.outcome, true);
  }
  erase_if_done(delivery);
}

void Forwarder::complete_stream(Delivery& delivery, Out& out) {
  out.all_queued = out.sent = true;
  streams_->complete(out.stream);
  if (delivery.presettled || delivery.sender_settled) out.done = true;
}

void Forwarder::source_broken(Delivery& delivery, bool aborted) {
  delivery.finished = true;
  const bool was_complete = delivery.complete;
  delivery.complete = true;
  delivery.head.clear();
  if (!was_complete || delivery.stream || is_one_request(delivery)) {
    delivery.dropping = true;
    for (Out& out : delivery.outs) {
      if (out.done || out.sent) continue;
      outstanding_.uncount(out);
      if (out.stream) {
        out.done = true;
        streams_->broken(out.stream, aborted ? Streams::Break::aborted : Streams::Break::lost);
      } else {
        outbox_.cancel(out);
      }
    }
    intake_.release_all(delivery);
  }
  // Who sent it all and is gone can't settle any more: nobody waits for the outcome.
  for (Out& out : delivery.outs) {
    if (out.done || !out.sent) continue;
    if (is_one_request(delivery)) {
      settle_out(out, {});
      if (out.stream) streams_->broken(out.stream, aborted ? Streams::Break::aborted : Streams::Break::lost);
    } else if (out.stream || !out.delivery) {
      out.done = true;
    }
  }
  erase_if_done(delivery);
}

void Forwarder::distribute(Delivery& delivery, const Slice& octets) {
  const std::size_t copies = delivery.outs.size();  // one that is made on the way has these octets already
  for (std::uint32_t index = 0; index < copies; ++index) {
    Out& out = delivery.outs[index];
    if (out.done) continue;
    if (out.stream) {
      intake_.release(delivery, octets.size());
      streams_->payload(out.stream, octets);
      continue;
    }
    out.pending.push(octets);
    held_for_client(delivery, out);
    if (!out.delivery && queue_full(core_.peer(out.peer))) {
      receiver_state(delivery, index, amqp::Released{}, true);
      continue;
    }
    if (out.pending.bytes() > waiting_limit(delivery)) {
      // The sender ignores the end-to-end window: its stream ends, the others go on.
      receiver_state(delivery, index, rejected(amqp::condition::resource_limit_exceeded, "too many octets wait for a slow receiver"), true);
      continue;
    }
    outbox_.more(out);
  }
  if (delivery.multicast) intake_.release(delivery, octets.size());
}

bool Forwarder::queue_full(const Peer* peer) { return peer != nullptr && peer->client() && peer->queued_bytes > limits::kClientQueueBytes; }

/// What waits for a client's credit is that client's: other traffic of the router that it came from must not wait with it. A client
/// that sent it waits itself.
void Forwarder::held_for_client(Delivery& delivery, const Out& out) {
  const Peer* to = core_.peer(out.peer);
  const Peer* from = core_.peer(delivery.peer);
  if (to != nullptr && to->client() && from != nullptr && !from->client()) intake_.release_all(delivery);
}

// ---- Sending ----

void Forwarder::sent(Delivery& delivery, Out&, std::size_t octets) {
  if (!delivery.multicast) intake_.release(delivery, octets);
  if (delivery.stream) streams_->window_moved(delivery.stream);
}

void Forwarder::completed(Delivery& delivery, Out& out) {
  // An edge's consumer is free again once a client has said all, as with real routers: the settlement, one round trip later, would
  // come behind the next stream of who opens one as soon as the last is done.
  if (out.counted_for.proxy && is_stream(delivery) && !is_one_request(delivery)) outstanding_.uncount(out);
  if (settles(out) && !delivery.presettled) {
    core_.peer(out.peer)->outgoing.erase(out.delivery);
    return receiver_state(delivery, static_cast<std::uint32_t>(&out - delivery.outs.data()), amqp::Accepted{}, true);
  }
  if (delivery.presettled || delivery.receiver_settled) {
    out.done = true;
    outstanding_.uncount(out);
    if (Peer* peer = core_.peer(out.peer)) peer->outgoing.erase(out.delivery);
  } else if (delivery.sender_settled) {
    settle_out(out, is_one_request(delivery) ? std::optional<amqp::DeliveryState>{amqp::Accepted{}} : std::nullopt);
  }
  erase_if_done(delivery);
}

bool Forwarder::settles(const Out& out) {
  Peer* peer = core_.peer(out.peer);
  const PeerLink* link = peer == nullptr ? nullptr : peer->link(out.link);
  return link != nullptr && link->settles;
}

// ---- States ----

void Forwarder::refuse(Delivery& delivery, amqp::DeliveryState state) {
  ++core_.counters.deliveries_released;
  delivery.dropping = true;
  delivery.head.clear();
  intake_.release_all(delivery);
  delivery.outcome = state;
  delivery.receiver_settled = true;
  if (delivery.stream) delivery.complete = true;  // a stream of ours ends with this; nothing more comes
  tell_source(delivery, std::move(state), delivery.complete);
}

void Forwarder::receiver_state(Delivery& delivery, std::uint32_t index, std::optional<amqp::DeliveryState> state, bool settled) {
  if (delivery.resend && state) {
    if (std::holds_alternative<amqp::Released>(*state) && try_again(delivery, index, state)) return;
    delivery.resend.reset();
  }
  Out& out = delivery.outs[index];
  const bool failure = is_failure(state);
  if (settled) outstanding_.uncount(out);
  if (failure && !out.sent) {
    outstanding_.uncount(out);
    if (out.stream) out.done = true;
    else outbox_.cancel(out);  // the aborted transfer settles it: data-plane 3.4
    settled = true;
  } else if (settled && out.sent) {
    out.done = true;
  }
  if (delivery.multicast) {
    if (state && amqp::is_terminal(*state)) multicast_state(delivery, state);
    else if (settled) multicast_state(delivery, amqp::Accepted{});
    return;
  }
  if (failure) {
    delivery.dropping = delivery.dropping || !delivery.complete;
    intake_.release_all(delivery);  // also of one that had come whole and was not sent yet
  }
  if (state && amqp::is_terminal(*state)) delivery.outcome = state;
  if (settled) delivery.receiver_settled = true;
  tell_source(delivery, std::move(state), settled && delivery.complete);
}

void Forwarder::multicast_state(Delivery& delivery, const std::optional<amqp::DeliveryState>& state) {
  if (state && (!delivery.outcome || severity(*state) > severity(*delivery.outcome))) delivery.outcome = state;
  const bool all_done = std::ranges::all_of(delivery.outs, [](const Out& out) { return out.done; });
  if (!all_done) return;
  delivery.receiver_settled = true;
  if (delivery.complete) tell_source(delivery, delivery.outcome, true);
}

void Forwarder::tell_source(Delivery& delivery, std::optional<amqp::DeliveryState> state, bool settled) {
  if (!delivery.finished) {
    if (settled) delivery.finished = true;
    if (delivery.stream) {
      streams_->updated(delivery.stream, state, settled);
    } else if (Peer* peer = core_.peer(delivery.peer)) {
      core_.touch(*peer);
      peer->connection.update(delivery.delivery, std::move(state), settled);
      if (settled) peer->incoming.erase(delivery.delivery);
    }
  }
  erase_if_done(delivery);
}

void Forwarder::erase_if_done(Delivery& delivery) {
  if (!delivery.complete || !delivery.finished) return;
  for (const Out& out : delivery.outs) {
    if (!out.done) return;
  }
  intake_.release_all(delivery);
  deliveries_.doom(delivery.no);
}

}  // namespace van::router
