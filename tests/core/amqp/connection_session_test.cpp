#include "core/amqp/connection.h"

#include "tests/core/amqp/pair.h"
#include "tests/core/amqp/raw_peer.h"
#include "tests/support/catch.h"

namespace van {
namespace {

using amqp::Attached;
using amqp::Closed;
using amqp::SessionBegun;
using amqp::SessionEnded;
using amqp::SessionWritable;
using amqp::TransferReceived;
using test::LinkedPair;
using test::next;
using test::Pair;
using test::RawPeer;
using End = amqp::Connection::End;

amqp::Begin begin_of(std::uint32_t window = 10) { return {.incoming_window = window, .outgoing_window = 10}; }

}  // namespace

TEST_CASE("a session is begun by either side and answered by the other (AMQP 1.0 §2.5.1)", "[amqp][session]") {
  Pair pair;
  pair.open();
  const auto session = pair.a.begin_session();
  REQUIRE(session);
  pair.settle();
  const auto at_a = next<SessionBegun>(pair.a);
  CHECK(at_a.session == session);
  CHECK_FALSE(at_a.by_peer);
  CHECK(next<SessionBegun>(pair.b).by_peer);

  const auto back = pair.b.begin_session();
  pair.settle();
  CHECK(next<SessionBegun>(pair.a).by_peer);
  CHECK(next<SessionBegun>(pair.b).session == back);
}

TEST_CASE("our begin says what real routers say", "[amqp][session]") {
  RawPeer peer{RawPeer::server({.session_window_frames = 77})};
  peer.open();
  peer.engine.begin_session();
  const auto begin = peer.only<amqp::Begin>();
  CHECK_FALSE(begin.remote_channel.has_value());
  CHECK(begin.next_outgoing_id == 0);
  CHECK(begin.incoming_window == 77);
  CHECK(begin.outgoing_window == 0x7FFFFFFF);
  CHECK(begin.handle_max == limits::kLinksPerConnection - 1);
  peer.send(5, begin_of());
  const auto answer = peer.only<amqp::Begin>();
  CHECK(answer.remote_channel == 5);
}

TEST_CASE("an end is answered, and the session is over at both ends (AMQP 1.0 §2.5.4)", "[amqp][session]") {
  LinkedPair pair;
  REQUIRE(test::send_whole(pair.a, pair.a_link, 10));
  pair.settle();
  const auto delivery = next<TransferReceived>(pair.b).delivery;

  const amqp::Error error{"amqp:internal-error", "why", {}};
  pair.a.end_session(pair.a_session, error);
  CHECK_FALSE(pair.a.attach(pair.a_session, {.name = "x"}));
  CHECK_FALSE(pair.a.begin_delivery(pair.a_link, true).has_value());
  pair.settle();
  const auto ended = next<SessionEnded>(pair.b);
  CHECK(ended.session == pair.b_session);
  CHECK(ended.error == error);
  CHECK_FALSE(pair.b.poll_event().has_value());  // no Detached, and nothing about the delivery
  CHECK_FALSE(pair.a.poll_event().has_value());
  CHECK_FALSE(pair.b.update(delivery, amqp::Accepted{}, true));
  CHECK_FALSE(pair.b.detach(pair.b_link));
  CHECK(pair.a.is_open());
}

TEST_CASE("both ends of a session may go at once", "[amqp][session]") {
  LinkedPair pair;
  pair.a.end_session(pair.a_session);
  pair.b.end_session(pair.b_session);
  pair.settle();
  CHECK(pair.a.is_open());
  CHECK(pair.b.is_open());
  CHECK_FALSE(pair.a.poll_event().has_value());
  CHECK_FALSE(pair.b.poll_event().has_value());
}

TEST_CASE("late frames of an ended session are ignored until the peer's end", "[amqp][session]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  const auto session = peer.begin();
  peer.attach("link", 0, amqp::LinkRole::sender, 10);
  peer.engine.end_session(session);
  peer.only<amqp::End>();
  peer.send(0, RawPeer::transfer_of(0, 0), Bytes{1});
  peer.send(0, RawPeer::attach_of("other", 1, amqp::LinkRole::sender));
  peer.send(0, amqp::Flow{.next_incoming_id = 99, .handle = 12, .echo = true});
  peer.send(0, amqp::Detach{.handle = 7});
  CHECK(peer.received().empty());
  CHECK_FALSE(peer.engine.poll_event().has_value());
  peer.send(0, amqp::End{});
  CHECK(peer.received().empty());
  peer.send(0, begin_of());  // the channel is free again
  next<SessionBegun>(peer.engine);
  CHECK(peer.only<amqp::Begin>().remote_channel == 0);
}

TEST_CASE("a channel is used again only when both ends are done with it", "[amqp][session]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  const auto first = peer.engine.begin_session();
  CHECK(peer.received().front().channel == 0);
  peer.engine.end_session(first);
  peer.engine.begin_session();
  auto frames = peer.received();
  REQUIRE(frames.size() == 2);
  CHECK(frames[1].channel == 1);
  auto answer = begin_of();
  answer.remote_channel = 0;
  peer.send(0, answer);
  CHECK_FALSE(peer.engine.poll_event().has_value());  // it is ended already
  peer.send(0, amqp::End{});
  peer.engine.begin_session();
  CHECK(peer.received().front().channel == 0);
}

TEST_CASE("a session that nobody may begin closes the connection", "[amqp][session]") {
  RawPeer peer{RawPeer::server({.channel_max = 9})};
  peer.open();
  peer.begin(3);
  SECTION("channel in use") {
    peer.send(3, begin_of());
    CHECK(peer.closed_with() == amqp::condition::not_allowed);
  }
  SECTION("channel above our channel-max (AMQP 1.0 §2.7.1)") {
    peer.send(10, begin_of());
    CHECK(peer.closed_with() == amqp::condition::framing_error);
  }
  SECTION("the answer to no session") {
    auto begin = begin_of();
    begin.remote_channel = 5;
    peer.send(4, begin);
    CHECK(peer.closed_with() == amqp::condition::not_allowed);
  }
  SECTION("the second answer to one") {
    auto begin = begin_of();
    begin.remote_channel = 0;
    peer.send(4, begin);
    CHECK(peer.closed_with() == amqp::condition::not_allowed);
  }
  SECTION("frames without session") {
    peer.send(7, amqp::End{});
    CHECK(peer.closed_with() == amqp::condition::not_allowed);
  }
}

TEST_CASE("no more sessions than the peer's channel-max allows", "[amqp][session]") {
  RawPeer peer{RawPeer::server()};
  peer.open({.channel_max = 2});
  CHECK(peer.engine.begin_session());
  CHECK(peer.engine.begin_session());
  CHECK(peer.engine.begin_session());
  CHECK_FALSE(peer.engine.begin_session());
  CHECK(peer.engine.is_open());
}

TEST_CASE("a large payload passes through session windows of any size", "[amqp][session]") {
  const std::uint32_t window = GENERATE(1u, 2u, 3u, 7u, 64u);
  CAPTURE(window);
  LinkedPair pair{10, true, {.max_frame_size = 512, .session_window_frames = window}};
  constexpr std::size_t kSize = 60'000;
  const auto delivery = pair.a.begin_delivery(pair.a_link, false).value();
  SliceQueue payload = test::payload_of(kSize);
  Bytes arrived;
  std::size_t turns = 0;
  bool complete = false;
  while (!complete) {
    REQUIRE(++turns < 1000);
    complete = pair.a.send(delivery, payload, End::last).complete;
    pair.settle();
    append(arrived, test::joined(test::all<TransferReceived>(pair.b)));
    if (!complete) CHECK(test::all<SessionWritable>(pair.a).size() >= 1);
  }
  CHECK(arrived == test::bytes_of(kSize));
}

TEST_CASE("nothing is sent beyond the peer's window", "[amqp][session]") {
  RawPeer peer{RawPeer::server()};
  peer.open({.max_frame_size = 512});
  peer.begin(0, 3);
  const auto link = peer.attach("out", 0, amqp::LinkRole::receiver);
  peer.send(0, amqp::Flow{.next_incoming_id = 0, .incoming_window = 3, .handle = 0, .delivery_count = 0, .link_credit = 5});
  const auto delivery = peer.engine.begin_delivery(link, false).value();
  SliceQueue payload = test::payload_of(10'000);
  CHECK_FALSE(peer.engine.send(delivery, payload, End::last).complete);
  CHECK_FALSE(peer.engine.session_window_open(delivery));
  CHECK(peer.received_of<amqp::Transfer>().size() == 3);
  CHECK(peer.engine.send(delivery, payload, End::last).bytes == 0);
  test::drain(peer.engine);

  // The peer has seen two of three and opens four from there on: that makes three more.
  peer.send(0, amqp::Flow{.next_incoming_id = 2, .incoming_window = 4});
  next<SessionWritable>(peer.engine);
  peer.engine.send(delivery, payload, End::last);
  CHECK(peer.received_of<amqp::Transfer>().size() == 3);

  SECTION("a window that shrinks below what is on its way is none") {
    peer.send(0, amqp::Flow{.next_incoming_id = 3, .incoming_window = 1});
    CHECK(peer.engine.send(delivery, payload, End::last).bytes == 0);
  }
  SECTION("what was never sent cannot have been received") {
    peer.send(0, amqp::Flow{.next_incoming_id = 7, .incoming_window = 4});
    CHECK(peer.closed_with() == amqp::condition::invalid_field);
  }
}

TEST_CASE("every flow that opens our window names a link (data-plane 1.4)", "[amqp][session]") {
  RawPeer peer{RawPeer::server({.session_window_frames = 8})};
  peer.open();
  const auto session = peer.begin();
  peer.attach("idle", 3, amqp::LinkRole::sender, 100);
  peer.attach("busy", 4, amqp::LinkRole::sender, 100);
  const auto fill = [&](std::uint32_t frames, std::uint32_t id) {
    for (std::uint32_t i = 0; i < frames; ++i) peer.send(0, RawPeer::transfer_of(4, id, true), Bytes{1});
  };
  SECTION("below half, and with the whole window again") {
    fill(4, 0);
    CHECK(peer.received().empty());
    fill(1, 0);
    const auto flow = peer.only<amqp::Flow>();
    CHECK(flow.handle == 1);  // ours, of the link in use
    CHECK(flow.next_incoming_id == 5);
    CHECK(flow.incoming_window == 8);
    CHECK(flow.delivery_count == 1);
    CHECK(flow.link_credit == 99);
  }
  SECTION("not while it is to stay shut") {
    peer.engine.set_window_open(session, false);
    fill(8, 0);
    CHECK(peer.received().empty());
    SECTION("then again") {
      peer.engine.set_window_open(session, true);
      const auto flow = peer.only<amqp::Flow>();
      CHECK(flow.handle.has_value());
      CHECK(flow.incoming_window == 8);
    }
    SECTION("and one frame more is a violation") {
      fill(1, 0);
      CHECK(peer.closed_with() == amqp::condition::window_violation);
    }
  }
  SECTION("by another link when that one is gone") {
    peer.engine.set_window_open(session, false);
    fill(8, 0);
    peer.send(0, amqp::Detach{.handle = 4, .closed = true});
    peer.received();
    peer.engine.set_window_open(session, true);
    CHECK(peer.only<amqp::Flow>().handle == 0);
  }
}

TEST_CASE("echo asks for a flow, and the answer asks for none (AMQP 1.0 §2.7.4)", "[amqp][session]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  peer.begin();
  peer.send(0, amqp::Flow{.next_incoming_id = 0, .incoming_window = 100, .echo = true});
  auto flow = peer.only<amqp::Flow>();
  CHECK_FALSE(flow.handle.has_value());
  CHECK_FALSE(flow.echo);
  CHECK(flow.next_incoming_id == 0);

  peer.attach("in", 6, amqp::LinkRole::sender, 4);
  peer.send(0, amqp::Flow{.next_incoming_id = 0, .incoming_window = 100, .handle = 6, .delivery_count = 0, .echo = true});
  flow = peer.only<amqp::Flow>();
  CHECK(flow.handle == 0);
  CHECK(flow.link_credit == 4);
  CHECK_FALSE(flow.echo);
}

TEST_CASE("transfer numbers wrap (AMQP 1.0 §2.8.10)", "[amqp][session]") {
  RawPeer peer{RawPeer::server({.session_window_frames = 4})};
  peer.open();
  auto begin = begin_of();
  begin.next_outgoing_id = 0xFFFFFFFE;
  peer.send(0, begin);
  peer.received();
  peer.engine.poll_event();
  peer.attach("in", 0, amqp::LinkRole::sender, 10);
  for (int i = 0; i < 3; ++i) peer.send(0, RawPeer::transfer_of(0, 0xFFFFFFFF, true), Bytes{1});
  CHECK(peer.only<amqp::Flow>().next_incoming_id == 1);
}

TEST_CASE("a session ends while its begin waits for the answer", "[amqp][session]") {
  Pair pair;
  pair.open();
  const auto session = pair.a.begin_session();
  pair.a.attach(session, {.role = amqp::LinkRole::sender, .name = "x"});
  pair.a.end_session(session);
  pair.settle();
  CHECK_FALSE(pair.a.poll_event().has_value());
  next<SessionBegun>(pair.b);
  const auto attached = next<Attached>(pair.b);
  next<SessionEnded>(pair.b);
  CHECK_FALSE(pair.b.accept_attach(attached.link, amqp::Terminus{}, amqp::Terminus{}));
  CHECK(pair.a.is_open());
  CHECK(pair.b.is_open());
}

}  // namespace van
