#include <utility>

#include "core/amqp/session.h"

namespace van::amqp {
namespace {

LinkRole other(LinkRole role) { return role == LinkRole::sender ? LinkRole::receiver : LinkRole::sender; }

/// §2.6.3: our own terminus is null where a link is refused.
void refuse(Attach& attach) {
  (attach.role == LinkRole::sender ? attach.target : attach.source) = Terminus{};
  (attach.role == LinkRole::sender ? attach.source : attach.target) = std::nullopt;
}

Error not_a_terminus() {
  return {std::string{condition::not_implemented}, "the target is no address of messages; transactions are not supported", {}};
}

}  // namespace

Link* Session::add_link(LinkRole role, SenderSettleMode sender_mode, ReceiverSettleMode receiver_mode) {
  const auto handle = handles_.take(remote_handle_max_);
  if (!handle) return nullptr;
  auto link = std::make_unique<Link>();
  Link* added = link.get();
  added->id = context_.next_link_id();
  added->session = this;
  added->role = role;
  added->handle = *handle;
  added->sender_settle_mode = sender_mode;
  added->receiver_settle_mode = receiver_mode;
  context_.links.emplace(added->id, added);
  links_.set(*handle, std::move(link));
  return added;
}

Attach Session::attach_of(const Link& link) const {
  Attach attach;
  attach.name = link.name;
  attach.handle = link.handle;
  attach.role = link.role;
  attach.snd_settle_mode = link.sender_settle_mode;
  attach.rcv_settle_mode = link.receiver_settle_mode;
  if (link.role == LinkRole::sender) attach.initial_delivery_count = link.credit.delivery_count();
  attach.max_message_size = 0;
  return attach;
}

LinkId Session::attach(Connection::AttachOptions options) {
  if (awaiting(options.role).contains(options.name)) return {};
  Link* link = add_link(options.role, options.sender_settle_mode, options.receiver_settle_mode);
  if (link == nullptr) return {};
  link->name = std::move(options.name);
  link->credit.set_target(options.credit);

  Attach attach = attach_of(*link);
  attach.source = std::move(options.source);
  attach.target = std::move(options.target);
  attach.properties = std::move(options.properties);
  if (!context_.wire.try_write(channel_, std::move(attach))) {
    forget_id(*link);
    free_link(*link);
    return {};
  }
  awaiting(link->role).emplace(link->name, link);
  return link->id;
}

void Session::accept(Link& link, std::optional<Terminus> source, std::optional<Terminus> target, std::uint32_t credit) {
  VAN_ASSERT(link.state == Link::State::attach_received);
  Attach attach = attach_of(link);
  attach.source = std::move(source);
  attach.target = std::move(target);
  write(std::move(attach));
  attached(link, credit);
}

/// Both ends are attached now.
void Session::attached(Link& link, std::uint32_t credit) {
  link.state = Link::State::attached;
  link.name = {};
  if (link.role == LinkRole::receiver) {
    receivers_.push_back(link);
    set_credit(link, credit);
    reopen_window(&link);
  } else if (link.drain_pending) {
    context_.draining.push_back(link.id);
  }
}

void Session::detach(Link& link, std::optional<Error> error) {
  VAN_ASSERT(link.state != Link::State::detach_sent);
  if (link.state == Link::State::attach_received) {
    Attach attach = attach_of(link);
    refuse(attach);
    write(std::move(attach));
  }
  write(Detach{link.handle, true, std::move(error)});
  forget_id(link);
}

Result<void> Session::on_attach(Attach attach) {
  if (attach.handle > kHandleMax) return failure(condition::framing_error, "attach: handle above our handle-max");
  if (by_remote_handle_[attach.handle] != nullptr) return failure(condition::handle_in_use, "attach: handle in use");

  auto& names = awaiting(other(attach.role));
  const auto found = names.find(attach.name);
  if (found == names.end()) return attach_by_peer(std::move(attach));
  Link& link = *found->second;
  names.erase(found);
  answered(link, std::move(attach));
  return {};
}

void Session::answered(Link& link, Attach attach) {
  link.remote_handle = attach.handle;
  by_remote_handle_.set(attach.handle, &link);
  if (link.state == Link::State::detach_sent) return;  // given up before the answer came
  link.credit.start(link.role == LinkRole::receiver ? attach.initial_delivery_count.value_or(0) : 0);
  context_.events.push(Attached{.link = link.id,
                                .session = id_,
                                .role = link.role,
                                .by_peer = false,
                                .name = std::move(attach.name),
                                .source = std::move(attach.source),
                                .target = std::move(attach.target),
                                .sender_settle_mode = attach.snd_settle_mode,
                                .properties = std::move(attach.properties)});
  attached(link, link.credit.target());
}

Result<void> Session::attach_by_peer(Attach attach) {
  if (context_.peer_links >= limits::kLinksPerConnection) {
    return failure(condition::resource_limit_exceeded, "too many links");
  }
  Link* link = add_link(other(attach.role), attach.snd_settle_mode, attach.rcv_settle_mode);
  if (link == nullptr) return failure(condition::resource_limit_exceeded, "no handle is left to answer an attach");
  ++context_.peer_links;
  link->by_peer = true;
  link->state = Link::State::attach_received;
  link->name = attach.name;
  link->remote_handle = attach.handle;
  link->credit.start(link->role == LinkRole::receiver ? attach.initial_delivery_count.value_or(0) : 0);
  by_remote_handle_.set(attach.handle, link);
  if (attach.other_target) {
    detach(*link, not_a_terminus());
    return {};
  }
  context_.events.push(Attached{.link = link->id,
                                .session = id_,
                                .role = link->role,
                                .by_peer = true,
                                .name = std::move(attach.name),
                                .source = std::move(attach.source),
                                .target = std::move(attach.target),
                                .sender_settle_mode = attach.snd_settle_mode,
                                .properties = std::move(attach.properties)});
  return {};
}

/// closed=false is taken for the end as well: links are not resumed here (§2.6.4), and the answer is always closed=true,
/// because a real router refuses anything else (control-plane 2.1).
Result<void> Session::on_detach(const Detach& detach) {
  Link* link = by_remote_handle_[detach.handle];
  if (link == nullptr) return failure(condition::unattached_handle, "detach of a handle that is not attached");
  if (link->state != Link::State::detach_sent) {
    context_.events.push(Detached{link->id, detach.error});
    this->detach(*link, std::nullopt);
  }
  free_link(*link);
  return {};
}

/// The application's view of the link ends here.
void Session::forget_id(Link& link) {
  if (link.state == Link::State::detach_sent) return;
  link.state = Link::State::detach_sent;
  link.credit_held = false;
  while (Delivery* delivery = link.deliveries.front()) forget(*delivery);
  receivers_.erase(link);
  context_.links.erase(link.id);
}

/// Both ends are detached: the handles may be used again (§2.6.5).
void Session::free_link(Link& link) {
  if (link.by_peer) --context_.peer_links;
  if (link.remote_handle) by_remote_handle_.take(*link.remote_handle);
  const std::uint32_t handle = link.handle;
  links_.take(handle);
  handles_.give_back(handle);
}

}  // namespace van::amqp
