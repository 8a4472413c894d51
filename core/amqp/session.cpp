#include "core/amqp/session.h"

#include <algorithm>
#include <utility>

namespace van::amqp {

Session::Session(Context& context, SessionId id, std::uint16_t channel)
    : context_{context}, id_{id}, channel_{channel}, window_{context.config.session_window_frames} {}

Session::~Session() { clear(); }

void Session::begin() {
  Begin begin = window_.begin(by_peer_ ? remote_channel_ : std::nullopt);
  begin.handle_max = kHandleMax;
  write(std::move(begin));
}

void Session::on_begin(std::uint16_t remote_channel, const Begin& begin, bool by_peer) {
  remote_channel_ = remote_channel;
  by_peer_ = by_peer;
  remote_handle_max_ = begin.handle_max;
  window_.on_begin(begin);
  if (by_peer) this->begin();
  if (state_ == State::end_sent) return;  // ended before it was answered
  state_ = State::mapped;
  context_.events.push(SessionBegun{id_, by_peer});
}

void Session::end(std::optional<Error> error) {
  VAN_ASSERT(state_ != State::end_sent);
  write(End{std::move(error)});
  state_ = State::end_sent;
  clear();
}

void Session::clear() {
  links_.for_each([this](Link& link) {
    forget_id(link);
    if (link.by_peer) --context_.peer_links;
  });
  links_ = {};
  by_remote_handle_ = {};
  for (auto& names : awaiting_) names.clear();
}

Result<void> Session::on_flow(const Flow& flow) {
  const bool could_send = window_.can_send();
  if (!window_.on_flow(flow)) return failure(condition::invalid_field, "flow: next-incoming-id of a transfer never sent");
  flush_aborts();
  if (!could_send && window_.can_send()) context_.events.push(SessionWritable{id_});

  Link* link = nullptr;
  if (flow.handle) {
    link = by_remote_handle_[*flow.handle];
    if (link == nullptr) return failure(condition::unattached_handle, "flow for a handle that is not attached");
    if (link->state != Link::State::detach_sent) on_link_flow(*link, flow);
  }
  if (flow.echo) answer_echo(link);
  return {};
}

void Session::on_link_flow(Link& link, const Flow& flow) {
  if (link.role == LinkRole::receiver) {
    link.credit.on_sender_flow(flow.delivery_count);
    top_up(link);
    return;
  }
  const std::uint32_t before = link.credit.available();
  link.credit.on_receiver_flow(flow.delivery_count, flow.link_credit.value_or(0), flow.drain);
  if (flow.drain && !link.drain_pending) {
    link.drain_pending = true;
    context_.draining.push_back(link.id);
  }
  if (flow.drain || link.credit.available() != before) {
    context_.events.push(CreditChanged{link.id, link.credit.available(), flow.drain});
  }
}

/// Every flow for a link carries the whole window again, and it is these that wake a sender (data-plane 1.4).
void Session::write_link_flow(const Link& link) {
  Flow flow = window_.flow(true);
  flow.handle = link.handle;
  flow.delivery_count = link.credit.delivery_count();
  flow.link_credit = link.credit.available();
  if (link.role == LinkRole::sender) {
    flow.available = 0;
    flow.drain = link.credit.drain();
  }
  write(std::move(flow));
}

void Session::answer_echo(const Link* link) {
  if (link != nullptr && link->state == Link::State::attached) return write_link_flow(*link);
  if (!receivers_.empty()) return write_link_flow(*receivers_.front());
  write(window_.flow(false));
}

std::uint32_t Session::wanted_credit(const Link& link) const {
  const std::uint32_t target = link.credit.target();
  if (!context_.config.credit_by_settlement) return target;
  return target - static_cast<std::uint32_t>(std::min<std::size_t>(target, link.deliveries.size()));
}

void Session::top_up(Link& link) {
  const bool at_once = context_.flow_for_each_stream && link.current != nullptr;
  const std::uint32_t wanted = wanted_credit(link);
  if (link.state != Link::State::attached || !link.credit.is_due(wanted, at_once)) return;
  link.credit_held = link.deliveries.size() >= limits::kUnsettledPerLink;
  if (link.credit_held) return;
  link.credit.grant(wanted);
  write_link_flow(link);
}

/// Without an attached receiver nothing can come, and the first flow of the next one opens the window.
void Session::reopen_window(const Link* preferred) {
  if (!window_.is_due() || receivers_.empty()) return;
  const bool usable = preferred != nullptr && IntrusiveList<Link, &Link::receiving>::contains(*preferred);
  write_link_flow(usable ? *preferred : *receivers_.front());
}

void Session::set_credit(Link& link, std::uint32_t credit) {
  link.credit.set_target(credit);
  const std::uint32_t wanted = wanted_credit(link);
  if (link.state != Link::State::attached || link.credit.available() == wanted) return;
  link.credit.grant(wanted);
  write_link_flow(link);
}

void Session::set_window_open(bool open) {
  window_.set_open(open);
  reopen_window(nullptr);
}

void Session::answer_drain(Link& link) {
  if (link.state != Link::State::attached || !link.drain_pending) return;
  link.drain_pending = false;
  link.credit.drained();
  write_link_flow(link);
}

void Session::check_invariants() const {
  std::size_t receivers = 0;
  links_.for_each([&](const Link& link) {
    VAN_ASSERT(link.session == this && links_[link.handle].get() == &link);
    VAN_ASSERT(!link.remote_handle || by_remote_handle_[*link.remote_handle] == &link);
    VAN_ASSERT(link.remote_handle || link.state == Link::State::attach_sent || link.state == Link::State::detach_sent);
    const bool alive = link.state != Link::State::detach_sent;
    VAN_ASSERT(alive == context_.links.contains(link.id));
    VAN_ASSERT(alive || (link.deliveries.empty() && link.current == nullptr));
    VAN_ASSERT(link.current == nullptr || (link.current->link == &link && !link.current->complete));
    if (IntrusiveList<Link, &Link::receiving>::contains(link)) ++receivers;
    std::size_t incomplete = 0;
    for (const Delivery* delivery = link.deliveries.front(); delivery != nullptr;
         delivery = link.deliveries.next(*delivery)) {
      VAN_ASSERT(delivery->link == &link && delivery->id);
      if (!delivery->complete) ++incomplete;
    }
    VAN_ASSERT(incomplete == (link.current != nullptr ? 1u : 0u));
  });
  VAN_ASSERT(receivers == receivers_.size());
  VAN_ASSERT(window_.incoming_window() <= context_.config.session_window_frames || window_.incoming_window() == 1);
  VAN_ASSERT(aborts_.empty() || !window_.can_send());
}

}  // namespace van::amqp
