#include "core/amqp/connection.h"

#include "tests/core/amqp/pair.h"
#include "tests/core/amqp/raw_peer.h"
#include "tests/support/catch.h"

namespace van {
namespace {

using amqp::LinkRole;
using amqp::TransferReceived;
using test::LinkedPair;
using test::next;
using test::RawPeer;
using End = amqp::Connection::End;

/// A server with one accepted receiver (the peer's handle 0) and a peer that plays the sender by hand.
struct Sending : RawPeer {
  explicit Sending(std::uint32_t credit = 10) : RawPeer{RawPeer::server()} {
    open();
    begin();
    link = attach("in", 0, LinkRole::sender, credit);
  }
  void transfer(std::optional<std::uint32_t> id, bool more, std::string_view text) {
    send(0, transfer_of(0, id, more), as_bytes(text));
  }
  TransferReceived received_transfer() { return next<TransferReceived>(engine); }
  amqp::LinkId link;
};

/// A server with one accepted sender and a peer that plays the receiver by hand.
struct Receiving : RawPeer {
  explicit Receiving(std::uint32_t credit = 10, std::uint32_t window = 100, std::uint32_t frame = 512)
      : RawPeer{RawPeer::server()} {
    open({.max_frame_size = frame});
    begin(0, window);
    link = attach("out", 0, LinkRole::receiver);
    grant(0, credit);
    engine.poll_event();
  }
  void grant(std::uint32_t count, std::uint32_t credit, std::uint32_t handle = 0) {
    send(0, amqp::Flow{.incoming_window = 1000, .handle = handle, .delivery_count = count, .link_credit = credit});
  }
  amqp::LinkId link;
};

std::string text_of(const TransferReceived& transfer) { return std::string{as_text(transfer.payload.view())}; }

}  // namespace

TEST_CASE("deliveries of any size arrive as they were sent", "[amqp][transfer]") {
  const std::size_t size = GENERATE(0u, 1u, 400u, 512u, 513u, 16'300u, 16'384u, 100'000u, 3'000'000u);
  const bool settled = GENERATE(true, false);
  CAPTURE(size, settled);
  LinkedPair pair;
  REQUIRE(test::send_whole(pair.a, pair.a_link, size, settled));
  pair.settle();
  const auto transfers = test::all<TransferReceived>(pair.b);
  REQUIRE_FALSE(transfers.empty());
  CHECK(test::joined(transfers) == test::bytes_of(size));
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    CHECK(transfers[i].link == pair.b_link);
    CHECK(transfers[i].delivery == transfers[0].delivery);
    CHECK(transfers[i].first == (i == 0));
    CHECK(transfers[i].more == (i + 1 < transfers.size()));
    CHECK(transfers[i].settled == settled);
    CHECK_FALSE(transfers[i].aborted);
  }
  CHECK(pair.b.update(transfers[0].delivery, amqp::Accepted{}, true) == !settled);
}

TEST_CASE("frames are filled to the peer's limit, and payload is shared, not copied", "[amqp][transfer]") {
  LinkedPair pair{10, true, {.max_frame_size = 2048}};
  const Slice block = Slice::copy_of(test::bytes_of(10'000));
  SliceQueue payload;
  payload.push(block);
  const auto delivery = pair.a.begin_delivery(pair.a_link, true).value();
  REQUIRE(pair.a.send(delivery, payload, End::last).complete);
  std::size_t shared = 0;
  std::size_t frame = 0;
  std::vector<std::size_t> frames;
  for (const Slice& slice : pair.a.output().slices()) {
    const bool of_payload = slice.data() >= block.data() && slice.data() < block.data() + block.size();
    if (of_payload) shared += slice.size();
    if (!of_payload && frame > 0) frames.push_back(std::exchange(frame, 0));
    frame += slice.size();
  }
  CHECK(shared == 10'000);
  REQUIRE(frames.size() == 4);
  for (const std::size_t size : frames) CHECK(size == 2048);
}

TEST_CASE("received payload shares the block that was read", "[amqp][transfer]") {
  LinkedPair pair;
  REQUIRE(test::send_whole(pair.a, pair.a_link, 3000));
  const Slice block = Slice::copy_of(pair.a.output().peek(SIZE_MAX));
  pair.b.receive(block, pair.now);
  const auto transfer = next<TransferReceived>(pair.b);
  CHECK(transfer.payload.data() >= block.data());
  CHECK(transfer.payload.data() + transfer.payload.size() <= block.data() + block.size());
}

TEST_CASE("a delivery is sent piece by piece as its octets come", "[amqp][transfer]") {
  LinkedPair pair;
  const auto delivery = pair.a.begin_delivery(pair.a_link, false).value();
  SliceQueue payload;
  CHECK(pair.a.send(delivery, payload, End::more).bytes == 0);
  CHECK(pair.a.output().empty());  // nothing to say yet
  payload.push_copy(as_bytes("abcdef"));
  CHECK(pair.a.send(delivery, payload, End::more, 2).bytes == 2);
  CHECK(pair.a.send(delivery, payload, End::last, 3).bytes == 3);  // not all: not the end
  CHECK(pair.a.send(delivery, payload, End::last, 0).bytes == 0);
  CHECK(payload.bytes() == 1);
  CHECK(pair.a.send(delivery, payload, End::more).bytes == 1);
  const auto last = pair.a.send(delivery, payload, End::last);
  CHECK(last.bytes == 0);
  CHECK(last.complete);
  CHECK_FALSE(pair.a.send(delivery, payload, End::last).complete);  // it is over
  pair.settle();
  const auto transfers = test::all<TransferReceived>(pair.b);
  REQUIRE(transfers.size() == 4);
  CHECK(as_text(test::joined(transfers)) == "abcdef");
  CHECK(transfers[2].more);
  CHECK_FALSE(transfers[3].more);
}

TEST_CASE("delivery-ids are taken by first transfers, in order over all links (data-plane 1.4)", "[amqp][transfer]") {
  Receiving peer;
  const auto other = peer.attach("more", 1, LinkRole::receiver);
  peer.grant(0, 10, 1);
  const auto first = peer.engine.begin_delivery(peer.link, false).value();
  const auto second = peer.engine.begin_delivery(other, false).value();
  SliceQueue payload = test::payload_of(10);
  peer.engine.send(second, payload, End::more);
  payload = test::payload_of(10);
  peer.engine.send(first, payload, End::more);
  payload = test::payload_of(10);
  peer.engine.send(second, payload, End::last);
  const auto transfers = peer.received_of<amqp::Transfer>();
  REQUIRE(transfers.size() == 3);
  CHECK(transfers[0].handle == 1);
  CHECK(transfers[0].delivery_id == 0);
  CHECK(transfers[0].delivery_tag.has_value());
  CHECK(transfers[0].message_format == 0);
  CHECK(transfers[0].more);
  CHECK(transfers[1].handle == 0);
  CHECK(transfers[1].delivery_id == 1);
  CHECK(transfers[1].delivery_tag != transfers[0].delivery_tag);
  CHECK(transfers[2].handle == 1);
  CHECK_FALSE(transfers[2].delivery_id.has_value());
  CHECK_FALSE(transfers[2].more);
}

TEST_CASE("a short payload is one slice with its frame, a long one is not copied", "[amqp][transfer]") {
  Receiving peer{10, 100, 16384};
  const auto delivery = peer.engine.begin_delivery(peer.link, false).value();
  const std::size_t size = GENERATE(1u, 1024u, 1025u, 5000u);
  SliceQueue payload = test::payload_of(size);
  const std::uint8_t* const octets = payload.slices().front().data();
  const Bytes expected = payload.peek(size);
  peer.engine.send(delivery, payload, End::last);
  const auto& slices = peer.engine.output().slices();
  REQUIRE(slices.size() == (size <= 1024 ? 1 : 2));
  CHECK((slices[slices.size() - 1].data() == octets) == (size > 1024));
  const auto frames = peer.received();
  REQUIRE(frames.size() == 1);
  CHECK(frames[0].payload == expected);
}

TEST_CASE("one delivery at a time on a link (AMQP 1.0 §2.6.7)", "[amqp][transfer]") {
  LinkedPair pair;
  const auto delivery = pair.a.begin_delivery(pair.a_link, false);
  REQUIRE(delivery);
  CHECK_FALSE(pair.a.begin_delivery(pair.a_link, false).has_value());
  SliceQueue payload = test::payload_of(10);
  REQUIRE(pair.a.send(*delivery, payload, End::last).complete);
  CHECK(pair.a.begin_delivery(pair.a_link, false).has_value());
  CHECK_FALSE(pair.b.begin_delivery(pair.b_link, false).has_value());  // a receiver sends nothing
}

TEST_CASE("continuations may repeat or omit id and tag (AMQP 1.0 §2.7.5)", "[amqp][transfer]") {
  Sending peer;
  peer.transfer(7, true, "a");
  peer.transfer({}, true, "b");
  peer.transfer(7, true, "");
  peer.transfer({}, false, "c");
  const auto first = peer.received_transfer();
  CHECK(first.first);
  for (const char* text : {"b", "", "c"}) {
    const auto more = peer.received_transfer();
    CHECK(more.delivery == first.delivery);
    CHECK_FALSE(more.first);
    CHECK(text_of(more) == text);
  }
}

TEST_CASE("settled holds from the transfer that says so", "[amqp][transfer]") {
  Sending peer;
  peer.transfer(0, true, "a");
  auto last = RawPeer::transfer_of(0, {}, true);
  last.settled = true;
  peer.send(0, last, as_bytes("b"));
  peer.transfer({}, false, "c");
  const auto first = peer.received_transfer();
  CHECK_FALSE(first.settled);
  CHECK(peer.received_transfer().settled);
  CHECK(peer.received_transfer().settled);
  CHECK_FALSE(peer.engine.update(first.delivery, amqp::Accepted{}, true));  // forgotten
}

TEST_CASE("an aborted delivery is void, over, and wants no answer (AMQP 1.0 §2.6.14)", "[amqp][transfer]") {
  Sending peer;
  peer.transfer(0, true, "a");
  auto aborted = RawPeer::transfer_of(0, {}, true);
  aborted.aborted = true;
  peer.send(0, aborted, as_bytes("void"));
  const auto first = peer.received_transfer();
  const auto end = peer.received_transfer();
  CHECK(end.delivery == first.delivery);
  CHECK(end.aborted);
  CHECK_FALSE(end.more);
  CHECK(end.settled);
  CHECK(end.payload.empty());
  CHECK_FALSE(peer.engine.update(first.delivery, amqp::Accepted{}, true));
  peer.transfer(1, false, "next");
  CHECK(peer.received_transfer().first);
}

TEST_CASE("we abort what has begun, and only that reaches the peer", "[amqp][transfer]") {
  LinkedPair pair;
  const auto unsent = pair.a.begin_delivery(pair.a_link, false).value();
  CHECK(pair.a.abort(unsent));
  CHECK_FALSE(pair.a.abort(unsent));
  CHECK(pair.a.output().empty());
  CHECK(pair.a.credit(pair.a_link) == 10);

  const auto begun = pair.a.begin_delivery(pair.a_link, false).value();
  SliceQueue payload = test::payload_of(10);
  pair.a.send(begun, payload, End::more);
  CHECK(pair.a.abort(begun));
  CHECK_FALSE(pair.a.update(begun, amqp::Accepted{}, true));
  pair.settle();
  CHECK(next<TransferReceived>(pair.b).first);
  const auto end = next<TransferReceived>(pair.b);
  CHECK(end.aborted);
  CHECK(end.settled);
  REQUIRE(test::send_whole(pair.a, pair.a_link, 10));
  CHECK_FALSE(pair.a.abort(begun));
}

TEST_CASE("an abort waits for the session window like every transfer (AMQP 1.0 §2.5.6)", "[amqp][transfer]") {
  Receiving peer{10, 100};
  peer.send(0, amqp::Flow{.next_incoming_id = 0, .incoming_window = 1});
  const auto delivery = peer.engine.begin_delivery(peer.link, false).value();
  SliceQueue payload = test::payload_of(10);
  peer.engine.send(delivery, payload, End::more);
  CHECK(peer.received_of<amqp::Transfer>().size() == 1);
  CHECK(peer.engine.abort(delivery));
  CHECK_FALSE(peer.engine.abort(delivery));
  CHECK(peer.received().empty());
  CHECK_FALSE(peer.engine.begin_delivery(peer.link, false).has_value());
  SECTION("the window opens") {
    peer.send(0, amqp::Flow{.next_incoming_id = 1, .incoming_window = 2});
    const auto transfer = peer.only<amqp::Transfer>();
    CHECK(transfer.aborted);
    CHECK(transfer.settled == true);
    CHECK_FALSE(transfer.more);
    next<amqp::SessionWritable>(peer.engine);
    CHECK(peer.engine.begin_delivery(peer.link, false).has_value());
  }
  SECTION("the window opens for the abort alone") {
    peer.send(0, amqp::Flow{.next_incoming_id = 1, .incoming_window = 1});
    CHECK(peer.only<amqp::Transfer>().aborted);
    CHECK_FALSE(peer.engine.poll_event().has_value());
  }
  SECTION("the link goes first") {
    peer.send(0, amqp::Detach{.handle = 0, .closed = true});
    next<amqp::Detached>(peer.engine);
    peer.received();
    peer.send(0, amqp::Flow{.next_incoming_id = 1, .incoming_window = 2});
    CHECK(peer.received().empty());
  }
}

TEST_CASE("a new delivery ends a former one that we settled before its end (data-plane 5.4)", "[amqp][transfer]") {
  Sending peer;
  peer.transfer(0, true, "a");
  const auto former = peer.received_transfer().delivery;
  REQUIRE(peer.engine.update(former, amqp::Released{}, true));
  peer.transfer(1, false, "b");
  const auto ended = peer.received_transfer();
  CHECK(ended.delivery == former);
  CHECK(ended.aborted);
  CHECK_FALSE(ended.first);
  const auto begun = peer.received_transfer();
  CHECK(begun.first);
  CHECK(begun.delivery != former);
  CHECK(text_of(begun) == "b");
}

TEST_CASE("transfers that mix deliveries up close the connection", "[amqp][transfer]") {
  Sending peer;
  SECTION("a delivery inside another") {
    peer.transfer(0, true, "a");
    peer.transfer(1, true, "b");
  }
  SECTION("a first transfer without id") { peer.transfer({}, false, "a"); }
  SECTION("an id in use") {
    peer.transfer(0, false, "a");
    peer.transfer(0, false, "b");
  }
  CHECK(peer.closed_with() == amqp::condition::invalid_field);
}

TEST_CASE("what is unfinished vanishes with its link, without word", "[amqp][transfer]") {
  LinkedPair pair;
  const auto delivery = pair.a.begin_delivery(pair.a_link, false).value();
  SliceQueue payload = test::payload_of(10);
  pair.a.send(delivery, payload, End::more);
  pair.settle();
  const auto received = next<TransferReceived>(pair.b).delivery;
  pair.b.detach(pair.b_link);
  CHECK_FALSE(pair.b.update(received, amqp::Accepted{}, true));
  pair.settle();
  next<amqp::Detached>(pair.a);
  payload = test::payload_of(10);
  CHECK(pair.a.send(delivery, payload, End::last).bytes == 0);
  CHECK(payload.bytes() == 10);
  CHECK_FALSE(pair.a.session_window_open(delivery));
}

TEST_CASE("a delivery that stays is found beside many that come and go", "[amqp][transfer]") {
  LinkedPair pair{1000};
  const auto [busy, at_b] = pair.add_link(1'000'000, true, "busy");
  const auto stays = pair.a.begin_delivery(pair.a_link, false).value();
  SliceQueue payload = test::payload_of(1);
  pair.a.send(stays, payload, End::more);
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(test::send_whole(pair.a, busy, 1));
    if (i % 100 != 0) continue;
    pair.settle();
    for (const auto& transfer : test::all<TransferReceived>(pair.b)) {
      if (transfer.link == at_b) pair.b.update(transfer.delivery, amqp::Accepted{}, true);
    }
  }
  pair.settle();
  test::drain(pair.a);
  REQUIRE(pair.a.send(stays, payload, End::last).complete);
  pair.settle();
  const auto last = test::all<TransferReceived>(pair.b).back();
  CHECK_FALSE(last.more);
  REQUIRE(pair.b.update(last.delivery, amqp::Accepted{}, true));
  pair.settle();
  CHECK(next<amqp::DeliveryUpdated>(pair.a).delivery == stays);
}

}  // namespace van
