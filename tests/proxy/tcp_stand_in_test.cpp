#include "proxy/tcp_stand_in.h"

#include <chrono>
#include <filesystem>

#include "tests/proxy/tunnel.h"

namespace van::proxy {
using test::connect;
using test::Kind;
using test::run_turns;
using test::run_until;
using test::Server;
using test::Tunnel;

namespace {

const Endpoint kAnyPort{.host = "127.0.0.1", .port = 0, .path = {}};

/// A stand-in on a site that is alone.
struct Alone {
  io::Loop loop;
  spdlog::logger log{"proxy"};
  link::test::Site mill{loop, "mill", router::Mode::interior};
  std::unique_ptr<TcpStandIn> stand_in = open(kAnyPort);

  std::unique_ptr<TcpStandIn> open(const Endpoint& local) {
    auto opened = TcpStandIn::open({*mill, loop, log}, {.address = "greeting", .local = local});
    INFO((opened ? std::string{} : opened.error().message));
    REQUIRE(opened);
    return *std::move(opened);
  }
};

}  // namespace

TEST_CASE("a stand-in tells the port that it really has", "[proxy][stand-in]") {
  Alone alone;
  const Endpoint local = alone.stand_in->local();
  CHECK(local.host == "127.0.0.1");
  CHECK(local.port != 0);
  CHECK(alone.open(kAnyPort)->local().port != local.port);
  const auto client = connect(alone.loop, local);
  CHECK(client->stream->peer_address() == local.text());
  CHECK_FALSE(alone.stand_in->reachable());
}

TEST_CASE("a stand-in's port in use is an error", "[proxy][stand-in]") {
  Alone alone;
  const auto second = TcpStandIn::open({*alone.mill, alone.loop, alone.log}, {.address = "other", .local = alone.stand_in->local()});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == io::Error::Code::address_in_use);
  const Endpoint port = alone.stand_in->local();
  alone.stand_in.reset();  // and is free again
  CHECK(alone.open(port)->local() == port);
}

TEST_CASE("a stand-in's socket file goes with it", "[proxy][stand-in]") {
  Alone alone;
  const van::test::TemporaryFolder folder;
  const Endpoint path{.host = {}, .port = 0, .path = (folder / "socket").string()};
  auto stand_in = alone.open(path);
  CHECK(stand_in->local() == path);
  CHECK(std::filesystem::exists(path.path));
  const auto second = TcpStandIn::open({*alone.mill, alone.loop, alone.log}, {.address = "other", .local = path});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == io::Error::Code::address_in_use);
  stand_in.reset();
  CHECK_FALSE(std::filesystem::exists(path.path));
}

TEST_CASE("while nobody provides the address clients are reset, not at once but soon", "[proxy][stand-in]") {
  Alone alone;
  const auto start = io::Loop::now();
  const auto one = connect(alone.loop, alone.stand_in->local());
  const auto two = connect(alone.loop, alone.stand_in->local());
  one->write("anybody there?");
  REQUIRE(run_until(alone.loop, [&] { return one->over() && two->over(); }));
  CHECK(io::Loop::now() - start >= std::chrono::milliseconds{400});
  CHECK(one->reset());
  CHECK(two->reset());
  CHECK(alone.stand_in->counters().connections == 0);

  const auto three = connect(alone.loop, alone.stand_in->local());  // its patience begins anew
  REQUIRE(run_until(alone.loop, [&] { return three->over(); }));
  CHECK(three->reset());
}

TEST_CASE("a client that comes a moment before the provider is served", "[proxy][stand-in]") {
  Alone alone;
  Server server{alone.loop, kAnyPort};
  const auto start = io::Loop::now();
  const auto client = connect(alone.loop, alone.stand_in->local());
  client->write("hello");
  run_turns(alone.loop);
  const TcpExposure exposure{Parts{*alone.mill, alone.loop, alone.log}, ExposureConfig{.address = "greeting", .target = server.endpoint(), .cost = 0}};
  const auto served = [&] { return server.sockets.size() == 1 && server.sockets[0]->heard.bytes == 5; };
  REQUIRE(run_until(alone.loop, [&] { return served() || client->over(); }));
  // On a machine so busy that the client's patience ended first, this proves nothing.
  if (!served() && io::Loop::now() - start >= std::chrono::milliseconds{400}) return;
  REQUIRE(served());
  CHECK(alone.stand_in->reachable());
  CHECK_FALSE(client->over());
  CHECK(alone.stand_in->counters().connections == 1);
}

TEST_CASE("of 300 clients that wait for a provider 44 are reset at once", "[proxy][stand-in]") {
  Alone alone;
  const auto over = [](const auto& client) { return client->over(); };
  std::vector<std::unique_ptr<test::Socket>> clients;
  const auto start = io::Loop::now();
  for (int i = 0; i < 300; ++i) clients.push_back(connect(alone.loop, alone.stand_in->local()));
  run_turns(alone.loop);
  const auto early = std::ranges::count_if(clients, over);
  // A machine that is too busy to connect them while the first one still waits proves nothing here.
  if (io::Loop::now() - start < std::chrono::milliseconds{400}) CHECK(early == 44);
  REQUIRE(run_until(alone.loop, [&] { return std::ranges::all_of(clients, over); }));
  CHECK(std::ranges::all_of(clients, [](const auto& client) { return client->reset(); }));
}

TEST_CASE("a stand-in that goes resets its connections at both ends, and frees its port", "[proxy][stand-in]") {
  Tunnel tunnel;
  const auto ends = tunnel.open();
  const Endpoint local = tunnel.stand_in->local();
  tunnel.stand_in.reset();
  REQUIRE(tunnel.run([&ends] { return ends.client->over() && ends.server.over(); }));
  CHECK(ends.client->reset());
  CHECK(ends.server.reset());
  REQUIRE(tunnel.run([&tunnel] { return tunnel.exposure->idle(); }));
  CHECK(io::TcpListener::listen(tunnel.pair.loop, local.host, local.port, [](std::unique_ptr<io::Stream>) {}));
}

TEST_CASE("a stand-in may go while clients wait for a provider or for the answer", "[proxy][stand-in]") {
  Tunnel tunnel;
  std::unique_ptr<test::Socket> client;
  SECTION("for the answer") { client = tunnel.connect(); }
  SECTION("for a provider") {
    tunnel.exposure.reset();
    REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
    client = tunnel.connect();
  }
  tunnel.stand_in.reset();
  REQUIRE(tunnel.run([&client] { return client->over(); }));
  run_turns(tunnel.pair.loop);
  if (tunnel.exposure) REQUIRE(tunnel.run([&tunnel] { return tunnel.exposure->idle(); }));
}

TEST_CASE("a stand-in is reachable as long as somebody provides its address", "[proxy][stand-in]") {
  Tunnel tunnel;
  CHECK(tunnel.stand_in->reachable());
  tunnel.exposure.reset();
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
  const TcpExposure again{Parts{*tunnel.pair.mill, tunnel.pair.loop, tunnel.log}, ExposureConfig{.address = "greeting", .target = tunnel.server.endpoint(), .cost = 0}};
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
}

}  // namespace van::proxy
