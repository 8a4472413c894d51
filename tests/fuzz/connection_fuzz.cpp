// The first octet picks a start state, the rest is a script: octets and frames from the peer, commands, deadlines. Two
// engines play it, one of which gets the peer's octets in small pieces: both must say and write the same.
#include <algorithm>
#include <optional>
#include <vector>

#include "core/amqp/connection.h"
#include "core/amqp/frame_decoder.h"
#include "core/amqp/performatives.h"
#include "core/base/assert.h"
#include "tests/core/amqp/event_text.h"

namespace van::amqp {
namespace {

class Script {
 public:
  explicit Script(ByteView bytes) : bytes_{bytes} {}
  [[nodiscard]] bool done() const { return bytes_.empty(); }
  std::uint8_t octet() {
    if (bytes_.empty()) return 0;
    const std::uint8_t value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::uint8_t below(std::uint8_t bound) { return static_cast<std::uint8_t>(octet() % bound); }
  bool flag() { return (octet() & 1) != 0; }
  /// Mostly small, seldom anything.
  std::uint32_t number() {
    const std::uint8_t value = octet();
    if (value < 200) return value % 8;
    if (value < 220) return value;
    if (value < 240) return 0u - (value % 8);
    return std::uint32_t{octet()} << 24 | std::uint32_t{octet()} << 16 | octet();
  }
  std::optional<std::uint32_t> maybe_number() { return flag() ? std::optional{number()} : std::nullopt; }
  ByteView take(std::size_t count) {
    const ByteView taken = bytes_.first(std::min(count, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  ByteView bytes_;
};

std::optional<Error> maybe_error(Script& script) {
  if (!script.flag()) return std::nullopt;
  return Error{std::string{condition::internal_error}, std::string(script.octet(), 'e'), {}};
}

std::optional<DeliveryState> maybe_state(Script& script) {
  switch (script.below(6)) {
    case 0: return Received{script.number(), script.number()};
    case 1: return Accepted{};
    case 2: return Rejected{maybe_error(script)};
    case 3: return Released{};
    case 4: return Modified{script.flag(), script.flag(), {}};
    default: return std::nullopt;
  }
}

std::optional<Terminus> maybe_terminus(Script& script) {
  if (script.below(8) == 0) return std::nullopt;
  Terminus terminus;
  if (script.flag()) terminus.address = std::string(script.octet(), 'a');
  return terminus;
}

std::string name(Script& script) { return std::string(1, static_cast<char>('a' + script.below(6))); }
LinkRole role(Script& script) { return script.flag() ? LinkRole::receiver : LinkRole::sender; }

Performative performative(Script& script) {
  switch (script.below(12)) {
    case 0: {
      Open open;
      open.container_id = "p";
      open.max_frame_size = 512 + script.number();
      open.channel_max = static_cast<std::uint16_t>(script.number());
      open.idle_time_out = script.maybe_number();
      return open;
    }
    case 1: {
      Begin begin;
      if (script.flag()) begin.remote_channel = static_cast<std::uint16_t>(script.number());
      begin.next_outgoing_id = script.number();
      begin.incoming_window = script.number();
      begin.handle_max = script.number();
      return begin;
    }
    case 2:
    case 3: {
      Attach attach;
      attach.name = name(script);
      attach.handle = script.number();
      attach.role = role(script);
      attach.source = maybe_terminus(script);
      attach.target = maybe_terminus(script);
      if (attach.role == LinkRole::sender) attach.initial_delivery_count = script.number();
      return attach;
    }
    case 4:
    case 5: {
      Flow flow;
      flow.next_incoming_id = script.maybe_number();
      flow.incoming_window = script.number();
      flow.echo = script.flag();
      flow.handle = script.maybe_number();
      if (flow.handle) {
        flow.delivery_count = script.maybe_number();
        flow.link_credit = script.number();
        flow.drain = script.flag();
      }
      return flow;
    }
    case 6:
    case 7:
    case 8: {
      Disposition disposition;
      disposition.role = role(script);
      disposition.first = script.number();
      disposition.last = script.maybe_number();
      disposition.settled = script.flag();
      disposition.state = maybe_state(script);
      return disposition;
    }
    case 9: return Detach{script.number(), script.flag(), maybe_error(script)};
    case 10: return End{maybe_error(script)};
    default: return Close{maybe_error(script)};
  }
}

Bytes transfer_frame(Script& script, std::uint16_t channel) {
  Transfer transfer;
  transfer.handle = script.number();
  transfer.delivery_id = script.maybe_number();
  const std::uint8_t flags = script.octet();
  transfer.more = (flags & 1) != 0;
  transfer.aborted = (flags & 6) == 6;
  if ((flags & 8) != 0) transfer.settled = true;
  const Bytes payload(script.octet(), 'p');
  Bytes frame(kTransferHeaderMax);
  frame.resize(encode_transfer_header(frame, channel, transfer, payload.size()));
  append(frame, payload);
  return frame;
}

/// One engine with what its application knows.
struct Player {
  Player(Connection::Config config, std::size_t piece_size) : engine{std::move(config), TimePoint{}}, piece{piece_size} {}
  Connection engine;
  std::size_t piece;  // the peer's octets come in pieces of this size
  std::vector<SessionId> sessions;
  std::vector<LinkId> links;
  std::vector<DeliveryId> deliveries;
  std::vector<std::string> events;

  void receive(ByteView bytes, TimePoint now) {
    while (!bytes.empty()) {
      const std::size_t count = std::min(piece, bytes.size());
      engine.receive(Slice::copy_of(bytes.first(count)), now);
      bytes = bytes.subspan(count);
    }
  }
  void poll() {
    while (auto event = engine.poll_event()) {
      events.push_back(test::EventText::of(*event));
      if (const auto* begun = std::get_if<SessionBegun>(&*event)) sessions.push_back(begun->session);
      if (const auto* attached = std::get_if<Attached>(&*event)) links.push_back(attached->link);
      if (const auto* transfer = std::get_if<TransferReceived>(&*event)) deliveries.push_back(transfer->delivery);
    }
  }
  template <class T>
  static T pick(const std::vector<T>& from, std::uint8_t number) {
    return from.empty() ? T{number} : from[from.size() - 1 - number % from.size()];
  }
  [[nodiscard]] DeliveryId a_delivery(Script& script) const { return pick(deliveries, script.octet()); }
  [[nodiscard]] LinkId a_link(Script& script) const { return pick(links, script.octet()); }
  [[nodiscard]] SessionId a_session(Script& script) const { return pick(sessions, script.octet()); }
};

void send(Player& player, Script& script) {
  const DeliveryId delivery = player.a_delivery(script);
  SliceQueue payload;
  payload.push_copy(Bytes(script.octet() * 8u, 'o'));
  const std::size_t before = payload.bytes();
  const auto end = script.flag() ? Connection::End::last : Connection::End::more;
  const std::size_t max = script.flag() ? SIZE_MAX : script.octet();
  const auto sent = player.engine.send(delivery, payload, end, max);
  VAN_ASSERT(sent.bytes <= max && payload.bytes() == before - sent.bytes);
  VAN_ASSERT(!sent.complete || (payload.empty() && end == Connection::End::last));
}

void command(Player& player, Script& script) {
  Connection& engine = player.engine;
  switch (script.below(12)) {
    case 0:
      if (const auto session = engine.begin_session()) player.sessions.push_back(session);
      return;
    case 1:
      return engine.end_session(player.a_session(script), maybe_error(script));
    case 2: {
      Connection::AttachOptions options;
      options.role = role(script);
      options.name = name(script);
      options.credit = script.number();
      if (const auto link = engine.attach(player.a_session(script), options)) player.links.push_back(link);
      return;
    }
    case 3: {
      const LinkId link = player.a_link(script);
      engine.accept_attach(link, maybe_terminus(script), maybe_terminus(script), script.number());
      return;
    }
    case 4:
      engine.detach(player.a_link(script), maybe_error(script));
      return;
    case 5: {
      const LinkId link = player.a_link(script);
      engine.set_credit(link, script.number());
      return;
    }
    case 6:
      engine.set_window_open(player.a_session(script), script.flag());
      return;
    case 7: {
      const LinkId link = player.a_link(script);
      const std::uint32_t credit = engine.credit(link);
      if (const auto delivery = engine.begin_delivery(link, script.flag())) {
        VAN_ASSERT(credit > 0);
        player.deliveries.push_back(*delivery);
      }
      return;
    }
    case 8:
      return send(player, script);
    case 9:
      engine.abort(player.a_delivery(script));
      return;
    case 10: {
      const DeliveryId delivery = player.a_delivery(script);
      const auto state = maybe_state(script);
      engine.update(delivery, state, script.flag());
      return;
    }
    default:
      if (script.below(16) == 0) engine.close(maybe_error(script));
      return;
  }
}

/// What the peer says until the state is reached that the script begins in.
Bytes prelude(std::uint8_t state) {
  Bytes bytes;
  const auto add = [&bytes](std::uint16_t channel, const Performative& one) { append(bytes, encode_frame(channel, one)); };
  if (state < 1) return bytes;
  append(bytes, kAmqpHeader.encode());
  Open open;
  open.container_id = "peer";
  open.max_frame_size = 512;
  add(0, open);
  if (state < 2) return bytes;
  Begin begin;
  begin.incoming_window = state == 3 ? 2 : 1000;
  add(0, begin);
  for (std::uint32_t handle = 0; handle < 4; ++handle) {
    Attach attach;
    attach.name = "prelude" + std::to_string(handle);
    attach.handle = handle;
    attach.role = handle % 2 == 0 ? LinkRole::sender : LinkRole::receiver;
    attach.source = attach.target = Terminus{};
    if (handle % 2 == 0) attach.initial_delivery_count = 0;
    add(0, attach);
  }
  return bytes;
}

void play(Player& player, ByteView bytes, std::uint8_t state) {
  TimePoint now{};
  player.receive(prelude(state), now);
  player.poll();
  if (state >= 2) {
    for (const LinkId link : player.links) player.engine.accept_attach(link, Terminus{}, Terminus{}, 5);
  }
  Script script{bytes};
  while (!script.done()) {
    const std::uint8_t what = script.below(8);
    if (what == 0) player.receive(script.take(script.octet()), now);
    if (what == 1 || what == 2) {
      const auto channel = static_cast<std::uint16_t>(script.number());
      player.receive(encode_frame(channel, performative(script)), now);
    }
    if (what == 3 || what == 4) player.receive(transfer_frame(script, static_cast<std::uint16_t>(script.number())), now);
    if (what == 5 || what == 6) command(player, script);
    if (what == 7) {
      const TimePoint deadline = std::clamp(player.engine.next_deadline(), now, now + std::chrono::hours{1});
      now = script.flag() ? now + std::chrono::milliseconds{script.octet()} : deadline;
      player.engine.handle_deadline(now);
      VAN_ASSERT(player.engine.next_deadline() > now);
    }
    player.engine.check_invariants();
    if (script.octet() % 4 != 0) player.poll();
  }
  player.poll();
  if (script.flag()) player.engine.transport_closed(now);
  player.poll();
  player.engine.check_invariants();
}

Connection::Config config_of(std::uint8_t bits) {
  Connection::Config config;
  config.side = (bits & 1) != 0 ? Connection::Side::server : Connection::Side::client;
  config.container_id = "engine";
  config.sasl_anonymous = (bits & 1) != 0 || (bits & 2) != 0;
  config.session_window_frames = (bits & 4) != 0 ? 3 : 100;
  config.max_frame_size = 1024;
  return config;
}

}  // namespace
}  // namespace van::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace van;
  using namespace van::amqp;
  if (size == 0) return 0;
  const std::uint8_t first = data[0];
  const auto state = static_cast<std::uint8_t>(first >> 3 & 3);
  Player whole{config_of(first), SIZE_MAX};
  Player pieces{config_of(first), 1u + (first >> 5)};
  play(whole, {data + 1, size - 1}, state);
  play(pieces, {data + 1, size - 1}, state);
  VAN_ASSERT(whole.events == pieces.events);
  VAN_ASSERT(whole.engine.output().peek(SIZE_MAX) == pieces.engine.output().peek(SIZE_MAX));
  std::size_t ends = 0;
  for (const std::string& event : whole.events) {
    VAN_ASSERT(ends == 0);  // nothing follows Closed
    if (event.starts_with("closed")) ++ends;
  }
  VAN_ASSERT((ends == 1) == whole.engine.is_closed());
  return 0;
}
