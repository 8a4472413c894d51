#include <utility>

#include "core/amqp/session.h"

namespace van::amqp {

void Session::on_disposition(const Disposition& disposition) {
  DeliveryNumbers& numbers = numbers_of(disposition.role == LinkRole::receiver ? LinkRole::sender : LinkRole::receiver);
  const std::uint32_t last = disposition.last.value_or(disposition.first);
  for (Delivery* delivery : numbers.in_range(disposition.first, last)) on_update(*delivery, disposition);
}

void Session::on_update(Delivery& delivery, const Disposition& disposition) {
  if (delivery.aborting || (!disposition.state && !disposition.settled)) return;
  bool& settled = disposition.role == LinkRole::receiver ? delivery.settled_by_receiver : delivery.settled_by_sender;
  if (settled) return;  // it has forgotten the delivery: what it says now is about nothing
  settled = disposition.settled;
  context_.events.push_update(DeliveryUpdated{delivery.link->id, delivery.id, disposition.state, settled},
                              delivery.update_place);
  if (settled && delivery.complete) forget(delivery);
}

bool Session::update(Delivery& delivery, std::optional<DeliveryState> state, bool settled) {
  const bool sending = delivery.link->role == LinkRole::sender;
  bool& settled_here = sending ? delivery.settled_by_sender : delivery.settled_by_receiver;
  const bool settled_there = sending ? delivery.settled_by_receiver : delivery.settled_by_sender;
  if (settled_here && !sending) return false;

  // While we still send, our settlement travels in the transfers to come (§2.7.5).
  const bool by_transfer = sending && !delivery.complete;
  const bool wanted = state || (settled && !by_transfer);
  if (delivery.started && !settled_there && wanted) {
    context_.wire.write(channel_, Disposition{.role = delivery.link->role,
                                              .first = delivery.wire_id,
                                              .last = {},
                                              .settled = settled && !by_transfer,
                                              .state = std::move(state)});
  }
  settled_here = settled_here || settled;
  if (settled && delivery.complete) forget(delivery);
  return true;
}

void Session::forget(Delivery& delivery) {
  Link& link = *delivery.link;
  numbers_of(link.role).remove(delivery);
  aborts_.erase(delivery);
  link.deliveries.erase(delivery);
  if (link.current == &delivery) link.current = nullptr;
  context_.deliveries.remove(delivery);
  if (context_.config.credit_by_settlement && link.role == LinkRole::receiver) return top_up(link);
  if (!link.credit_held || link.deliveries.size() >= limits::kUnsettledPerLink) return;
  link.credit_held = false;
  if (link.role == LinkRole::receiver) return top_up(link);
  context_.events.push(CreditChanged{link.id, link.credit.available(), link.drain_pending});
}

}  // namespace van::amqp
