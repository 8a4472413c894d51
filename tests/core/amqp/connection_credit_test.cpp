#include "core/amqp/connection.h"

#include "tests/core/amqp/pair.h"
#include "tests/core/amqp/raw_peer.h"
#include "tests/support/catch.h"

namespace van {
namespace {

using amqp::CreditChanged;
using amqp::LinkRole;
using amqp::TransferReceived;
using test::LinkedPair;
using test::next;
using test::RawPeer;
using End = amqp::Connection::End;

struct Peer : RawPeer {
  Peer() : RawPeer{RawPeer::server()} {
    open();
    begin();
  }
  void flow(std::uint32_t handle, std::optional<std::uint32_t> count, std::uint32_t credit, bool drain = false) {
    send(0, amqp::Flow{.next_incoming_id = sent, .incoming_window = 1000, .handle = handle, .delivery_count = count,
                       .link_credit = credit, .drain = drain});
  }
  std::uint32_t sent = 0;
};

}  // namespace

TEST_CASE("no delivery begins without credit (AMQP 1.0 §2.6.7)", "[amqp][credit]") {
  LinkedPair pair{2};
  CHECK(pair.a.credit(pair.a_link) == 2);
  pair.b.set_credit(pair.b_link, 0);
  pair.settle();
  const auto changed = next<CreditChanged>(pair.a);
  CHECK(changed.credit == 0);
  CHECK_FALSE(changed.drain);
  CHECK_FALSE(pair.a.begin_delivery(pair.a_link, true).has_value());
  pair.b.set_credit(pair.b_link, 1);
  pair.settle();
  CHECK(next<CreditChanged>(pair.a).credit == 1);
  CHECK(test::send_whole(pair.a, pair.a_link, 5));
  CHECK(pair.a.credit(pair.a_link) == 0);
}

TEST_CASE("credit is topped up when half of it is used, as deliveries arrive", "[amqp][credit]") {
  const std::uint32_t target = GENERATE(1u, 2u, 3u, 10u, 250u);
  CAPTURE(target);
  LinkedPair pair{target};
  for (std::uint32_t i = 0; i < 3 * target + 5; ++i) {
    REQUIRE(test::send_whole(pair.a, pair.a_link, 1, true));
    pair.settle();
    CHECK(pair.a.credit(pair.a_link) >= (target + 1) / 2);
    CHECK(pair.a.credit(pair.a_link) <= target);
  }
  CHECK(test::all<TransferReceived>(pair.b).size() == 3 * target + 5);
}

TEST_CASE("flows of a receiver are counted from the delivery-count it says", "[amqp][credit]") {
  Peer peer;
  const auto link = peer.attach("out", 0, LinkRole::receiver);
  peer.flow(0, std::nullopt, 5);  // it does not know ours yet
  CHECK(next<CreditChanged>(peer.engine).credit == 5);
  for (int i = 0; i < 3; ++i) REQUIRE(test::send_whole(peer.engine, link, 1, true));
  peer.flow(0, 1, 5);  // two are still on their way to it
  CHECK(next<CreditChanged>(peer.engine).credit == 3);
  peer.flow(0, 3, 3);
  CHECK_FALSE(peer.engine.poll_event().has_value());  // nothing new
  peer.flow(0, 0, 2);
  CHECK(next<CreditChanged>(peer.engine).credit == 0);
  peer.flow(0, 3, 0xFFFFFFFF);
  CHECK(next<CreditChanged>(peer.engine).credit == 0xFFFFFFFF);
}

TEST_CASE("credit that comes before we accept the attach is kept", "[amqp][credit]") {
  Peer peer;
  peer.send(0, RawPeer::attach_of("out", 0, LinkRole::receiver));
  peer.flow(0, std::nullopt, 5);
  const auto link = next<amqp::Attached>(peer.engine).link;
  CHECK(next<CreditChanged>(peer.engine).credit == 5);
  CHECK_FALSE(peer.engine.begin_delivery(link, true).has_value());  // not attached yet
  peer.engine.accept_attach(link, amqp::Terminus{}, amqp::Terminus{});
  CHECK(test::send_whole(peer.engine, link, 1, true));
}

TEST_CASE("credit taken back between begin and send holds the first transfer", "[amqp][credit]") {
  Peer peer;
  const auto link = peer.attach("out", 0, LinkRole::receiver);
  peer.flow(0, 0, 1);
  const auto delivery = peer.engine.begin_delivery(link, true).value();
  peer.flow(0, 0, 0);
  SliceQueue payload = test::payload_of(10);
  CHECK(peer.engine.send(delivery, payload, End::last).bytes == 0);
  peer.flow(0, 0, 1);
  CHECK(peer.engine.send(delivery, payload, End::last).complete);
}

TEST_CASE("a running delivery needs no credit", "[amqp][credit]") {
  Peer peer;
  const auto link = peer.attach("out", 0, LinkRole::receiver);
  peer.flow(0, 0, 1);
  const auto delivery = peer.engine.begin_delivery(link, false).value();
  SliceQueue payload = test::payload_of(10);
  CHECK(peer.engine.send(delivery, payload, End::more).bytes == 10);
  peer.flow(0, 1, 0);
  payload = test::payload_of(10);
  CHECK(peer.engine.send(delivery, payload, End::last).complete);
}

TEST_CASE("a drain is answered when the application has seen it (AMQP 1.0 §2.6.7)", "[amqp][credit]") {
  Peer peer;
  const auto link = peer.attach("out", 0, LinkRole::receiver);
  peer.flow(0, 0, 5, true);
  const auto changed = next<CreditChanged>(peer.engine);
  CHECK(changed.credit == 5);
  CHECK(changed.drain);
  REQUIRE(test::send_whole(peer.engine, link, 1, true));  // what there is, is sent first
  CHECK(peer.received_of<amqp::Flow>().empty());
  CHECK_FALSE(peer.engine.poll_event().has_value());
  const auto flow = peer.only<amqp::Flow>();
  CHECK(flow.handle == 0);
  CHECK(flow.delivery_count == 5);
  CHECK(flow.link_credit == 0);
  CHECK(flow.drain);
  CHECK(peer.engine.credit(link) == 0);
  CHECK_FALSE(peer.engine.poll_event().has_value());
  CHECK(peer.received().empty());
  peer.sent = 1;
  peer.flow(0, 5, 2);
  CHECK_FALSE(next<CreditChanged>(peer.engine).drain);
  CHECK(peer.engine.credit(link) == 2);
}

TEST_CASE("a drain on a link without credit is answered too, and one before the accept after it", "[amqp][credit]") {
  Peer peer;
  peer.send(0, RawPeer::attach_of("out", 0, LinkRole::receiver));
  peer.flow(0, std::nullopt, 0, true);
  const auto link = next<amqp::Attached>(peer.engine).link;
  CHECK(next<CreditChanged>(peer.engine).drain);
  CHECK_FALSE(peer.engine.poll_event().has_value());
  CHECK(peer.received().empty());
  peer.engine.accept_attach(link, amqp::Terminus{}, amqp::Terminus{});
  CHECK_FALSE(peer.engine.poll_event().has_value());
  CHECK(peer.only<amqp::Flow>().drain);
}

TEST_CASE("a delivery without credit ends its link only", "[amqp][credit]") {
  Peer peer;
  const auto link = peer.attach("in", 0, LinkRole::sender, 1);
  peer.engine.set_credit(link, 1);
  for (std::uint32_t i = 0; i < 2; ++i) peer.send(0, RawPeer::transfer_of(0, i), Bytes{1});
  CHECK(test::all<TransferReceived>(peer.engine).size() == 2);  // topped up in between
  peer.received();
  const auto shut = peer.attach("shut", 1, LinkRole::sender, 0);
  peer.send(0, RawPeer::transfer_of(1, 2), Bytes{1});
  const auto detached = next<amqp::Detached>(peer.engine);
  CHECK(detached.link == shut);
  CHECK(detached.error->condition == amqp::condition::transfer_limit_exceeded);
  CHECK_FALSE(peer.engine.detach(shut));
  CHECK(peer.engine.is_open());
  const auto detach = peer.only<amqp::Detach>();
  CHECK(detach.closed);
  CHECK(detach.error->condition == amqp::condition::transfer_limit_exceeded);
  peer.send(0, RawPeer::transfer_of(1, 3), Bytes{1});  // late
  CHECK_FALSE(peer.engine.poll_event().has_value());
}

TEST_CASE("credit that we take back may have been used before the peer hears of it", "[amqp][credit]") {
  Peer peer;
  const auto link = peer.attach("in", 0, LinkRole::sender, 4);
  peer.send(0, RawPeer::transfer_of(0, 0), Bytes{1});
  peer.engine.set_credit(link, 0);
  CHECK(peer.only<amqp::Flow>().link_credit == 0);
  for (std::uint32_t i = 1; i < 4; ++i) peer.send(0, RawPeer::transfer_of(0, i), Bytes{1});
  CHECK(test::all<TransferReceived>(peer.engine).size() == 4);
  peer.send(0, RawPeer::transfer_of(0, 4), Bytes{1});  // but not more than that
  next<amqp::Detached>(peer.engine);
}

TEST_CASE("a sender that counts deliveries at their end does not confuse us (data-plane 1.5)", "[amqp][credit]") {
  Peer peer;
  peer.attach("in", 0, LinkRole::sender, 4);
  peer.send(0, RawPeer::transfer_of(0, 0, true), Bytes{1});
  peer.send(0, amqp::Flow{.next_incoming_id = 0, .incoming_window = 9, .handle = 0, .delivery_count = 0,
                          .link_credit = 4, .echo = true});
  const auto flow = peer.only<amqp::Flow>();
  CHECK(flow.delivery_count == 1);
  CHECK(flow.link_credit == 3);
}

TEST_CASE("where it is asked for, a delivery that begins incomplete gets its flow at once", "[amqp][credit]") {
  RawPeer peer{RawPeer::server({})};
  peer.engine.set_flow_for_each_stream(true);
  peer.open();
  peer.begin();
  peer.attach("in", 0, LinkRole::sender, 100);
  peer.send(0, RawPeer::transfer_of(0, 0), Bytes{1});  // whole
  CHECK(peer.received().empty());
  peer.send(0, RawPeer::transfer_of(0, 1, true), Bytes{1});
  const auto flow = peer.only<amqp::Flow>();
  CHECK(flow.delivery_count == 2);
  CHECK(flow.link_credit == 100);
  peer.send(0, RawPeer::transfer_of(0, 1, true), Bytes{1});
  CHECK(peer.received().empty());
}

TEST_CASE("a sender that gives up its credit gets new", "[amqp][credit]") {
  Peer peer;
  peer.attach("in", 0, LinkRole::sender, 4);
  peer.send(0, amqp::Flow{.next_incoming_id = 0, .incoming_window = 9, .handle = 0, .delivery_count = 4,
                          .link_credit = 0, .drain = true});
  const auto flow = peer.only<amqp::Flow>();
  CHECK(flow.delivery_count == 4);
  CHECK(flow.link_credit == 4);
}

TEST_CASE("delivery counts wrap (AMQP 1.0 §2.8.10)", "[amqp][credit]") {
  Peer peer;
  auto attach = RawPeer::attach_of("in", 0, LinkRole::sender);
  attach.initial_delivery_count = 0xFFFFFFFF;
  peer.send(0, attach);
  const auto link = next<amqp::Attached>(peer.engine).link;
  peer.engine.accept_attach(link, amqp::Terminus{}, amqp::Terminus{}, 2);
  CHECK(peer.only<amqp::Flow>().delivery_count == 0xFFFFFFFF);
  peer.send(0, RawPeer::transfer_of(0, 0), Bytes{1});
  CHECK(peer.only<amqp::Flow>().delivery_count == 0);
}

}  // namespace van
