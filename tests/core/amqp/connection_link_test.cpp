#include "core/amqp/connection.h"

#include "tests/core/amqp/pair.h"
#include "tests/core/amqp/raw_peer.h"
#include "tests/support/catch.h"

namespace van {
namespace {

using amqp::Attached;
using amqp::Detached;
using amqp::LinkRole;
using amqp::Terminus;
using amqp::TransferReceived;
using test::LinkedPair;
using test::next;
using test::Pair;
using test::RawPeer;

/// A session of `a` known to both.
amqp::SessionId session_of(Pair& pair) {
  pair.open();
  const auto session = pair.a.begin_session();
  pair.settle();
  test::drain(pair.a);
  test::drain(pair.b);
  return session;
}

}  // namespace

TEST_CASE("an attach is answered with its name, the other role and the termini (control-plane 2.1)", "[amqp][link]") {
  Pair pair;
  const auto session = session_of(pair);
  const Terminus source{.address = "from", .capabilities = {"qd.router"}};
  const Terminus target{.address = "to", .capabilities = {"qd.router", "two"}};
  const auto link = pair.a.attach(session, {.role = LinkRole::receiver,
                                            .name = "the link",
                                            .source = source,
                                            .target = target,
                                            .sender_settle_mode = amqp::SenderSettleMode::settled,
                                            .credit = 7,
                                            .properties = {{amqp::Symbol{"p"}, true}}});
  REQUIRE(link);
  pair.settle();
  const auto at_b = next<Attached>(pair.b);
  CHECK(at_b.by_peer);
  CHECK(at_b.role == LinkRole::sender);
  CHECK(at_b.name == "the link");
  CHECK(at_b.source == source);
  CHECK(at_b.target == target);
  CHECK(at_b.sender_settle_mode == amqp::SenderSettleMode::settled);
  CHECK(at_b.properties == amqp::Map{{amqp::Symbol{"p"}, true}});
  CHECK_FALSE(pair.a.poll_event().has_value());  // the application of b has not answered

  REQUIRE(pair.b.accept_attach(at_b.link, at_b.source, at_b.target));
  CHECK_FALSE(pair.b.accept_attach(at_b.link, at_b.source, at_b.target));
  pair.settle();
  const auto at_a = next<Attached>(pair.a);
  CHECK(at_a.link == link);
  CHECK(at_a.session == session);
  CHECK(at_a.role == LinkRole::receiver);
  CHECK_FALSE(at_a.by_peer);
  CHECK(at_a.name == "the link");
  CHECK(at_a.source == source);
  CHECK(at_a.target == target);
  const auto credit = next<amqp::CreditChanged>(pair.b);
  CHECK(credit.link == at_b.link);
  CHECK(credit.credit == 7);
  CHECK(pair.b.credit(at_b.link) == 7);
}

TEST_CASE("our attach is what real routers send", "[amqp][link]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  const auto session = peer.begin();
  peer.engine.attach(session, {.role = LinkRole::sender, .name = "out", .target = Terminus{.address = "x"}});
  const auto attach = peer.only<amqp::Attach>();
  CHECK(attach.handle == 0);
  CHECK(attach.snd_settle_mode == amqp::SenderSettleMode::mixed);
  CHECK(attach.rcv_settle_mode == amqp::ReceiverSettleMode::first);
  CHECK(attach.source.has_value());
  CHECK(attach.target->address == "x");
  CHECK(attach.initial_delivery_count == 0);
  CHECK(attach.max_message_size == 0);
  CHECK(attach.unsettled.empty());
}

TEST_CASE("a refused attach gets a null terminus, then a detach with the reason (AMQP 1.0 §2.6.3)", "[amqp][link]") {
  const auto role = GENERATE(LinkRole::sender, LinkRole::receiver);
  Pair pair;
  const auto session = session_of(pair);
  const auto link = pair.a.attach(session, {.role = role, .name = "no"});
  pair.settle();
  const auto refused = next<Attached>(pair.b).link;
  const amqp::Error error{"qd:forbidden", "not here", {}};
  REQUIRE(pair.b.refuse_attach(refused, error));
  CHECK_FALSE(pair.b.refuse_attach(refused, error));
  pair.settle();
  const auto attached = next<Attached>(pair.a);
  CHECK((role == LinkRole::sender ? attached.target : attached.source) == std::nullopt);
  CHECK((role == LinkRole::sender ? attached.source : attached.target) != std::nullopt);
  const auto detached = next<Detached>(pair.a);
  CHECK(detached.link == link);
  CHECK(detached.error == error);
  CHECK_FALSE(pair.b.poll_event().has_value());
  CHECK_FALSE(pair.a.detach(link));
}

TEST_CASE("a target that is none for messages is refused without asking", "[amqp][link]") {
  // A transaction coordinator, §4.5.1: attach with target 0x30.
  RawPeer peer{RawPeer::server()};
  peer.open();
  peer.begin();
  Bytes frame = amqp::encode_frame(0, [] {
    auto attach = RawPeer::attach_of("tx", 0, LinkRole::sender);
    attach.target = Terminus{.address = "marker"};
    return attach;
  }());
  const Bytes target_of_messages{0x00, 0x53, 0x29};
  const auto at = std::search(frame.begin(), frame.end(), target_of_messages.begin(), target_of_messages.end());
  REQUIRE(at != frame.end());
  at[2] = 0x30;
  peer.send_bytes(frame);
  CHECK_FALSE(peer.engine.poll_event().has_value());
  const auto answer = peer.received();
  REQUIRE(answer.size() == 2);
  CHECK_FALSE(std::get<amqp::Attach>(*answer[0].performative).target.has_value());
  const auto detach = std::get<amqp::Detach>(*answer[1].performative);
  CHECK(detach.closed);
  CHECK(detach.error->condition == amqp::condition::not_implemented);
  peer.send(0, amqp::Detach{.handle = 0, .closed = true});
  CHECK(peer.engine.is_open());
}

TEST_CASE("a detach is answered once, with closed=true, whatever the peer's says (control-plane 2.1)", "[amqp][link]") {
  const bool closed = GENERATE(true, false);
  RawPeer peer{RawPeer::server()};
  peer.open();
  peer.begin();
  const auto link = peer.attach("in", 9, LinkRole::sender, 5);
  peer.send(0, amqp::Detach{.handle = 9, .closed = closed});
  const auto detached = next<Detached>(peer.engine);
  CHECK(detached.link == link);
  CHECK_FALSE(detached.error.has_value());
  const auto answer = peer.only<amqp::Detach>();
  CHECK(answer.handle == 0);
  CHECK(answer.closed);
  CHECK_FALSE(answer.error.has_value());
  CHECK_FALSE(peer.engine.detach(link));
  CHECK(peer.received().empty());
  peer.send(0, RawPeer::attach_of("in", 9, LinkRole::sender));  // the handle is free again
  next<Attached>(peer.engine);
}

TEST_CASE("both ends of a link may go at once", "[amqp][link]") {
  LinkedPair pair;
  REQUIRE(pair.a.detach(pair.a_link));
  REQUIRE(pair.b.detach(pair.b_link));
  pair.settle();
  CHECK_FALSE(pair.a.poll_event().has_value());
  CHECK_FALSE(pair.b.poll_event().has_value());
  CHECK(pair.a.is_open());
  CHECK(pair.b.is_open());
  pair.add_link(3, true, "link");  // the name is free too
}

TEST_CASE("late frames for a handle that we detached are ignored until the peer's detach", "[amqp][link]") {
  RawPeer peer{RawPeer::server({.session_window_frames = 4})};
  peer.open();
  peer.begin();
  const auto gone = peer.attach("gone", 0, LinkRole::sender, 100);
  peer.attach("stays", 1, LinkRole::sender, 100);
  REQUIRE(peer.engine.detach(gone, amqp::Error{"amqp:internal-error", "", {}}));
  CHECK(peer.only<amqp::Detach>().closed);

  for (std::uint32_t i = 0; i < 3; ++i) peer.send(0, RawPeer::transfer_of(0, i), Bytes{1});
  const auto flow = peer.only<amqp::Flow>();  // its frames count in the window nevertheless
  CHECK(flow.next_incoming_id == 3);
  CHECK(flow.handle == 1);
  peer.send(0, amqp::Flow{.next_incoming_id = 0, .incoming_window = 9, .handle = 0, .delivery_count = 0});
  peer.send(0, amqp::Disposition{.role = LinkRole::sender, .first = 0, .last = 2, .settled = true});
  CHECK(peer.received().empty());
  CHECK_FALSE(peer.engine.poll_event().has_value());

  peer.send(0, amqp::Detach{.handle = 0, .closed = true});
  CHECK(peer.received().empty());
  CHECK_FALSE(peer.engine.poll_event().has_value());
  peer.send(0, RawPeer::transfer_of(0, 3), Bytes{1});
  CHECK(peer.closed_with() == amqp::condition::unattached_handle);
}

TEST_CASE("a handle of ours is used again only when both ends are done with it", "[amqp][link]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  const auto session = peer.begin();
  const auto link = peer.engine.attach(session, {.role = LinkRole::sender, .name = "one"});
  REQUIRE(peer.engine.detach(link));  // before its answer
  peer.received();
  peer.engine.attach(session, {.role = LinkRole::sender, .name = "two"});
  CHECK(peer.only<amqp::Attach>().handle == 1);
  peer.send(0, RawPeer::attach_of("one", 0, LinkRole::receiver));
  CHECK_FALSE(peer.engine.poll_event().has_value());
  peer.send(0, amqp::Detach{.handle = 0, .closed = true});
  CHECK_FALSE(peer.engine.poll_event().has_value());
  peer.engine.attach(session, {.role = LinkRole::sender, .name = "three"});
  CHECK(peer.only<amqp::Attach>().handle == 0);
}

TEST_CASE("a peer that detaches before we answered gets both", "[amqp][link]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  peer.begin();
  peer.send(0, RawPeer::attach_of("hasty", 0, LinkRole::receiver));
  peer.send(0, amqp::Detach{.handle = 0, .closed = true});
  const auto link = next<Attached>(peer.engine).link;
  CHECK(next<Detached>(peer.engine).link == link);
  const auto answer = peer.received();
  REQUIRE(answer.size() == 2);
  CHECK(std::get<amqp::Attach>(*answer[0].performative).name == "hasty");
  CHECK(std::holds_alternative<amqp::Detach>(*answer[1].performative));
  CHECK_FALSE(peer.engine.accept_attach(link, Terminus{}, Terminus{}));
}

TEST_CASE("attach errors close the connection with their condition", "[amqp][link]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  peer.begin();
  peer.attach("in", 0, LinkRole::sender, 5);
  SECTION("handle in use") {
    peer.send(0, RawPeer::attach_of("other", 0, LinkRole::sender));
    CHECK(peer.closed_with() == amqp::condition::handle_in_use);
  }
  SECTION("handle above our handle-max (AMQP 1.0 §2.7.2)") {
    peer.send(0, RawPeer::attach_of("other", limits::kLinksPerConnection, LinkRole::sender));
    CHECK(peer.closed_with() == amqp::condition::framing_error);
  }
  SECTION("detach of an unattached handle") {
    peer.send(0, amqp::Detach{.handle = 4, .closed = true});
    CHECK(peer.closed_with() == amqp::condition::unattached_handle);
  }
  SECTION("flow for an unattached handle") {
    peer.send(0, amqp::Flow{.next_incoming_id = 0, .incoming_window = 9, .handle = 4, .delivery_count = 0});
    CHECK(peer.closed_with() == amqp::condition::unattached_handle);
  }
  SECTION("transfer from a receiver") {
    peer.attach("out", 1, LinkRole::receiver);
    peer.send(0, RawPeer::transfer_of(1, 0), Bytes{1});
    CHECK(peer.closed_with() == amqp::condition::not_allowed);
  }
}

TEST_CASE("the highest handle that we allow works", "[amqp][link]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  peer.begin();
  peer.attach("far", limits::kLinksPerConnection - 1, LinkRole::sender, 5);
  peer.send(0, RawPeer::transfer_of(limits::kLinksPerConnection - 1, 0), Bytes{1});
  next<TransferReceived>(peer.engine);
}

TEST_CASE("we attach no more than the peer's handle-max allows", "[amqp][link]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  peer.send(0, amqp::Begin{.incoming_window = 1, .outgoing_window = 1, .handle_max = 1});
  const auto session = next<amqp::SessionBegun>(peer.engine).session;
  CHECK(peer.engine.attach(session, {.name = "0"}));
  CHECK(peer.engine.attach(session, {.name = "1"}));
  CHECK_FALSE(peer.engine.attach(session, {.name = "2"}));
}

TEST_CASE("a name waits for one answer at a time, for each role", "[amqp][link]") {
  RawPeer peer{RawPeer::server()};
  peer.open();
  const auto session = peer.begin();
  CHECK(peer.engine.attach(session, {.role = LinkRole::sender, .name = "n"}));
  CHECK_FALSE(peer.engine.attach(session, {.role = LinkRole::sender, .name = "n"}));
  CHECK(peer.engine.attach(session, {.role = LinkRole::receiver, .name = "n"}));
  peer.send(0, RawPeer::attach_of("n", 0, LinkRole::receiver));
  CHECK(next<Attached>(peer.engine).role == LinkRole::sender);
  peer.send(0, RawPeer::attach_of("n", 1, LinkRole::sender));
  CHECK(next<Attached>(peer.engine).role == LinkRole::receiver);
}

TEST_CASE("both ends that attach the same name at once have one link", "[amqp][link]") {
  Pair pair;
  pair.open();
  const auto on_a = pair.a.begin_session();
  pair.settle();
  test::drain(pair.a);
  const auto on_b = next<amqp::SessionBegun>(pair.b).session;
  const auto sender = pair.a.attach(on_a, {.role = LinkRole::sender, .name = "same"});
  const auto receiver = pair.b.attach(on_b, {.role = LinkRole::receiver, .name = "same", .credit = 1});
  pair.settle();
  CHECK(next<Attached>(pair.a).link == sender);
  CHECK(next<Attached>(pair.b).link == receiver);
  CHECK(next<amqp::CreditChanged>(pair.a).credit == 1);
  REQUIRE(test::send_whole(pair.a, sender, 3));
  pair.settle();
  CHECK(next<TransferReceived>(pair.b).link == receiver);
}

TEST_CASE("an attach too large for the peer's frames is not made", "[amqp][link]") {
  RawPeer peer{RawPeer::server()};
  peer.open({.max_frame_size = 512});
  const auto session = peer.begin();
  CHECK_FALSE(peer.engine.attach(session, {.role = LinkRole::sender, .name = std::string(600, 'n')}));
  CHECK(peer.received().empty());
  CHECK(peer.engine.attach(session, {.role = LinkRole::sender, .name = "short"}));
  CHECK(peer.only<amqp::Attach>().handle == 0);
}

TEST_CASE("errors are cut to fit the peer's frames, and what cannot be cut ends the connection", "[amqp][link]") {
  RawPeer peer{RawPeer::server()};
  peer.open({.max_frame_size = 512});
  peer.begin();
  SECTION("an error") {
    const auto link = peer.attach("in", 0, LinkRole::sender, 5);
    const std::string words = std::string(99, 'x') + "\xC3\xA9 and so on " + std::string(600, 'y');
    REQUIRE(peer.engine.detach(link, amqp::Error{"amqp:internal-error", words, {{amqp::Symbol{"k"}, words}}}));
    const auto detach = peer.only<amqp::Detach>();
    CHECK(detach.error->condition == "amqp:internal-error");
    CHECK(detach.error->description == std::string(99, 'x'));
    CHECK(peer.engine.is_open());
  }
  SECTION("the name of the peer's own attach") {
    peer.send(0, RawPeer::attach_of(std::string(2000, 'n'), 0, LinkRole::sender));
    const auto attached = next<Attached>(peer.engine);
    peer.engine.accept_attach(attached.link, attached.source, attached.target, 1);
    CHECK(peer.closed_with() == amqp::condition::resource_limit_exceeded);
  }
}

TEST_CASE("thousands of links share a session", "[amqp][link]") {
  LinkedPair pair{10};
  constexpr std::size_t kLinks = 3000;
  std::vector<amqp::LinkId> links;
  for (std::size_t i = 0; i < kLinks; ++i) {
    links.push_back(pair.a.attach(pair.a_session, {.role = LinkRole::sender, .name = "l" + std::to_string(i)}));
  }
  while (!pair.a.output().empty()) pair.b.receive(pair.a.output().pop(SIZE_MAX), pair.now);
  for (const auto& attached : test::all<Attached>(pair.b)) {
    pair.b.accept_attach(attached.link, attached.source, attached.target, 2);
  }
  pair.settle();
  CHECK(test::all<Attached>(pair.a).size() == kLinks);
  for (const auto link : links) REQUIRE(test::send_whole(pair.a, link, 1));
  pair.settle();
  CHECK(test::all<TransferReceived>(pair.b).size() == kLinks);
  for (const auto link : links) REQUIRE(pair.a.detach(link));
  pair.settle();
  CHECK(test::all<Detached>(pair.b).size() == kLinks);
}

}  // namespace van
