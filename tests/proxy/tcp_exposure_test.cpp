#include "proxy/tcp_exposure.h"

#include "tests/proxy/tunnel.h"

namespace van::proxy {
using test::closed_port;
using test::Kind;
using test::run_turns;
using test::Server;
using test::Tunnel;

namespace {

/// Puts another target behind the address.
void retarget(Tunnel& tunnel, const Endpoint& target) {
  tunnel.exposure.reset();
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
  tunnel.exposure =
      std::make_unique<TcpExposure>(Parts{*tunnel.pair.mill, tunnel.pair.loop, tunnel.log}, ExposureConfig{.address = "greeting", .target = target, .cost = 0});
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
}

}  // namespace

TEST_CASE("a target that refuses closes the client at once", "[proxy][exposure]") {
  Tunnel tunnel;
  SECTION("a port where nobody listens") {
    retarget(tunnel, {.host = "127.0.0.1", .port = closed_port(tunnel.pair.loop), .path = {}});
  }
  SECTION("a path where nothing is") {
    retarget(tunnel, {.host = {}, .port = 0, .path = (tunnel.folder / "nothing").string()});
  }
  const auto client = tunnel.connect();
  client->write("hello");
  REQUIRE(tunnel.run([&client] { return client->over(); }));
  CHECK(client->reset());
  REQUIRE(tunnel.run_until_idle());
  CHECK(tunnel.stand_in->counters().connections == 1);
  CHECK(tunnel.exposure->counters().connections == 0);
}

TEST_CASE("an address whose target stopped is withdrawn, and offered again when the target is back", "[proxy][exposure]") {
  Tunnel tunnel;
  const Endpoint place = tunnel.server.endpoint();
  CHECK(tunnel.exposure->trouble().empty());
  tunnel.server.stop();
  const auto unlucky = tunnel.connect();
  REQUIRE(tunnel.run([&unlucky] { return unlucky->over(); }));
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
  CHECK_FALSE(tunnel.exposure->trouble().empty());

  Server again{tunnel.pair.loop, place};
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
  CHECK(tunnel.exposure->trouble().empty());
  const std::size_t probes = again.sockets.size();
  CHECK(probes == 1);
  const auto lucky = tunnel.connect();
  REQUIRE(tunnel.run([&again, probes] { return again.sockets.size() > probes; }));
  CHECK_FALSE(lucky->over());
}

TEST_CASE("an exposure that is withdrawn for good does not come back with its target", "[proxy][exposure]") {
  Tunnel tunnel;
  const Endpoint place = tunnel.server.endpoint();
  const TcpExposure other{Parts{*tunnel.pair.mill, tunnel.pair.loop, tunnel.log}, ExposureConfig{.address = "other", .target = place, .cost = 0}};
  const auto other_stand_in = std::move(TcpStandIn::open({*tunnel.pair.laptop, tunnel.pair.loop, tunnel.log}, {.address = "other", .local = {.host = "127.0.0.1", .port = 0, .path = {}}}))
                                  .value();
  REQUIRE(tunnel.run([&other_stand_in] { return other_stand_in->reachable(); }));
  tunnel.server.stop();
  const auto unlucky = tunnel.connect();
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
  tunnel.exposure->withdraw();
  const auto later = test::connect(tunnel.pair.loop, other_stand_in->local());
  REQUIRE(tunnel.run([&other_stand_in] { return !other_stand_in->reachable(); }));

  Server again{tunnel.pair.loop, place};
  REQUIRE(tunnel.run([&other_stand_in] { return other_stand_in->reachable(); }));
  CHECK(again.sockets.size() == 1);  // the probe of the other one, which failed later
  CHECK_FALSE(tunnel.stand_in->reachable());
}

TEST_CASE("a stopped target does not swallow what another provider can serve", "[proxy][exposure]") {
  Tunnel tunnel;
  Server other{tunnel.pair.loop, {.host = "127.0.0.1", .port = 0, .path = {}}};
  const TcpExposure dearer{Parts{*tunnel.pair.mill, tunnel.pair.loop, tunnel.log}, ExposureConfig{.address = "greeting", .target = other.endpoint(), .cost = 5}};
  tunnel.server.stop();
  const auto client = tunnel.connect();
  client->write("question");
  REQUIRE(tunnel.run([&other] { return other.sockets.size() == 1 && other.sockets[0]->heard.received == "question"; }));
  other.sockets[0]->write("answer");
  REQUIRE(tunnel.run([&client] { return client->heard.received == "answer"; }));
}

TEST_CASE("a target may be a name", "[proxy][exposure]") {
  Tunnel tunnel;
  retarget(tunnel, {.host = "localhost", .port = tunnel.server.endpoint().port, .path = {}});
  tunnel.open();
}

TEST_CASE("an address that is withdrawn lets its connections finish and takes no new ones", "[proxy][exposure]") {
  Tunnel tunnel;
  const auto ends = tunnel.open();
  tunnel.exposure->withdraw();
  tunnel.exposure->withdraw();  // once more is harmless
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
  CHECK_FALSE(tunnel.exposure->idle());
  ends.client->write("question");
  REQUIRE(tunnel.run([&ends] { return ends.server.heard.received == "question"; }));
  ends.server.write("answer");
  REQUIRE(tunnel.run([&ends] { return ends.client->heard.received == "answer"; }));

  const auto late = tunnel.connect();
  REQUIRE(tunnel.run([&late] { return late->over(); }));
  CHECK(late->reset());
  CHECK(tunnel.server.sockets.size() == 1);
  CHECK_FALSE(ends.client->over());
  ends.client->stream->shutdown();
  ends.server.stream->shutdown();
  REQUIRE(tunnel.run([&ends] { return ends.client->over() && ends.server.over(); }));
  CHECK(ends.client->heard.ends == 1);
  CHECK(ends.server.heard.ends == 1);
  REQUIRE(tunnel.run_until_idle());
}

TEST_CASE("a connection that is being made when its address is withdrawn is served", "[proxy][exposure]") {
  Tunnel tunnel;
  const auto client = tunnel.connect();
  client->write("hello");
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.exposure->idle(); }));
  tunnel.exposure->withdraw();
  REQUIRE(tunnel.run([&] { return tunnel.server.sockets.size() == 1 && tunnel.server.sockets[0]->heard.bytes == 5; }));
  CHECK_FALSE(client->over());
}

