#include "core/amqp/connection.h"

#include "tests/core/amqp/pair.h"
#include "tests/core/amqp/raw_peer.h"
#include "tests/support/catch.h"

namespace van {
namespace {

using amqp::Closed;
using amqp::Connection;
using amqp::Opened;
using test::next;
using test::Pair;
using test::RawPeer;
using namespace std::chrono_literals;

Connection::Config server(Connection::Config config = {}) {
  return test::with_side(std::move(config), Connection::Side::server);
}
Connection::Config client(Connection::Config config = {}) {
  return test::with_side(std::move(config), Connection::Side::client);
}
std::string condition_of(const Closed& closed) { return closed.error ? closed.error->condition : ""; }

}  // namespace

TEST_CASE("two engines open a connection and tell each other what they are", "[amqp][connection]") {
  Pair pair{{.container_id = "left",
             .hostname = "site.example",
             .max_frame_size = 4096,
             .channel_max = 99,
             .idle_timeout = 20s,
             .offered_capabilities = {"one", "two"},
             .desired_capabilities = {"three"},
             .properties = {{amqp::Symbol{"product"}, "vanctl"}}},
            {.container_id = "right", .idle_timeout = 0s}};
  pair.settle();
  const auto at_b = next<Opened>(pair.b).peer;
  CHECK(at_b.container_id == "left");
  CHECK(at_b.hostname == "site.example");
  CHECK(at_b.max_frame_size == 4096);
  CHECK(at_b.channel_max == 99);
  CHECK(at_b.idle_timeout == std::optional<Duration>{10s});
  CHECK(at_b.offered_capabilities == std::vector<std::string>{"one", "two"});
  CHECK(at_b.desired_capabilities == std::vector<std::string>{"three"});
  CHECK(at_b.properties == amqp::Map{{amqp::Symbol{"product"}, "vanctl"}});
  const auto at_a = next<Opened>(pair.a).peer;
  CHECK(at_a.container_id == "right");
  CHECK(at_a.hostname.empty());
  CHECK_FALSE(at_a.idle_timeout.has_value());
  CHECK(pair.a.is_open());
  CHECK(pair.b.is_open());
  CHECK(pair.b.peer_max_frame_size() == 4096);
  CHECK(pair.a.peer_max_frame_size() == limits::kMaxFrameSize);
}

TEST_CASE("a client says its headers and open without waiting (AMQP 1.0 §2.4.1)", "[amqp][connection]") {
  RawPeer peer{client({.sasl_anonymous = true})};
  auto first = peer.received();
  REQUIRE(first.size() == 1);  // the SASL header
  CHECK(first[0].header == amqp::kSaslHeader);
  peer.send(amqp::kSaslHeader);
  CHECK(peer.received().empty());
  peer.send(0, amqp::SaslMechanisms{{"PLAIN", "ANONYMOUS"}});
  CHECK(peer.only<amqp::SaslInit>().mechanism == "ANONYMOUS");
  peer.send(0, amqp::SaslOutcome{amqp::SaslCode::ok, {}});
  auto open = peer.received();
  REQUIRE(open.size() == 2);
  CHECK(open[0].header == amqp::kAmqpHeader);
  CHECK(std::holds_alternative<amqp::Open>(*open[1].performative));
  CHECK_FALSE(peer.engine.poll_event().has_value());
}

TEST_CASE("a server answers a client that sends everything at once", "[amqp][connection]") {
  RawPeer peer{server()};
  Bytes all;
  append(all, amqp::kSaslHeader.encode());
  append(all, amqp::encode_frame(0, amqp::SaslInit{"ANONYMOUS", {}, {}}));
  append(all, amqp::kAmqpHeader.encode());
  append(all, amqp::encode_frame(0, amqp::Open{.container_id = "x"}));
  append(all, amqp::encode_frame(0, amqp::Begin{.incoming_window = 1, .outgoing_window = 1}));
  peer.send_bytes(all);
  CHECK(next<Opened>(peer.engine).peer.container_id == "x");
  next<amqp::SessionBegun>(peer.engine);
  const auto answers = peer.received();
  REQUIRE(answers.size() == 6);
  CHECK(answers[0].header == amqp::kSaslHeader);
  CHECK(std::get<amqp::SaslMechanisms>(*answers[1].performative).mechanisms == std::vector<std::string>{"ANONYMOUS"});
  CHECK(std::get<amqp::SaslOutcome>(*answers[2].performative).code == amqp::SaslCode::ok);
  CHECK(answers[3].header == amqp::kAmqpHeader);
  CHECK(std::holds_alternative<amqp::Open>(*answers[4].performative));
  CHECK(std::get<amqp::Begin>(*answers[5].performative).remote_channel == 0);
}

TEST_CASE("a server's header does not wait for the open, its open does (AMQP 1.0 §2.4.1)", "[amqp][connection]") {
  RawPeer peer{server()};
  peer.send(amqp::kAmqpHeader);
  auto answer = peer.received();
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].header == amqp::kAmqpHeader);
  peer.send(0, amqp::Open{.container_id = "x"});
  CHECK(peer.only<amqp::Open>().container_id == "b");
}

