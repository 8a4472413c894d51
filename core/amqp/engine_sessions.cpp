#include <algorithm>
#include <utility>

#include "core/amqp/engine.h"

namespace van::amqp {

Session* Connection::Impl::session(SessionId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

Link* Connection::Impl::link(LinkId id) const {
  const auto found = context.links.find(id);
  return found == context.links.end() ? nullptr : found->second;
}

SessionId Connection::Impl::begin_session() {
  if (closed_ || is_closing()) return {};
  Session* begun = add_session();
  if (begun == nullptr) return {};
  begun->begin();
  return begun->id();
}

void Connection::Impl::end_session(SessionId id, std::optional<Error> error) {
  Session* ended = session(id);
  if (ended == nullptr) return;
  by_id_.erase(id);
  ended->end(std::move(error));
}

Result<void> Connection::Impl::on_session_frame(std::uint16_t channel, Performative&& performative, Slice payload) {
  if (const auto* begin = std::get_if<Begin>(&performative)) return on_begin(channel, *begin);
  Session* session = by_remote_channel_[channel];
  if (session == nullptr) return failure(condition::not_allowed, "a frame on a channel without session");
  if (auto* end = std::get_if<amqp::End>(&performative)) {
    on_end(*session, std::move(end->error));
    return {};
  }
  if (session->state() == Session::State::end_sent) return {};
  if (const auto* transfer = std::get_if<Transfer>(&performative)) return session->on_transfer(*transfer, std::move(payload));
  if (const auto* flow = std::get_if<Flow>(&performative)) return session->on_flow(*flow);
  if (const auto* disposition = std::get_if<Disposition>(&performative)) {
    session->on_disposition(*disposition);
    return {};
  }
  if (auto* attach = std::get_if<Attach>(&performative)) return session->on_attach(std::move(*attach));
  if (const auto* detach = std::get_if<Detach>(&performative)) return session->on_detach(*detach);
  return failure(condition::not_allowed, "a SASL performative in an AMQP frame");
}

Result<void> Connection::Impl::on_begin(std::uint16_t channel, const Begin& begin) {
  if (channel > context.config.channel_max) return failure(condition::framing_error, "begin: channel above our channel-max");
  if (by_remote_channel_[channel] != nullptr) return failure(condition::not_allowed, "begin: channel in use");
  if (begin.remote_channel) {
    Session* ours = sessions_[*begin.remote_channel].get();
    if (ours == nullptr || ours->remote_channel()) {
      return failure(condition::not_allowed, "begin: answers a session that does not wait for it");
    }
    by_remote_channel_.set(channel, ours);
    ours->on_begin(channel, begin, false);
    return {};
  }
  Session* added = peer_sessions_ < limits::kSessionsPerConnection ? add_session() : nullptr;
  if (added == nullptr) return failure(condition::resource_limit_exceeded, "too many sessions");
  ++peer_sessions_;
  by_remote_channel_.set(channel, added);
  added->on_begin(channel, begin, true);
  return {};
}

void Connection::Impl::on_end(Session& session, std::optional<Error> error) {
  if (session.state() != Session::State::end_sent) {
    context.events.push(SessionEnded{session.id(), std::move(error)});
    by_id_.erase(session.id());
    session.end(std::nullopt);
  }
  free_session(session);
}

Session* Connection::Impl::add_session() {
  const auto channel = channels_.take(channel_max());
  if (!channel) return nullptr;
  do ++last_session_id_;
  while (last_session_id_ == 0 || by_id_.contains(SessionId{last_session_id_}));
  const SessionId id{last_session_id_};
  auto session = std::make_unique<Session>(context, id, static_cast<std::uint16_t>(*channel));
  Session* added = session.get();
  sessions_.set(*channel, std::move(session));
  by_id_.emplace(id, added);
  return added;
}

/// Both ends have ended it: the channels may be used again (§2.5.4).
void Connection::Impl::free_session(Session& session) {
  if (session.by_peer()) --peer_sessions_;
  if (session.remote_channel()) by_remote_channel_.take(*session.remote_channel());
  const std::uint16_t channel = session.channel();
  sessions_.take(channel);
  channels_.give_back(channel);
}

void Connection::Impl::drop_sessions() {
  by_id_.clear();
  by_remote_channel_ = {};
  sessions_ = {};
  peer_sessions_ = 0;
}

std::uint16_t Connection::Impl::channel_max() const {
  return std::min(context.config.channel_max, peer_channel_max_.value_or(0xFFFF));
}

void Connection::Impl::check_invariants() const {
  std::size_t sessions = 0;
  std::size_t by_peer = 0;
  sessions_.for_each([&](const Session& session) {
    session.check_invariants();
    if (session.state() != Session::State::end_sent) ++sessions;
    if (session.by_peer()) ++by_peer;
  });
  VAN_ASSERT(sessions == by_id_.size());
  VAN_ASSERT(by_peer == peer_sessions_);
  if (closed_) VAN_ASSERT(context.links.empty() && context.deliveries.size() == 0 && context.peer_links == 0);
}

}  // namespace van::amqp
