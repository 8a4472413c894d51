#include <utility>

#include "core/amqp/session.h"

namespace van::amqp {
namespace {

Error over_credit() {
  return {std::string{condition::transfer_limit_exceeded}, "a delivery without credit", {}};
}

}  // namespace

Result<void> Session::on_transfer(const Transfer& transfer, Slice payload) {
  if (!window_.take_incoming()) return failure(condition::window_violation, "transfer beyond our incoming window");
  Link* link = by_remote_handle_[transfer.handle];
  if (link == nullptr) return failure(condition::unattached_handle, "transfer for a handle that is not attached");
  if (link->state != Link::State::detach_sent) {
    if (link->role != LinkRole::receiver) return failure(condition::not_allowed, "transfer from a receiver");
    if (auto taken = take_transfer(*link, transfer, std::move(payload)); !taken) return taken;
    top_up(*link);
  }
  reopen_window(link);
  return {};
}

Result<void> Session::take_transfer(Link& link, const Transfer& transfer, Slice payload) {
  Delivery* delivery = link.current;
  if (delivery != nullptr && transfer.delivery_id && *transfer.delivery_id != delivery->wire_id) {
    if (!delivery->settled_by_receiver) {
      return failure(condition::invalid_field, "transfer: a delivery begins inside another of its link");
    }
    // Settled by us before its end, it gets neither a last nor an aborted transfer from real routers (data-plane 5.4).
    context_.events.push(TransferReceived{.link = link.id, .delivery = delivery->id, .payload = {}, .aborted = true,
                                          .settled = true});
    forget(*delivery);
    delivery = nullptr;
  }
  const bool first = delivery == nullptr;
  if (first) {
    if (!link.credit.has_any()) {  // §2.6.7: the link's fault, not the connection's
      context_.events.push(Detached{link.id, over_credit()});
      detach(link, over_credit());
      return {};
    }
    auto begun = begin_incoming(link, transfer);
    if (!begun) return Unexpected{begun.error()};
    delivery = *begun;
  }

  const bool more = transfer.more && !transfer.aborted;
  if (transfer.aborted || transfer.settled.value_or(false)) delivery->settled_by_sender = true;
  if (transfer.aborted) payload = {};
  context_.events.push(TransferReceived{.link = link.id,
                                        .delivery = delivery->id,
                                        .payload = std::move(payload),
                                        .message_format = transfer.message_format.value_or(0),
                                        .first = first,
                                        .more = more,
                                        .aborted = transfer.aborted,
                                        .settled = delivery->settled_by_sender});
  if (!more) {
    delivery->complete = true;
    link.current = nullptr;
    if (delivery->settled_by_sender || delivery->settled_by_receiver) {
      forget(*delivery);
      return {};
    }
  }
  if (first) incoming_.add(*delivery);
  return {};
}

Result<Delivery*> Session::begin_incoming(Link& link, const Transfer& transfer) {
  if (!transfer.delivery_id) return failure(condition::invalid_field, "transfer: the first one without delivery-id");
  if (incoming_.find(*transfer.delivery_id) != nullptr) {
    return failure(condition::invalid_field, "transfer: delivery-id in use");
  }
  Delivery* delivery = context_.deliveries.add(link);
  if (delivery == nullptr) return failure(condition::resource_limit_exceeded, "too many unsettled deliveries");
  const bool granted = link.credit.take();
  VAN_ASSERT(granted);
  delivery->wire_id = *transfer.delivery_id;
  delivery->started = true;
  link.current = delivery;
  link.deliveries.push_back(*delivery);
  return delivery;
}

}  // namespace van::amqp
