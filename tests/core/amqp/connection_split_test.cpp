#include "core/amqp/connection.h"

#include "core/base/random.h"
#include "tests/core/amqp/event_text.h"
#include "tests/core/amqp/pair.h"
#include "tests/core/amqp/raw_peer.h"
#include "tests/support/catch.h"

namespace van {
namespace {

using amqp::LinkRole;
using test::RawPeer;

/// What a server sends in a whole life to a client that has asked for all it wants in advance: SASL, links of both ends,
/// deliveries of all kinds, ends of all kinds.
Bytes conversation() {
  Bytes bytes;
  const auto add = [&bytes](std::uint16_t channel, const amqp::Performative& performative) {
    append(bytes, amqp::encode_frame(channel, performative));
  };
  const auto transfer = [&bytes](amqp::Transfer header, ByteView payload, bool settled = false, bool aborted = false) {
    if (settled) header.settled = true;
    header.aborted = aborted;
    Bytes frame(amqp::kTransferHeaderMax);
    frame.resize(amqp::encode_transfer_header(frame, 4, header, payload.size()));
    append(frame, payload);
    append(bytes, frame);
  };
  append(bytes, amqp::kSaslHeader.encode());
  add(0, amqp::SaslMechanisms{{"PLAIN", "ANONYMOUS"}});
  add(0, amqp::SaslOutcome{amqp::SaslCode::ok, {}});
  append(bytes, amqp::kAmqpHeader.encode());
  add(0, amqp::Open{.container_id = "server", .max_frame_size = 1024, .idle_time_out = 8000});
  add(4, amqp::Begin{.remote_channel = 0, .incoming_window = 5, .outgoing_window = 5});
  add(1, amqp::Begin{.incoming_window = 5, .outgoing_window = 5});
  add(4, RawPeer::attach_of("in", 3, LinkRole::sender));
  add(4, RawPeer::attach_of("out", 1, LinkRole::receiver));
  append(bytes, amqp::kEmptyFrame);
  add(4, amqp::Flow{.next_incoming_id = 0, .incoming_window = 9, .handle = 1, .link_credit = 3, .echo = true});
  add(1, RawPeer::attach_of("peer's own", 0, LinkRole::sender));
  transfer(RawPeer::transfer_of(3, 0, true), as_bytes("first of three"));
  transfer(RawPeer::transfer_of(3, std::nullopt, true), {});
  transfer(RawPeer::transfer_of(3, 0), as_bytes("the end"));
  transfer(RawPeer::transfer_of(3, 1), Bytes(800, 'x'));
  transfer(RawPeer::transfer_of(3, 2, true), as_bytes("void"));
  transfer(RawPeer::transfer_of(3, 2), {}, true, true);
  transfer(RawPeer::transfer_of(3, 3), as_bytes("settled"), true);
  add(4, amqp::Disposition{.role = LinkRole::sender, .first = 0, .last = 1, .settled = true});
  transfer(RawPeer::transfer_of(3, 4, true), as_bytes("never ended"));
  add(4, amqp::Detach{.handle = 1, .closed = true, .error = amqp::Error{"amqp:not-found", "words", {}}});
  add(1, amqp::End{});
  add(0, amqp::Close{amqp::Error{"amqp:connection:forced", "bye", {}}});
  return bytes;
}

struct History {
  std::vector<std::string> events;
  Bytes output;
  friend bool operator==(const History&, const History&) = default;
};

/// The application makes all its calls in advance, so that they fall at the same place in every split.
History play(const Bytes& bytes, const std::vector<std::size_t>& cuts) {
  RawPeer peer{test::with_side({}, amqp::Connection::Side::client)};
  const auto session = peer.engine.begin_session();
  peer.engine.attach(session, {.role = LinkRole::receiver, .name = "in", .credit = 4});
  peer.engine.attach(session, {.role = LinkRole::sender, .name = "out"});
  History history;
  std::size_t at = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : bytes.size();
    peer.send_bytes(ByteView{bytes}.subspan(at, end - at));
    at = end;
    while (auto event = peer.engine.poll_event()) history.events.push_back(test::EventText::of(*event));
  }
  history.output = peer.engine.output().peek(SIZE_MAX);
  return history;
}

std::vector<std::size_t> cuts_every(std::size_t size, std::size_t step) {
  std::vector<std::size_t> cuts;
  for (std::size_t at = step; at < size; at += step) cuts.push_back(at);
  return cuts;
}

}  // namespace

TEST_CASE("any split of the stream gives the same events and the same answers", "[amqp][connection]") {
  const Bytes bytes = conversation();
  const History whole = play(bytes, {});
  CAPTURE(whole.events);
  CHECK(whole.events.size() == 20);
  CHECK(whole.events.front().starts_with("opened server"));
  CHECK(whole.events.back().starts_with("closed 1 error amqp:connection:forced"));

  SECTION("in two at every place") {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      CAPTURE(cut);
      REQUIRE(play(bytes, {cut}) == whole);
    }
  }
  SECTION("in pieces of one size") {
    for (const std::size_t step : {1u, 2u, 3u, 7u, 8u, 64u}) {
      CAPTURE(step);
      REQUIRE(play(bytes, cuts_every(bytes.size(), step)) == whole);
    }
  }
  SECTION("anywhere") {
    for (std::uint64_t seed = 1; seed < 200; ++seed) {
      CAPTURE(seed);
      Rng rng{seed};
      std::vector<std::size_t> cuts;
      for (std::size_t at = rng.below(60); at < bytes.size(); at += rng.below(60)) cuts.push_back(at);
      REQUIRE(play(bytes, cuts) == whole);
    }
  }
}

TEST_CASE("a stream that ends anywhere leaves an engine that can be told so", "[amqp][connection]") {
  const Bytes bytes = conversation();
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    RawPeer peer{test::with_side({}, amqp::Connection::Side::client)};
    peer.send_bytes(ByteView{bytes}.first(length));
    peer.engine.transport_closed(peer.now);
    CAPTURE(length);
    REQUIRE(test::all<amqp::Closed>(peer.engine).size() == 1);
    REQUIRE(peer.engine.is_closed());
    peer.engine.check_invariants();
  }
}

TEST_CASE("a stream with one octet changed never breaks the engine", "[amqp][connection]") {
  const Bytes bytes = conversation();
  for (std::uint64_t seed = 1; seed < 400; ++seed) {
    CAPTURE(seed);
    Rng rng{seed};
    Bytes changed = bytes;
    changed[rng.below(changed.size())] = static_cast<std::uint8_t>(rng.next());
    const History whole = play(changed, {});
    REQUIRE(play(changed, {rng.below(changed.size())}).events == whole.events);
  }
}

}  // namespace van
