#include "core/amqp/engine.h"

#include <algorithm>
#include <utility>

namespace van::amqp {
namespace {

constexpr std::uint32_t kSaslFrameBytes = 512;       // §5.3.1
constexpr std::uint32_t kFrameBytesMin = 512;        // §2.7.1
constexpr std::uint32_t kPeerIdleTimeoutMin = 100;   // ms; below it keep-alives would be a load of their own

Error error_of(std::string_view condition, std::string description) {
  return {std::string{condition}, std::move(description), {}};
}

OpenInfo info_of(const Open& open) {
  OpenInfo info;
  info.container_id = open.container_id;
  info.hostname = open.hostname.value_or("");
  info.max_frame_size = open.max_frame_size;
  info.channel_max = open.channel_max;
  if (open.idle_time_out.value_or(0) > 0) info.idle_timeout = std::chrono::milliseconds{*open.idle_time_out};
  info.offered_capabilities = open.offered_capabilities;
  info.desired_capabilities = open.desired_capabilities;
  info.properties = open.properties;
  return info;
}

Connection::Config checked(Connection::Config config) {
  config.max_frame_size = std::max(config.max_frame_size, kFrameBytesMin);
  return config;
}

}  // namespace

Connection::Impl::Impl(Config config, TimePoint now)
    : context{checked(std::move(config)), now},
      decoder_{kSaslFrameBytes},
      sasl_{context.config, context.wire},
      handshake_deadline_{now + context.config.handshake_timeout} {
  if (is_client() && !context.config.sasl_external && !context.config.sasl_anonymous) {
    begin_amqp();
  } else {
    sasl_.start();
  }
}

void Connection::Impl::receive(Slice bytes, TimePoint now) {
  if (closed_) return;
  context.wire.set_now(now);
  idle_.received(now);
  decoder_.push(std::move(bytes));
  process();
}

void Connection::Impl::process() {
  while (!closed_) {
    auto advanced = advance();
    if (!advanced) return fail(advanced.error());
    check_overflow();
    if (!*advanced) return;
  }
}

Result<bool> Connection::Impl::advance() {
  switch (layer_) {
    case Layer::sasl:
      return advance_sasl();
    case Layer::amqp_header:
      return advance_header();
    case Layer::frames:
      return advance_frames();
  }
  return false;
}

Result<bool> Connection::Impl::advance_sasl() {
  const auto step = sasl_.advance(decoder_);
  if (!step) return Unexpected{step.error()};
  if (*step == Sasl::Step::done || *step == Sasl::Step::skipped) begin_amqp();
  if (*step == Sasl::Step::skipped) on_amqp_header();
  return *step != Sasl::Step::waiting;
}

/// A client does not wait for the listener's header: it sends its own and its open at once (§2.4.1, control-plane 1.1).
void Connection::Impl::begin_amqp() {
  layer_ = Layer::amqp_header;
  decoder_.set_max_frame_bytes(context.config.max_frame_size);
  if (!is_client()) return;
  send_header();
  send_open();
}

Result<bool> Connection::Impl::advance_header() {
  const auto header = decoder_.next_header();
  if (!header) return Unexpected{header.error()};
  if (!*header) return false;
  if (**header != kAmqpHeader) return failure(condition::framing_error, "unknown protocol header");
  on_amqp_header();
  return true;
}

/// A server answers with its header at once, for clients that wait for it, and with its open after the client's.
void Connection::Impl::on_amqp_header() {
  layer_ = Layer::frames;
  move(ConnectionInput::rcv_hdr);
  if (!is_client()) send_header();
}

Result<bool> Connection::Impl::advance_frames() {
  auto frame = decoder_.next();
  if (!frame) return Unexpected{frame.error()};
  if (!*frame) return false;
  if (auto done = on_frame(**frame); !done) return Unexpected{done.error()};
  return true;
}

Result<void> Connection::Impl::on_frame(const Frame& frame) {
  if (frame.type != Frame::kAmqp) return failure(condition::framing_error, "a frame that is not of AMQP");
  if (frame.body.empty()) return {};  // keep-alive (§2.4.5)
  auto decoded = decode_performative(frame.body.view());
  if (!decoded) return Unexpected{decoded.error()};
  Slice payload = frame.body.from(decoded->bytes);
  Performative& performative = decoded->performative;
  if (!payload.empty() && !std::holds_alternative<Transfer>(performative)) {
    return failure(condition::decode_error, "bytes behind a performative that carries none");
  }
  if (const auto* open = std::get_if<Open>(&performative)) return on_open(*open);
  if (const auto* close = std::get_if<Close>(&performative)) return on_close(*close), Result<void>{};
  if (is_closing()) return {};
  if (state_ != ConnectionState::opened) return failure(condition::not_allowed, "a frame before open");
  return on_session_frame(frame.channel, std::move(performative), std::move(payload));
}

Result<void> Connection::Impl::on_open(const Open& open) {
  if (!next_state(state_, ConnectionInput::rcv_open)) return failure(condition::not_allowed, "open out of order");
  move(ConnectionInput::rcv_open);
  if (is_closing()) return {};
  context.wire.set_max_frame_size(std::min(open.max_frame_size, limits::kMaxFrameSizeSent));
  peer_channel_max_ = open.channel_max;
  OpenInfo info = info_of(open);
  if (!is_client()) send_open();
  if (info.idle_timeout && *open.idle_time_out < kPeerIdleTimeoutMin) {
    return failure(condition::not_allowed, "idle-time-out is too short to be kept");
  }
  idle_.start(context.wire.now(), context.config.idle_timeout, info.idle_timeout);
  context.events.push(Opened{std::move(info)});
  return {};
}

void Connection::Impl::on_close(const Close& close) {
  if (is_closing()) return finish(Closed{close.error, close.error.has_value()});
  if (state_ == ConnectionState::opened) move(ConnectionInput::rcv_close);
  if (open_is_out()) send_close(std::nullopt);
  finish(Closed{close.error, true});
}

void Connection::Impl::send_header() {
  context.wire.write_header(kAmqpHeader);
  move(ConnectionInput::snd_hdr);
}

void Connection::Impl::send_open() {
  const Config& config = context.config;
  Open open;
  open.container_id = config.container_id;
  if (!config.hostname.empty()) open.hostname = config.hostname;
  open.max_frame_size = config.max_frame_size;
  open.channel_max = config.channel_max;
  const auto announced = std::chrono::duration_cast<std::chrono::milliseconds>(config.idle_timeout / 2).count();
  if (announced > 0) open.idle_time_out = static_cast<std::uint32_t>(std::min<std::int64_t>(announced, 0xFFFFFFFF));
  open.offered_capabilities = config.offered_capabilities;
  open.desired_capabilities = config.desired_capabilities;
  open.properties = config.properties;
  context.wire.write_open(open);
  move(ConnectionInput::snd_open);
}

void Connection::Impl::send_close(std::optional<Error> error) {
  const bool with_error = error.has_value() && state_ != ConnectionState::close_rcvd;
  context.wire.write(0, amqp::Close{std::move(error)});
  move(with_error ? ConnectionInput::snd_close_error : ConnectionInput::snd_close);
}

/// The one place where the state changes. What the peer may not do is asked before.
void Connection::Impl::move(ConnectionInput input) {
  const auto to = next_state(state_, input);
  VAN_ASSERT(to.has_value());
  state_ = *to;
}

bool Connection::Impl::is_closing() const {
  return state_ == ConnectionState::oc_pipe || state_ == ConnectionState::close_pipe ||
         state_ == ConnectionState::close_sent || state_ == ConnectionState::discarding ||
         state_ == ConnectionState::end;
}

bool Connection::Impl::open_is_out() const {
  return state_ == ConnectionState::open_pipe || state_ == ConnectionState::open_sent ||
         state_ == ConnectionState::opened || state_ == ConnectionState::close_rcvd;
}

void Connection::Impl::close(std::optional<Error> error) {
  if (closed_ || is_closing()) return;
  if (!open_is_out()) return finish(Closed{});
  send_close(std::move(error));
  close_deadline_ = context.wire.now();
  drop_sessions();
}

/// The peer or the world is wrong: tell the peer why where AMQP has begun, and be done without waiting for its answer.
void Connection::Impl::fail(Error error) {
  if (closed_) return;
  if (layer_ != Layer::sasl && !is_closing()) {
    if (state_ == ConnectionState::start) send_header();      // §2.2: what we speak, then the end
    if (state_ == ConnectionState::hdr_exch) send_open();     // a close needs an open before it
    if (open_is_out()) send_close(error);
  }
  finish(Closed{std::move(error), false});
}

void Connection::Impl::finish(Closed closed) {
  closed_ = true;
  drop_sessions();
  context.events.push(std::move(closed));
}

void Connection::Impl::check_overflow() {
  if (context.wire.overflowed()) fail(error_of(condition::resource_limit_exceeded, "a frame is larger than the peer takes"));
}

void Connection::Impl::transport_closed(TimePoint now) {
  if (closed_) return;
  context.wire.set_now(now);
  if (is_closing()) return finish(Closed{});
  finish(Closed{error_of(condition::framing_error, "connection aborted"), true});
}

void Connection::Impl::handle_deadline(TimePoint now) {
  if (closed_) return;
  context.wire.set_now(now);
  if (is_closing()) {
    if (now < close_deadline_) return;
    if (close_deadline_armed_) return fail(error_of(condition::resource_limit_exceeded, "close was not answered"));
    close_deadline_armed_ = true;
    close_deadline_ = now + context.config.handshake_timeout;
    return;
  }
  if (state_ != ConnectionState::opened) {
    if (now >= handshake_deadline_) fail(error_of(condition::resource_limit_exceeded, "no open within the time for it"));
    return;
  }
  if (idle_.expired(now)) return fail(error_of(condition::resource_limit_exceeded, "idle time-out expired"));
  if (idle_.keep_alive_due(now, context.wire.last_write())) context.wire.write_empty();
}

TimePoint Connection::Impl::next_deadline() const {
  if (closed_) return kNever;
  if (is_closing()) return close_deadline_;
  return state_ == ConnectionState::opened ? idle_.deadline() : handshake_deadline_;
}

void Connection::Impl::answer_drains() {
  for (const LinkId id : std::exchange(context.draining, {})) {
    if (Link* drained = link(id)) drained->session->answer_drain(*drained);
  }
}

}  // namespace van::amqp
