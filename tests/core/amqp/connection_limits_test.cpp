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

/// Hands frames over without the checks of RawPeer, which walk over everything alive.
void send_fast(RawPeer& peer, std::uint16_t channel, const amqp::Performative& performative) {
  peer.engine.receive(Slice::copy_of(amqp::encode_frame(channel, performative)), peer.now);
}

}  // namespace

TEST_CASE("one session of the peer more than the limit closes the connection", "[amqp][limits]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  const amqp::Begin begin{.incoming_window = 1, .outgoing_window = 1};
  for (std::size_t i = 0; i < limits::kSessionsPerConnection; ++i) send_fast(peer, static_cast<std::uint16_t>(i), begin);
  CHECK(test::all<amqp::SessionBegun>(peer.engine).size() == limits::kSessionsPerConnection);
  SECTION("one more") {
    send_fast(peer, limits::kSessionsPerConnection, begin);
    CHECK(peer.closed_with() == amqp::condition::resource_limit_exceeded);
  }
  SECTION("one for one") {
    send_fast(peer, 7, amqp::End{});
    send_fast(peer, 7, begin);
    CHECK(peer.engine.is_open());
    CHECK(peer.engine.begin_session());  // our own do not count
  }
}

TEST_CASE("one link of the peer more than the limit closes the connection", "[amqp][limits]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  peer.begin(0);
  peer.begin(1);
  const std::size_t half = limits::kLinksPerConnection / 2;
  for (std::size_t i = 0; i < limits::kLinksPerConnection; ++i) {
    const auto channel = static_cast<std::uint16_t>(i / half);
    send_fast(peer, channel, RawPeer::attach_of("n" + std::to_string(i), static_cast<std::uint32_t>(i % half), LinkRole::sender));
    if (i % 1000 == 0) test::drain(peer.engine);
  }
  test::drain(peer.engine);
  CHECK(peer.engine.is_open());
  send_fast(peer, 1, amqp::Detach{.handle = 5, .closed = true});
  const auto more = static_cast<std::uint32_t>(half);
  send_fast(peer, 0, RawPeer::attach_of("one for one", more, LinkRole::sender));
  CHECK(peer.engine.is_open());
  peer.engine.output().clear();
  send_fast(peer, 0, RawPeer::attach_of("one more", more + 1, LinkRole::sender));
  CHECK(peer.closed_with() == amqp::condition::resource_limit_exceeded);
}

TEST_CASE("a link with too many unsettled deliveries gets no credit until some are settled", "[amqp][limits]") {
  constexpr std::uint32_t kCredit = 1000;
  RawPeer peer{RawPeer::server({.session_window_frames = 1u << 20})};
  peer.open();
  peer.begin();
  peer.attach("in", 0, LinkRole::sender, kCredit);
  std::uint32_t granted = kCredit;  // the delivery-count up to which the peer may send
  std::uint32_t sent = 0;
  const auto read_flows = [&] {
    for (const auto& flow : peer.received_of<amqp::Flow>()) granted = *flow.delivery_count + *flow.link_credit;
  };
  for (; sent < granted; ++sent) {
    REQUIRE(sent < 2 * limits::kUnsettledPerLink);
    send_fast(peer, 0, RawPeer::transfer_of(0, sent));
    read_flows();
  }
  CHECK(sent >= limits::kUnsettledPerLink);
  CHECK(sent < limits::kUnsettledPerLink + kCredit);
  const auto received = test::all<TransferReceived>(peer.engine);
  REQUIRE(received.size() == sent);
  for (std::size_t i = 0; i < kCredit; ++i) peer.engine.update(received[i].delivery, amqp::Accepted{}, true);
  read_flows();
  CHECK(granted == sent + kCredit);
}

TEST_CASE("a sender begins nothing while its link has too many unsettled deliveries", "[amqp][limits]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  peer.begin(0, 1'000'000);
  const auto link = peer.attach("out", 0, LinkRole::receiver);
  peer.send(0, amqp::Flow{.next_incoming_id = 0, .incoming_window = 1'000'000, .handle = 0, .delivery_count = 0,
                          .link_credit = 1'000'000});
  peer.engine.poll_event();
  for (std::size_t i = 0; i < limits::kUnsettledPerLink; ++i) REQUIRE(test::send_whole(peer.engine, link, 1));
  CHECK_FALSE(test::send_whole(peer.engine, link, 1));
  send_fast(peer, 0, amqp::Disposition{.role = LinkRole::receiver, .first = 3, .settled = true, .state = amqp::Accepted{}});
  next<amqp::DeliveryUpdated>(peer.engine);
  CHECK(next<amqp::CreditChanged>(peer.engine).credit > 0);  // the sign to go on
  CHECK(test::send_whole(peer.engine, link, 1));
}

TEST_CASE("one unsettled delivery more than the limit of a connection closes it", "[amqp][limits]") {
  RawPeer peer{RawPeer::server({.session_window_frames = 1u << 22})};
  peer.open();
  peer.begin(0);
  const std::size_t links = limits::kUnsettledPerConnection / limits::kUnsettledPerLink + 1;
  std::uint32_t id = 0;
  for (std::uint32_t handle = 0; handle < links; ++handle) {
    peer.engine.receive(Slice::copy_of(amqp::encode_frame(0, RawPeer::attach_of("n" + std::to_string(handle), handle, LinkRole::sender))),
                        peer.now);
    const auto attached = test::all<amqp::Attached>(peer.engine).at(0);
    peer.engine.accept_attach(attached.link, attached.source, attached.target, limits::kUnsettledPerLink);
    peer.engine.output().clear();
    for (std::size_t i = 0; i < limits::kUnsettledPerLink && !peer.engine.is_closed(); ++i) {
      send_fast(peer, 0, RawPeer::transfer_of(handle, id++));
      if (i % 1000 == 999) test::drain(peer.engine);
      if (i % 1000 == 999) peer.engine.output().clear();
      if (id == limits::kUnsettledPerConnection) CHECK(peer.engine.is_open());
    }
  }
  CHECK(id == limits::kUnsettledPerConnection + 1);
  CHECK(peer.closed_with() == amqp::condition::resource_limit_exceeded);
}

}  // namespace van