TEST_CASE("an exposure that goes resets its connections at both ends", "[proxy][exposure]") {
  Tunnel tunnel;
  const auto ends = tunnel.open();
  tunnel.exposure.reset();
  REQUIRE(tunnel.run([&ends] { return ends.client->over() && ends.server.over(); }));
  CHECK(ends.client->reset());
  CHECK(ends.server.reset());
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->counters().in_flight == 0; }));
}

TEST_CASE("an exposure that goes while it connects to its target refuses the client", "[proxy][exposure]") {
  Tunnel tunnel;
  const auto client = tunnel.connect();
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.exposure->idle(); }));
  CHECK(tunnel.exposure->counters().connections == 0);
  tunnel.exposure.reset();
  REQUIRE(tunnel.run([&client] { return client->over(); }));
  CHECK(client->reset());
}

TEST_CASE("a client that breaks while its target is being connected is forgotten", "[proxy][exposure]") {
  Tunnel tunnel;
  const auto client = tunnel.connect();
  SECTION("before the request") {}
  SECTION("after it") {
    REQUIRE(tunnel.run([&tunnel] { return !tunnel.exposure->idle(); }));
  }
  client->stream->reset();
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->counters().connections == 1; }));
  REQUIRE(tunnel.run_until_idle());
  for (const auto& socket : tunnel.server.sockets) {
    REQUIRE(tunnel.run([&socket] { return socket->over(); }));
  }
}

TEST_CASE("of two providers the cheaper one is asked while it has less to do", "[proxy][exposure]") {
  Tunnel tunnel;
  Server other{tunnel.pair.loop, {.host = "127.0.0.1", .port = 0, .path = {}}};
  const TcpExposure dearer{Parts{*tunnel.pair.mill, tunnel.pair.loop, tunnel.log}, ExposureConfig{.address = "greeting", .target = other.endpoint(), .cost = 2}};
  std::vector<std::unique_ptr<test::Socket>> clients;
  for (std::size_t i = 1; i <= 2; ++i) {
    clients.push_back(tunnel.connect());
    REQUIRE(tunnel.run([&] { return tunnel.server.sockets.size() == i; }));
  }
  CHECK(other.sockets.empty());
  for (int i = 0; i < 4; ++i) clients.push_back(tunnel.connect());
  REQUIRE(tunnel.run([&] { return tunnel.server.sockets.size() + other.sockets.size() == 6; }));
  CHECK(tunnel.server.sockets.size() == 4);
  CHECK(other.sockets.size() == 2);
}

}  // namespace van::proxy
