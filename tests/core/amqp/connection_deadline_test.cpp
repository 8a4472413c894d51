#include "core/amqp/connection.h"

#include "tests/core/amqp/pair.h"
#include "tests/core/amqp/raw_peer.h"
#include "tests/support/catch.h"

namespace van {
namespace {

using amqp::Closed;
using test::LinkedPair;
using test::next;
using test::Pair;
using test::RawPeer;
using namespace std::chrono_literals;

}  // namespace

TEST_CASE("a peer that falls silent is closed after the idle time-out (AMQP 1.0 §2.4.5)", "[amqp][connection]") {
  Pair pair{{.idle_timeout = 60s}};
  pair.open();
  pair.b_silent = true;
  pair.advance(60s - 1ms);
  CHECK(pair.a.is_open());
  pair.advance(1ms);
  CHECK(next<Closed>(pair.a).error->condition == amqp::condition::resource_limit_exceeded);
  CHECK(next<Closed>(pair.b).by_peer);
}

TEST_CASE("empty frames keep an idle connection alive, and wake nobody more often than needed", "[amqp][connection]") {
  Pair pair{{.idle_timeout = 16s}};  // announced as 8 s: something every 4 s
  pair.open();
  pair.wakes = 0;
  pair.advance(160s);
  CHECK(pair.a.is_open());
  CHECK(pair.b.is_open());
  // Both sides keep alive at the same moments: 40 of them; the silence of the peer is looked at every 12 to 16 s.
  CHECK(pair.wakes >= 40);
  CHECK(pair.wakes <= 40 + 14);
}

TEST_CASE("a connection without idle time-outs wakes nobody", "[amqp][connection]") {
  Pair pair{{.idle_timeout = 0s}};
  pair.open();
  CHECK(pair.a.next_deadline() == kNever);
  CHECK(pair.b.next_deadline() == kNever);
}

TEST_CASE("traffic moves no deadline, and replaces keep-alives", "[amqp][connection]") {
  LinkedPair pair{1'000'000, true, {.idle_timeout = 16s}};
  pair.wakes = 0;
  std::size_t bytes = 0;
  for (int i = 0; i < 1600; ++i) {
    const TimePoint before = pair.a.next_deadline();
    REQUIRE(test::send_whole(pair.a, pair.a_link, 10, true));
    CHECK(pair.a.next_deadline() == before);
    bytes += pair.a.output().bytes();
    pair.advance(100ms);
    test::drain(pair.b);
  }
  CHECK(pair.a.is_open());
  CHECK(pair.wakes <= 2 * (40 + 14));
  CHECK(bytes < 1600 * 60);
}

TEST_CASE("the keep-alive is an empty frame at half of what the peer announced", "[amqp][connection]") {
  RawPeer peer{RawPeer::server({.idle_timeout = 0s})};
  peer.open({.idle_time_out = 1000});
  peer.engine.handle_deadline(test::kStart + 500ms - 1ns);
  CHECK(peer.received().empty());
  peer.engine.handle_deadline(test::kStart + 500ms);
  const auto sent = peer.received();
  REQUIRE(sent.size() == 1);
  CHECK_FALSE(sent[0].performative.has_value());
  CHECK(sent[0].channel == 0);
  CHECK(peer.engine.next_deadline() == test::kStart + 1000ms);
}

TEST_CASE("what we sent last puts the keep-alive off", "[amqp][connection]") {
  RawPeer peer{RawPeer::server({.idle_timeout = 0s})};
  peer.open({.idle_time_out = 1000});
  peer.begin();
  peer.now += 300ms;
  peer.send(0, amqp::Flow{.incoming_window = 1, .outgoing_window = 1, .echo = true});
  CHECK(peer.received().size() == 1);
  peer.engine.handle_deadline(test::kStart + 500ms);
  CHECK(peer.received().empty());
  CHECK(peer.engine.next_deadline() == test::kStart + 800ms);
  peer.engine.handle_deadline(test::kStart + 800ms);
  CHECK(peer.received().size() == 1);
}

TEST_CASE("a time-out that cannot be kept is refused (AMQP 1.0 §2.4.5)", "[amqp][connection]") {
  RawPeer peer{RawPeer::server()};
  peer.send(amqp::kAmqpHeader);
  peer.send(0, amqp::Open{.container_id = "hasty", .idle_time_out = 5});
  CHECK(peer.closed_with() == amqp::condition::not_allowed);
}

TEST_CASE("empty frames of the peer are a sign of life on any channel", "[amqp][connection]") {
  RawPeer peer{RawPeer::server({.idle_timeout = 10s})};
  peer.open();
  for (int i = 0; i < 5; ++i) {
    peer.now += 9s;
    peer.engine.handle_deadline(peer.now);
    peer.send_bytes(Bytes{0, 0, 0, 8, 2, 0, 0x12, 0x34});
  }
  CHECK(peer.engine.is_open());
  peer.engine.handle_deadline(peer.now + 10s - 1ns);
  CHECK(peer.engine.is_open());
  peer.engine.handle_deadline(peer.now + 10s);
  CHECK(peer.closed_with() == amqp::condition::resource_limit_exceeded);
}

}  // namespace van
