#include <algorithm>
#include <utility>

#include "core/amqp/session.h"

namespace van::amqp {
namespace {

/// 8 octets, unique within the connection: our delivery id.
TagOctets tag_of(DeliveryId id) {
  TagOctets tag;
  tag.size = 8;
  for (std::size_t i = 0; i < tag.size; ++i) tag.octets[i] = static_cast<std::uint8_t>(id.value >> (56 - 8 * i));
  return tag;
}

Transfer transfer_of(const Delivery& delivery) {
  Transfer transfer;
  transfer.handle = delivery.link->handle;
  if (delivery.settled_by_sender) transfer.settled = true;
  return transfer;
}

}  // namespace

std::optional<DeliveryId> Session::begin_delivery(Link& link, bool settled) {
  if (link.role != LinkRole::sender || link.state != Link::State::attached) return std::nullopt;
  if (link.current != nullptr || !link.credit.has_any()) return std::nullopt;
  link.credit_held = link.deliveries.size() >= limits::kUnsettledPerLink;
  if (link.credit_held) return std::nullopt;
  Delivery* delivery = context_.deliveries.add(link);
  if (delivery == nullptr) return std::nullopt;
  delivery->settled_by_sender = settled;
  link.current = delivery;
  link.deliveries.push_back(*delivery);
  return delivery->id;
}

Connection::Sent Session::send(Delivery& delivery, SliceQueue& payload, Connection::End end, std::size_t max_bytes) {
  Connection::Sent sent;
  Link& link = *delivery.link;
  if (delivery.complete || link.role != LinkRole::sender) return sent;
  while (!sent.complete && window_.can_send()) {
    const std::size_t wanted = std::min(payload.bytes(), max_bytes - sent.bytes);
    const bool rest = wanted == payload.bytes() && end == Connection::End::last;
    if (wanted == 0 && !rest) break;
    if (!delivery.started && !link.credit.has_any()) break;

    Transfer transfer = transfer_of(delivery);
    if (!delivery.started) {
      transfer.delivery_id = next_delivery_id_;
      transfer.delivery_tag = tag_of(delivery.id);
      transfer.message_format = 0;
    }
    transfer.more = true;  // the longer header
    const std::size_t count = std::min(wanted, context_.wire.transfer_room(channel_, transfer));
    transfer.more = count < wanted || !rest;
    if (!delivery.started) start(delivery);
    window_.count_outgoing();
    context_.wire.write_transfer(channel_, transfer, payload, count);
    sent.bytes += count;
    sent.complete = !transfer.more;
  }
  if (sent.complete) finish_sending(delivery);
  return sent;
}

/// The first transfer goes out now: delivery-ids are consecutive in this order over all links of the session.
void Session::start(Delivery& delivery) {
  const bool granted = delivery.link->credit.take();
  VAN_ASSERT(granted);
  delivery.started = true;
  delivery.wire_id = next_delivery_id_++;
  outgoing_.add(delivery);
}

void Session::finish_sending(Delivery& delivery) {
  delivery.complete = true;
  delivery.link->current = nullptr;
  if (delivery.settled_by_sender || delivery.settled_by_receiver) forget(delivery);
}

bool Session::abort(Delivery& delivery) {
  if (delivery.complete || delivery.link->role != LinkRole::sender) return false;
  if (!delivery.started) {
    forget(delivery);
  } else if (window_.can_send()) {
    write_abort(delivery);
  } else {  // transfers count in the window, this one too (§2.5.6)
    delivery.aborting = true;
    aborts_.push_back(delivery);
  }
  return true;
}

void Session::write_abort(Delivery& delivery) {
  Transfer transfer = transfer_of(delivery);
  transfer.settled = true;
  transfer.aborted = true;
  SliceQueue nothing;
  window_.count_outgoing();
  context_.wire.write_transfer(channel_, transfer, nothing, 0);
  forget(delivery);
}

void Session::flush_aborts() {
  while (window_.can_send() && !aborts_.empty()) write_abort(*aborts_.front());
}

}  // namespace van::amqp