TEST_CASE("EXTERNAL is used where it is offered and allowed, with an empty response", "[amqp][sasl]") {
  RawPeer peer{client({.hostname = "h", .sasl_external = true})};
  peer.received();
  peer.send(amqp::kSaslHeader);
  SECTION("offered") {
    peer.send(0, amqp::SaslMechanisms{{"ANONYMOUS", "EXTERNAL"}});
    const auto init = peer.only<amqp::SaslInit>();
    CHECK(init.mechanism == "EXTERNAL");
    CHECK(init.initial_response == amqp::Binary{});
    CHECK(init.hostname == "h");
  }
  SECTION("not offered: ANONYMOUS is second choice") {
    peer.send(0, amqp::SaslMechanisms{{"ANONYMOUS"}});
    CHECK(peer.only<amqp::SaslInit>().mechanism == "ANONYMOUS");
  }
  SECTION("nothing that may be used") {
    peer.send(0, amqp::SaslMechanisms{{"PLAIN"}});
    CHECK(condition_of(next<Closed>(peer.engine)) == amqp::condition::unauthorized_access);
    CHECK(peer.received().empty());
  }
}

TEST_CASE("a server takes EXTERNAL with an empty or no response, and for nobody else", "[amqp][sasl]") {
  RawPeer peer{server({.sasl_external = true, .sasl_anonymous = false})};
  peer.send(amqp::kSaslHeader);
  CHECK(peer.only<amqp::SaslMechanisms>().mechanisms == std::vector<std::string>{"EXTERNAL"});
  amqp::SaslInit init{"EXTERNAL", {}, {}};
  SECTION("no response") {
    peer.send(0, init);
    CHECK(peer.only<amqp::SaslOutcome>().code == amqp::SaslCode::ok);
  }
  SECTION("an empty response") {
    init.initial_response = amqp::Binary{};
    peer.send(0, init);
    CHECK(peer.only<amqp::SaslOutcome>().code == amqp::SaslCode::ok);
  }
  SECTION("as another") {
    init.initial_response = amqp::Binary{'x'};
    peer.send(0, init);
    CHECK(peer.only<amqp::SaslOutcome>().code == amqp::SaslCode::auth);
    CHECK(condition_of(next<Closed>(peer.engine)) == amqp::condition::unauthorized_access);
  }
}

TEST_CASE("a mechanism that was not offered ends with outcome 1 (AMQP 1.0 §5.3.3.6)", "[amqp][sasl]") {
  RawPeer peer{server()};
  peer.send(amqp::kSaslHeader);
  peer.received();
  peer.send(0, amqp::SaslInit{"PLAIN", {}, {}});
  CHECK(peer.only<amqp::SaslOutcome>().code == amqp::SaslCode::auth);
  CHECK(condition_of(next<Closed>(peer.engine)) == amqp::condition::unauthorized_access);
  CHECK(peer.engine.is_closed());
}

TEST_CASE("a refused client hears it", "[amqp][sasl]") {
  Pair pair{{.sasl_external = false, .sasl_anonymous = true}, {.sasl_external = true, .sasl_anonymous = false}};
  pair.settle();
  CHECK(condition_of(next<Closed>(pair.a)) == amqp::condition::unauthorized_access);

  RawPeer peer{client()};
  peer.send(amqp::kSaslHeader);
  peer.send(0, amqp::SaslMechanisms{{"ANONYMOUS"}});
  peer.received();
  peer.send(0, amqp::SaslOutcome{amqp::SaslCode::sys_temp, {}});
  CHECK(condition_of(next<Closed>(peer.engine)) == amqp::condition::unauthorized_access);
}

TEST_CASE("a client may skip SASL only where ANONYMOUS is offered and SASL is optional", "[amqp][sasl]") {
  const bool anonymous = GENERATE(true, false);
  const bool optional = GENERATE(true, false);
  CAPTURE(anonymous, optional);
  Pair pair{{.sasl_external = false, .sasl_anonymous = false},
            {.sasl_external = true, .sasl_anonymous = anonymous, .sasl_optional = optional}};
  pair.settle();
  CHECK(pair.b.is_open() == (anonymous && optional));
  CHECK(pair.a.is_open() == (anonymous && optional));
  if (!pair.b.is_open()) CHECK(condition_of(next<Closed>(pair.b)) == amqp::condition::unauthorized_access);
}

