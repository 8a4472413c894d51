#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "core/amqp/frame_decoder.h"
#include "core/amqp/performatives.h"
#include "tests/core/amqp/pair.h"

namespace van::test {

/// An engine whose peer is the test: it writes performatives by hand, right or wrong, and reads what the engine answers.
class RawPeer {
 public:
  explicit RawPeer(amqp::Connection::Config config = {}) : engine{std::move(config), kStart} {}

  amqp::Connection engine;
  TimePoint now = kStart;

  struct Received {
    std::optional<amqp::ProtocolHeader> header;
    std::uint16_t channel = 0;
    std::optional<amqp::Performative> performative;  ///< none: an empty frame
    Bytes payload;
  };

  void send_bytes(ByteView bytes) {
    engine.receive(Slice::copy_of(bytes), now);
    engine.check_invariants();
  }
  void send(amqp::ProtocolHeader header) { send_bytes(header.encode()); }
  void send(std::uint16_t channel, const amqp::Performative& performative) {
    send_bytes(amqp::encode_frame(channel, performative));
  }
  void send(std::uint16_t channel, const amqp::Transfer& transfer, ByteView payload) {
    Bytes frame(amqp::kTransferHeaderMax);
    frame.resize(amqp::encode_transfer_header(frame, channel, transfer, payload.size()));
    append(frame, payload);
    send_bytes(frame);
  }

  /// What the engine has written since the last call.
  std::vector<Received> received() {
    std::vector<Received> all;
    SliceQueue& output = engine.output();
    while (output.bytes() >= 8) {
      const Bytes start = output.peek(8);
      Received one;
      if (start[0] == 'A') {
        output.consume(8);
        one.header = amqp::ProtocolHeader{start[4], start[5], start[6], start[7]};
      } else {
        amqp::FrameDecoder decoder{0x7FFFFFFF};
        const auto size = std::size_t{start[0]} << 24 | std::size_t{start[1]} << 16 | std::size_t{start[2]} << 8 | start[3];
        decoder.push(Slice::copy_of(output.peek(size)));
        output.consume(size);
        const auto frame = decoder.next();
        REQUIRE(frame.has_value());
        REQUIRE(frame->has_value());
        one.channel = (**frame).channel;
        const ByteView body = (**frame).body.view();
        if (!body.empty()) {
          auto decoded = amqp::decode_performative(body);
          REQUIRE(decoded.has_value());
          one.payload = to_bytes(body.subspan(decoded->bytes));
          one.performative = std::move(decoded->performative);
        }
      }
      all.push_back(std::move(one));
    }
    REQUIRE(output.empty());
    return all;
  }
  /// The performatives of type P among received(); the rest is dropped.
  template <class P>
  std::vector<P> received_of() {
    std::vector<P> found;
    for (auto& one : received()) {
      if (!one.performative) continue;
      if (auto* wanted = std::get_if<P>(&*one.performative)) found.push_back(std::move(*wanted));
    }
    return found;
  }
  /// The one performative of type P since the last call.
  template <class P>
  P only() {
    auto found = received_of<P>();
    REQUIRE(found.size() == 1);
    return std::move(found.front());
  }

  /// Plays the client as far as Opened, without SASL.
  void open(amqp::Open open = {}) {
    if (open.container_id.empty()) open.container_id = "raw";
    send(amqp::kAmqpHeader);
    send(0, open);
    next<amqp::Opened>(engine);
    received();
  }
  static amqp::Connection::Config server(amqp::Connection::Config config = {}) {
    return with_side(std::move(config), amqp::Connection::Side::server);
  }
  /// A session of the peer on its channel `channel`.
  amqp::SessionId begin(std::uint16_t channel = 0, std::uint32_t incoming_window = 100) {
    amqp::Begin begin;
    begin.incoming_window = incoming_window;
    begin.outgoing_window = 100;
    send(channel, begin);
    const auto session = next<amqp::SessionBegun>(engine).session;
    received();
    return session;
  }
  static amqp::Attach attach_of(std::string name, std::uint32_t handle, amqp::LinkRole role) {
    amqp::Attach attach;
    attach.name = std::move(name);
    attach.handle = handle;
    attach.role = role;
    attach.source = amqp::Terminus{};
    attach.target = amqp::Terminus{};
    if (role == amqp::LinkRole::sender) attach.initial_delivery_count = 0;
    return attach;
  }
  /// A link of the peer with that role, accepted by the engine with `credit`.
  amqp::LinkId attach(std::string name, std::uint32_t handle, amqp::LinkRole role, std::uint32_t credit = 0) {
    send(0, attach_of(std::move(name), handle, role));
    const auto attached = next<amqp::Attached>(engine);
    REQUIRE(engine.accept_attach(attached.link, attached.source, attached.target, credit));
    received();
    return attached.link;
  }
  static amqp::Transfer transfer_of(std::uint32_t handle, std::optional<std::uint32_t> id, bool more = false) {
    amqp::Transfer transfer;
    transfer.handle = handle;
    transfer.delivery_id = id;
    if (id) transfer.delivery_tag = amqp::TagOctets::of(as_bytes("tag"));
    transfer.more = more;
    return transfer;
  }

  /// The engine has given up: the condition that it told the peer, and the same in Closed.
  std::string closed_with() {
    const auto closes = received_of<amqp::Close>();
    const auto closed = all<amqp::Closed>(engine);
    REQUIRE(closed.size() == 1);
    REQUIRE(closed[0].error.has_value());
    CHECK_FALSE(closed[0].by_peer);
    CHECK(engine.is_closed());
    CHECK(engine.next_deadline() == kNever);
    REQUIRE(closes.size() == 1);
    REQUIRE(closes[0].error.has_value());
    CHECK(closes[0].error->condition == closed[0].error->condition);
    return closed[0].error->condition;
  }
};

}  // namespace van::test
