#include "core/amqp/connection.h"

#include "tests/core/amqp/pair.h"
#include "tests/core/amqp/raw_peer.h"
#include "tests/support/catch.h"

namespace van {
namespace {

using amqp::DeliveryState;
using amqp::DeliveryUpdated;
using amqp::LinkRole;
using amqp::TransferReceived;
using test::LinkedPair;
using test::next;
using test::RawPeer;
using End = amqp::Connection::End;

std::vector<amqp::DeliveryId> send_some(LinkedPair& pair, std::size_t count) {
  std::vector<amqp::DeliveryId> sent;
  for (std::size_t i = 0; i < count; ++i) sent.push_back(test::send_whole(pair.a, pair.a_link, 5).value());
  pair.settle();
  return sent;
}

/// A server whose peer receives `count` complete unsettled deliveries, by hand.
struct Receiving : RawPeer {
  explicit Receiving(std::uint32_t count, std::uint32_t frame = 16384) : RawPeer{RawPeer::server()} {
    open({.max_frame_size = frame});
    begin(0, 100'000);
    link = attach("out", 0, LinkRole::receiver);
    send(0, amqp::Flow{.next_incoming_id = 0, .incoming_window = 100'000, .handle = 0, .delivery_count = 0,
                       .link_credit = 100'000});
    engine.poll_event();
    for (std::uint32_t i = 0; i < count; ++i) sent.push_back(test::send_whole(engine, link, 1).value());
    received();
  }
  void dispose(std::uint32_t first, std::optional<std::uint32_t> last, bool settled, std::optional<DeliveryState> state) {
    send(0, amqp::Disposition{.role = LinkRole::receiver, .first = first, .last = last, .settled = settled,
                              .state = std::move(state)});
  }
  amqp::LinkId link;
  std::vector<amqp::DeliveryId> sent;
};

}  // namespace

TEST_CASE("every state comes back with all its fields (AMQP 1.0 §3.4)", "[amqp][disposition]") {
  const DeliveryState states[] = {
      amqp::Received{3, 123'456'789'012},
      amqp::Accepted{},
      amqp::Rejected{amqp::Error{"amqp:not-found", "where", {{amqp::Symbol{"k"}, std::int32_t{-1}}}}},
      amqp::Rejected{},
      amqp::Released{},
      amqp::Modified{true, true, {{amqp::Symbol{"x"}, "y"}}},
  };
  const DeliveryState state = states[GENERATE(0u, 1u, 2u, 3u, 4u, 5u)];
  const bool settled = GENERATE(true, false);
  LinkedPair pair;
  const auto sent = send_some(pair, 1);
  const auto received = next<TransferReceived>(pair.b).delivery;
  REQUIRE(pair.b.update(received, state, settled));
  pair.settle();
  const auto updated = next<DeliveryUpdated>(pair.a);
  CHECK(updated.link == pair.a_link);
  CHECK(updated.delivery == sent[0]);
  CHECK(updated.state == state);
  CHECK(updated.settled == settled);
  CHECK(pair.b.update(received, std::nullopt, true) == !settled);
  CHECK(pair.a.update(sent[0], std::nullopt, true) == !settled);
}

TEST_CASE("the sender settles: without state, or with one", "[amqp][disposition]") {
  LinkedPair pair;
  const auto sent = send_some(pair, 2);
  const auto first = next<TransferReceived>(pair.b).delivery;
  const auto second = next<TransferReceived>(pair.b).delivery;
  REQUIRE(pair.a.update(sent[0], std::nullopt, true));
  REQUIRE(pair.a.update(sent[1], amqp::Modified{.delivery_failed = true}, true));
  CHECK_FALSE(pair.a.update(sent[0], std::nullopt, true));
  pair.settle();
  const auto bare = next<DeliveryUpdated>(pair.b);
  CHECK(bare.delivery == first);
  CHECK(bare.settled);
  CHECK_FALSE(bare.state.has_value());
  const auto modified = next<DeliveryUpdated>(pair.b);
  CHECK(modified.delivery == second);
  CHECK(modified.state == DeliveryState{amqp::Modified{.delivery_failed = true}});
  CHECK_FALSE(pair.b.update(second, amqp::Accepted{}, true));
  CHECK(pair.b.output().empty());
}

TEST_CASE("rcv-settle-mode second: a state first, settled when the sender has settled", "[amqp][disposition]") {
  LinkedPair pair;
  const auto sent = send_some(pair, 1);
  const auto received = next<TransferReceived>(pair.b).delivery;
  REQUIRE(pair.b.update(received, amqp::Accepted{}, false));
  pair.settle();
  CHECK_FALSE(next<DeliveryUpdated>(pair.a).settled);
  REQUIRE(pair.a.update(sent[0], amqp::Accepted{}, true));
  pair.settle();
  CHECK(next<DeliveryUpdated>(pair.b).settled);
  CHECK_FALSE(pair.b.update(received, std::nullopt, true));
}

TEST_CASE("a range updates what is known of it, in order", "[amqp][disposition]") {
  Receiving peer{5};
  peer.dispose(1, 1, true, amqp::Accepted{});
  CHECK(next<DeliveryUpdated>(peer.engine).delivery == peer.sent[1]);
  SECTION("narrow") {
    peer.dispose(0, 2, true, amqp::Accepted{});
    CHECK(next<DeliveryUpdated>(peer.engine).delivery == peer.sent[0]);
    CHECK(next<DeliveryUpdated>(peer.engine).delivery == peer.sent[2]);
  }
  SECTION("as wide as numbers go") {
    peer.dispose(0xFFFFFFF0, 0x7FFFFFEF, true, amqp::Accepted{});
    for (const std::size_t i : {0u, 2u, 3u, 4u}) CHECK(next<DeliveryUpdated>(peer.engine).delivery == peer.sent[i]);
  }
  SECTION("of nothing known") {
    peer.dispose(77, 0x7FFFFFFF, true, amqp::Accepted{});
    peer.dispose(1, {}, true, amqp::Accepted{});
    peer.dispose(4, 3, true, {});  // the long way round: all but nothing between
  }
  test::drain(peer.engine);
  CHECK(peer.engine.is_open());
}

TEST_CASE("a disposition that says nothing is no event", "[amqp][disposition]") {
  Receiving peer{1};
  peer.dispose(0, {}, false, {});
  CHECK_FALSE(peer.engine.poll_event().has_value());
}

TEST_CASE("states that come faster than they are read join, the latest counts (data-plane 4.3)", "[amqp][disposition]") {
  Receiving peer{3};
  for (std::uint64_t offset = 1; offset <= 1000; ++offset) peer.dispose(0, 2, false, amqp::Received{0, offset});
  peer.dispose(1, {}, true, amqp::Accepted{});
  peer.dispose(2, {}, true, {});
  const auto updates = test::all<DeliveryUpdated>(peer.engine);
  REQUIRE(updates.size() == 3);
  CHECK(updates[0].state == DeliveryState{amqp::Received{0, 1000}});
  CHECK_FALSE(updates[0].settled);
  CHECK(updates[1].state == DeliveryState{amqp::Accepted{}});
  CHECK(updates[1].settled);
  CHECK(updates[2].settled);
  peer.dispose(0, {}, false, amqp::Received{0, 1001});  // read since: an event of its own
  CHECK(next<DeliveryUpdated>(peer.engine).delivery == peer.sent[0]);
}

TEST_CASE("what a peer says after it has settled is about nothing", "[amqp][disposition]") {
  Receiving peer{0};
  const auto delivery = peer.engine.begin_delivery(peer.link, false).value();
  SliceQueue payload = test::payload_of(5);
  peer.engine.send(delivery, payload, End::more);
  peer.dispose(0, {}, true, amqp::Accepted{});
  peer.dispose(0, {}, true, amqp::Rejected{});
  const auto updates = test::all<DeliveryUpdated>(peer.engine);
  REQUIRE(updates.size() == 1);
  CHECK(updates[0].state == DeliveryState{amqp::Accepted{}});
}

TEST_CASE("a receiver's settlement in the middle is heard at once, the delivery goes on (data-plane 3.6)",
          "[amqp][disposition]") {
  LinkedPair pair;
  const auto delivery = pair.a.begin_delivery(pair.a_link, false).value();
  SliceQueue payload = test::payload_of(5);
  pair.a.send(delivery, payload, End::more);
  pair.settle();
  const auto received = next<TransferReceived>(pair.b).delivery;
  REQUIRE(pair.b.update(received, amqp::Accepted{}, true));
  CHECK_FALSE(pair.b.update(received, amqp::Accepted{}, true));
  pair.settle();
  const auto updated = next<DeliveryUpdated>(pair.a);
  CHECK(updated.settled);
  payload = test::payload_of(5);
  REQUIRE(pair.a.send(delivery, payload, End::last).complete);
  CHECK_FALSE(pair.a.update(delivery, std::nullopt, true));  // both are done with it
  pair.settle();
  const auto last = next<TransferReceived>(pair.b);
  CHECK(last.delivery == received);
  CHECK_FALSE(last.more);
  CHECK_FALSE(pair.b.poll_event().has_value());
}

TEST_CASE("a sender's settlement in the middle travels in the transfers to come", "[amqp][disposition]") {
  LinkedPair pair;
  const auto delivery = pair.a.begin_delivery(pair.a_link, false).value();
  SliceQueue payload = test::payload_of(5);
  pair.a.send(delivery, payload, End::more);
  const std::size_t written = pair.a.output().bytes();
  REQUIRE(pair.a.update(delivery, std::nullopt, true));
  CHECK(pair.a.output().bytes() == written);  // no disposition
  payload = test::payload_of(5);
  REQUIRE(pair.a.send(delivery, payload, End::last).complete);
  pair.settle();
  CHECK_FALSE(next<TransferReceived>(pair.b).settled);
  CHECK(next<TransferReceived>(pair.b).settled);
}

TEST_CASE("what is said of one delivery after the other is one frame with a range (§2.7.6)", "[amqp][disposition]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  peer.begin();
  peer.attach("in", 0, LinkRole::sender, 10);
  std::vector<amqp::DeliveryId> got;
  for (std::uint32_t i = 0; i < 5; ++i) {
    peer.send(0, RawPeer::transfer_of(0, i), Bytes{1});
    got.push_back(next<TransferReceived>(peer.engine).delivery);
  }
  peer.received();
  const auto accept = [&](std::size_t i, bool settled = true) { peer.engine.update(got[i], amqp::Accepted{}, settled); };
  using Frames = std::vector<amqp::Disposition>;
  const auto frame = [](std::uint32_t first, std::optional<std::uint32_t> last, DeliveryState state, bool settled = true) {
    return amqp::Disposition{.role = LinkRole::receiver, .first = first, .last = last, .settled = settled, .state = std::move(state)};
  };
  SECTION("all") {
    for (std::size_t i = 0; i < 5; ++i) accept(i);
    CHECK(peer.received_of<amqp::Disposition>() == Frames{frame(0, 4, amqp::Accepted{})});
  }
  SECTION("not over a gap, nor backwards") {
    for (const std::size_t i : {0u, 1u, 3u, 2u, 4u}) accept(i);
    CHECK(peer.received_of<amqp::Disposition>() ==
          Frames{frame(0, 1, amqp::Accepted{}), frame(3, {}, amqp::Accepted{}), frame(2, {}, amqp::Accepted{}), frame(4, {}, amqp::Accepted{})});
  }
  SECTION("not what differs") {
    accept(0);
    peer.engine.update(got[1], amqp::Released{}, true);
    accept(2);
    accept(3, false);
    peer.engine.update(got[4], amqp::Received{1, 2}, false);
    CHECK(peer.received_of<amqp::Disposition>() == Frames{frame(0, {}, amqp::Accepted{}), frame(1, {}, amqp::Released{}), frame(2, {}, amqp::Accepted{}),
                                                          frame(3, {}, amqp::Accepted{}, false), frame(4, {}, amqp::Received{1, 2}, false)});
  }
  SECTION("nor over what was handed out") {
    accept(0);
    CHECK(peer.received_of<amqp::Disposition>().size() == 1);
    accept(1);
    CHECK(peer.received_of<amqp::Disposition>() == Frames{frame(1, {}, amqp::Accepted{})});
  }
}

TEST_CASE("transfers pass a disposition that is collected, other frames do not", "[amqp][disposition]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  const auto session = peer.begin(0, 100);
  peer.attach("in", 0, LinkRole::sender, 10);
  const auto link = peer.attach("out", 1, LinkRole::receiver);
  peer.send(0, amqp::Flow{.next_incoming_id = 0, .incoming_window = 100, .handle = 1, .delivery_count = 0, .link_credit = 10});
  peer.send(0, RawPeer::transfer_of(0, 0), Bytes{1});
  const auto got = test::all<TransferReceived>(peer.engine);
  REQUIRE(got.size() == 1);
  peer.received();
  peer.engine.update(got[0].delivery, amqp::Accepted{}, true);
  REQUIRE(test::send_whole(peer.engine, link, 5));
  peer.engine.end_session(session, {});
  const auto frames = peer.received();
  REQUIRE(frames.size() == 3);
  CHECK(std::holds_alternative<amqp::Transfer>(*frames[0].performative));
  CHECK(std::holds_alternative<amqp::Disposition>(*frames[1].performative));
  CHECK(std::holds_alternative<amqp::End>(*frames[2].performative));
}

TEST_CASE("states are cut to fit the peer's frames", "[amqp][disposition]") {
  RawPeer peer{RawPeer::server()};
  peer.open({.max_frame_size = 512});
  peer.begin();
  peer.attach("in", 0, LinkRole::sender, 10);
  peer.send(0, RawPeer::transfer_of(0, 0), Bytes{1});
  const auto delivery = next<TransferReceived>(peer.engine).delivery;
  SECTION("rejected") {
    peer.engine.update(delivery, amqp::Rejected{amqp::Error{"c", std::string(5000, 'x'), {}}}, true);
    const auto state = std::get<amqp::Rejected>(*peer.only<amqp::Disposition>().state);
    CHECK(state.error->condition == "c");
  }
  SECTION("modified") {
    peer.engine.update(delivery, amqp::Modified{true, false, {{amqp::Symbol{"k"}, std::string(5000, 'x')}}}, true);
    CHECK(std::get<amqp::Modified>(*peer.only<amqp::Disposition>().state).delivery_failed);
  }
  CHECK(peer.engine.is_open());
}

TEST_CASE("dispositions of the wrong role reach nothing", "[amqp][disposition]") {
  Receiving peer{1};
  peer.send(0, amqp::Disposition{.role = LinkRole::sender, .first = 0, .settled = true, .state = amqp::Accepted{}});
  CHECK_FALSE(peer.engine.poll_event().has_value());
  peer.dispose(0, {}, true, amqp::Accepted{});
  next<DeliveryUpdated>(peer.engine);
}

}  // namespace van