TEST_CASE("whatever is no AMQP is told what we speak, and that is the end (AMQP 1.0 §2.2)", "[amqp][connection]") {
  RawPeer peer{server()};
  SECTION("HTTP") { peer.send_bytes(as_bytes("GET / HTTP/1.1\r\n\r\n")); }
  SECTION("another version") { peer.send_bytes(as_bytes(std::string_view{"AMQP\x00\x00\x09\x01", 8})); }
  SECTION("TLS inside") { peer.send(amqp::ProtocolHeader{.id = 2}); }
  const auto answer = peer.received();
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].header == amqp::kSaslHeader);
  CHECK(condition_of(next<Closed>(peer.engine)) == amqp::condition::framing_error);
  peer.send(amqp::kAmqpHeader);
  CHECK(peer.received().empty());
}

TEST_CASE("a wrong AMQP header after SASL is answered by ours", "[amqp][connection]") {
  RawPeer peer{server()};
  peer.send(amqp::kSaslHeader);
  peer.send(0, amqp::SaslInit{"ANONYMOUS", {}, {}});
  peer.received();
  peer.send(amqp::kSaslHeader);
  const auto answer = peer.received();
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].header == amqp::kAmqpHeader);
  CHECK(condition_of(next<Closed>(peer.engine)) == amqp::condition::framing_error);
}

TEST_CASE("a server opens before it closes with an error (AMQP 1.0 §2.4.3)", "[amqp][connection]") {
  RawPeer peer{server()};
  peer.send(amqp::kAmqpHeader);
  peer.received();
  peer.send(0, amqp::Begin{.incoming_window = 1, .outgoing_window = 1});
  const auto answer = peer.received();
  REQUIRE(answer.size() == 2);
  CHECK(std::holds_alternative<amqp::Open>(*answer[0].performative));
  CHECK(std::get<amqp::Close>(*answer[1].performative).error->condition == amqp::condition::not_allowed);
  CHECK(condition_of(next<Closed>(peer.engine)) == amqp::condition::not_allowed);
}

TEST_CASE("no handshake lasts longer than its time", "[amqp][connection]") {
  const int stage = GENERATE(0, 1, 2, 3);
  CAPTURE(stage);
  RawPeer peer{server({.handshake_timeout = 5s})};
  if (stage >= 1) peer.send(amqp::kSaslHeader);
  if (stage >= 2) peer.send(0, amqp::SaslInit{"ANONYMOUS", {}, {}});
  if (stage >= 3) peer.send(amqp::kAmqpHeader);
  CHECK(peer.engine.next_deadline() == test::kStart + 5s);
  peer.engine.handle_deadline(test::kStart + 5s - 1ms);
  CHECK_FALSE(peer.engine.is_closed());
  peer.engine.handle_deadline(test::kStart + 5s);
  CHECK(condition_of(next<Closed>(peer.engine)) == amqp::condition::resource_limit_exceeded);
  CHECK(peer.engine.next_deadline() == kNever);
}

TEST_CASE("a close is answered, and both ends hear of the end once (AMQP 1.0 §2.4.3)", "[amqp][connection]") {
  Pair pair;
  pair.open();
  SECTION("without error") {
    pair.a.close();
    CHECK_FALSE(pair.a.is_open());
    CHECK_FALSE(pair.a.is_closed());
    pair.settle();
    const auto at_a = next<Closed>(pair.a);
    CHECK_FALSE(at_a.error.has_value());
    CHECK_FALSE(at_a.by_peer);
    const auto at_b = next<Closed>(pair.b);
    CHECK_FALSE(at_b.error.has_value());
    CHECK(at_b.by_peer);
  }
  SECTION("with an error") {
    const amqp::Error error{"qd:forbidden", "no", {{amqp::Symbol{"k"}, std::uint32_t{7}}}};
    pair.b.close(error);
    pair.settle();
    CHECK(next<Closed>(pair.a).error == error);
    CHECK_FALSE(next<Closed>(pair.b).error.has_value());
  }
  SECTION("from both at once") {
    pair.a.close();
    pair.b.close();
    pair.settle();
    CHECK_FALSE(next<Closed>(pair.a).error.has_value());
    CHECK_FALSE(next<Closed>(pair.b).error.has_value());
  }
  CHECK(pair.a.is_closed());
  CHECK(pair.b.is_closed());
  pair.a.transport_closed(pair.now);
  pair.b.close();
  CHECK_FALSE(pair.a.poll_event().has_value());
  CHECK_FALSE(pair.b.poll_event().has_value());
  CHECK(pair.a.output().empty());
  CHECK(pair.b.output().empty());
}

TEST_CASE("a close before the open ends at once", "[amqp][connection]") {
  RawPeer peer{client()};
  peer.engine.close();
  CHECK_FALSE(next<Closed>(peer.engine).error.has_value());
  CHECK(peer.engine.is_closed());
  CHECK_FALSE(peer.engine.begin_session());
}

