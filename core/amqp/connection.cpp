#include "core/amqp/connection.h"

#include <utility>

#include "core/amqp/engine.h"

namespace van::amqp {

Connection::Connection(Config config, TimePoint now) : impl_{std::make_unique<Impl>(std::move(config), now)} {}
Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

void Connection::receive(Slice bytes, TimePoint now) { impl_->receive(std::move(bytes), now); }
void Connection::transport_closed(TimePoint now) { impl_->transport_closed(now); }
void Connection::handle_deadline(TimePoint now) { impl_->handle_deadline(now); }

std::optional<Event> Connection::poll_event() {
  auto event = impl_->context.events.pop();
  if (!event) impl_->answer_drains();
  return event;
}

SliceQueue& Connection::output() { return impl_->context.wire.output(); }
std::size_t Connection::output_bytes() const { return impl_->context.wire.output_bytes(); }
TimePoint Connection::next_deadline() const { return impl_->next_deadline(); }

void Connection::set_flow_for_each_stream(bool at_once) { impl_->context.flow_for_each_stream = at_once; }

SessionId Connection::begin_session() { return impl_->begin_session(); }

void Connection::end_session(SessionId session, std::optional<Error> error) {
  impl_->end_session(session, std::move(error));
  impl_->check_overflow();
}

LinkId Connection::attach(SessionId session, AttachOptions options) {
  Session* on = impl_->session(session);
  return on != nullptr ? on->attach(std::move(options)) : LinkId{};
}

bool Connection::accept_attach(LinkId link, std::optional<Terminus> source, std::optional<Terminus> target,
                               std::uint32_t credit) {
  Link* accepted = impl_->link(link);
  if (accepted == nullptr || accepted->state != Link::State::attach_received) return false;
  accepted->session->accept(*accepted, std::move(source), std::move(target), credit);
  impl_->check_overflow();
  return true;
}

bool Connection::refuse_attach(LinkId link, Error error) {
  const Link* refused = impl_->link(link);
  if (refused == nullptr || refused->state != Link::State::attach_received) return false;
  return detach(link, std::move(error));
}

bool Connection::detach(LinkId link, std::optional<Error> error) {
  Link* detached = impl_->link(link);
  if (detached == nullptr) return false;
  detached->session->detach(*detached, std::move(error));
  impl_->check_overflow();
  return true;
}

bool Connection::set_credit(LinkId link, std::uint32_t credit) {
  Link* receiver = impl_->link(link);
  if (receiver == nullptr || receiver->role != LinkRole::receiver) return false;
  receiver->session->set_credit(*receiver, credit);
  return true;
}

std::uint32_t Connection::credit(LinkId link) const {
  const Link* sender = impl_->link(link);
  return sender != nullptr && sender->role == LinkRole::sender ? sender->credit.available() : 0;
}

Connection::LinkCounts Connection::link_counts(LinkId link) const {
  const Link* of = impl_->link(link);
  if (of == nullptr) return {};
  return {of->credit.available(), of->credit.delivery_count(), of->deliveries.size()};
}

bool Connection::set_window_open(SessionId session, bool open) {
  Session* of = impl_->session(session);
  if (of == nullptr) return false;
  of->set_window_open(open);
  return true;
}

std::optional<DeliveryId> Connection::begin_delivery(LinkId link, bool settled) {
  Link* sender = impl_->link(link);
  return sender != nullptr ? sender->session->begin_delivery(*sender, settled) : std::nullopt;
}

Connection::Sent Connection::send(DeliveryId delivery, SliceQueue& payload, End end, std::size_t max_bytes) {
  Delivery* sent = impl_->delivery(delivery);
  return sent != nullptr ? sent->link->session->send(*sent, payload, end, max_bytes) : Sent{};
}

bool Connection::abort(DeliveryId delivery) {
  Delivery* aborted = impl_->delivery(delivery);
  return aborted != nullptr && aborted->link->session->abort(*aborted);
}

bool Connection::session_window_open(DeliveryId delivery) const {
  const Delivery* of = impl_->delivery(delivery);
  return of != nullptr && of->link->session->can_send();
}

bool Connection::update(DeliveryId delivery, std::optional<DeliveryState> state, bool settled) {
  Delivery* updated = impl_->delivery(delivery);
  if (updated == nullptr) return false;
  const bool done = updated->link->session->update(*updated, std::move(state), settled);
  impl_->check_overflow();
  return done;
}

void Connection::close(std::optional<Error> error) { impl_->close(std::move(error)); }
bool Connection::is_open() const { return impl_->is_open(); }
bool Connection::is_closed() const { return impl_->is_closed(); }
std::uint32_t Connection::peer_max_frame_size() const { return impl_->context.wire.max_frame_size(); }
void Connection::check_invariants() const { impl_->check_invariants(); }

}  // namespace van::amqp