TEST_CASE("a close may follow our open before the peer's has come (AMQP 1.0 §2.4.5)", "[amqp][connection]") {
  RawPeer peer{client({.sasl_anonymous = false})};
  peer.received();
  peer.engine.close();
  peer.only<amqp::Close>();
  peer.send(amqp::kAmqpHeader);
  peer.send(0, amqp::Open{.container_id = "x"});
  CHECK_FALSE(peer.engine.poll_event().has_value());
  peer.send(0, amqp::Close{});
  CHECK_FALSE(next<Closed>(peer.engine).error.has_value());
}

TEST_CASE("a peer that never answers our close is not waited for longer than a handshake", "[amqp][connection]") {
  Pair pair{{.idle_timeout = 60s, .handshake_timeout = 5s}};
  pair.open();
  pair.advance(3s);
  pair.b_silent = true;
  pair.a.close();
  pair.advance(5s - 1ms);
  CHECK_FALSE(pair.a.is_closed());
  pair.advance(1ms);
  CHECK(condition_of(next<Closed>(pair.a)) == amqp::condition::resource_limit_exceeded);
}

TEST_CASE("frames after our close are ignored until the peer's", "[amqp][connection]") {
  RawPeer peer{server()};
  peer.open();
  peer.begin();
  peer.engine.close();
  peer.only<amqp::Close>();
  peer.send(0, RawPeer::attach_of("late", 0, amqp::LinkRole::sender));
  peer.send(0, amqp::Flow{.incoming_window = 1, .outgoing_window = 1, .echo = true});
  CHECK(peer.received().empty());
  CHECK_FALSE(peer.engine.poll_event().has_value());
  peer.send(0, amqp::Close{});
  CHECK_FALSE(next<Closed>(peer.engine).error.has_value());
}

TEST_CASE("the end of the transport is an error unless the connection was closed", "[amqp][connection]") {
  Pair pair;
  pair.open();
  SECTION("in the middle") {
    pair.a.transport_closed(pair.now);
    const auto closed = next<Closed>(pair.a);
    CHECK(condition_of(closed) == amqp::condition::framing_error);
    CHECK(closed.by_peer);
  }
  SECTION("after our close") {
    pair.a.close();
    pair.a.transport_closed(pair.now);
    CHECK_FALSE(next<Closed>(pair.a).error.has_value());
  }
}

TEST_CASE("a second open, and frames of SASL, are refused", "[amqp][connection]") {
  RawPeer peer{server()};
  peer.open();
  SECTION("open") {
    peer.send(0, amqp::Open{.container_id = "again"});
    CHECK(peer.closed_with() == amqp::condition::not_allowed);
  }
  SECTION("a SASL frame") {
    peer.send(0, amqp::SaslInit{"ANONYMOUS", {}, {}});
    CHECK(peer.closed_with() == amqp::condition::framing_error);
  }
  SECTION("a frame larger than ours") {
    peer.send_bytes(Bytes{0, 0, 0x40, 1, 2, 0, 0, 0});
    CHECK(peer.closed_with() == amqp::condition::framing_error);
  }
  SECTION("garbage in a frame") {
    peer.send_bytes(Bytes{0, 0, 0, 12, 2, 0, 0, 0, 1, 2, 3, 4});
    CHECK(peer.closed_with() == amqp::condition::decode_error);
  }
  SECTION("bytes behind a performative") {
    Bytes frame = amqp::encode_frame(0, amqp::Begin{.incoming_window = 1, .outgoing_window = 1});
    frame.push_back(0x40);
    ++frame[3];
    peer.send_bytes(frame);
    CHECK(peer.closed_with() == amqp::condition::decode_error);
  }
}

TEST_CASE("what is asked before the open goes out after it, in order", "[amqp][connection]") {
  RawPeer peer{client()};
  const auto session = peer.engine.begin_session();
  REQUIRE(session);
  REQUIRE(peer.engine.attach(session, {.role = amqp::LinkRole::receiver, .name = "n"}));
  CHECK(peer.received().size() == 1);
  peer.send(amqp::kSaslHeader);
  peer.send(0, amqp::SaslMechanisms{{"ANONYMOUS"}});
  peer.received();
  peer.send(0, amqp::SaslOutcome{amqp::SaslCode::ok, {}});
  const auto out = peer.received();
  REQUIRE(out.size() == 4);
  CHECK(out[0].header == amqp::kAmqpHeader);
  CHECK(std::holds_alternative<amqp::Open>(*out[1].performative));
  CHECK(std::holds_alternative<amqp::Begin>(*out[2].performative));
  CHECK(std::holds_alternative<amqp::Attach>(*out[3].performative));
}

}  // namespace van
