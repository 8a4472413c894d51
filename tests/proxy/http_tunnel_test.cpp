#include <string>
#include <string_view>

#include "proxy/http_exposure.h"
#include "proxy/http_stand_in.h"
#include "tests/proxy/tunnel.h"
#include "tests/support/catch.h"

namespace van::proxy::test {
namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A server beside a site is put into the network, and a laptop on that site has a stand-in for it: each with HTTP or without.
struct HttpTunnel {
  explicit HttpTunnel(Protocol exposed = Protocol::http, Protocol bound = Protocol::http, http::Forwarded forwarded = http::Forwarded::none)
      : server{pair.loop, {.host = "127.0.0.1", .port = 0, .path = {}}} {
    expose(exposed);
    auto opened = open_stand_in({*pair.laptop, pair.loop, log},
                                {.address = "greeting", .local = {.host = "127.0.0.1", .port = 0, .path = {}}, .protocol = bound, .forwarded = forwarded});
    REQUIRE(opened);
    stand_in = *std::move(opened);
    REQUIRE(run([this] { return stand_in->reachable(); }));
  }
  void expose(Protocol protocol) {
    exposure = make_exposure({*pair.mill, pair.loop, log}, {.address = "greeting", .target = server.endpoint(), .protocol = protocol});
  }
  bool run(const std::function<bool()>& done) { return run_until(pair.loop, done); }
  std::unique_ptr<Socket> connect() { return test::connect(pair.loop, stand_in->local()); }
  /// Waits for what a socket hears, and takes it.
  std::string heard(Socket& socket, std::size_t least = 1) {
    REQUIRE(run([&] { return socket.heard.received.size() >= least || socket.over(); }));
    run_turns(pair.loop);
    return std::exchange(socket.heard.received, {});
  }
  Socket& connection(std::size_t index = 0) {
    REQUIRE(run([&] { return server.sockets.size() > index; }));
    return *server.sockets[index];
  }
  bool run_until_idle() {
    return run([this] { return exposure->counters().in_flight == 0 && stand_in->counters().in_flight == 0; });
  }

  spdlog::logger log{"proxy"};  // without sinks
  link::test::Pair pair;
  Server server;
  std::unique_ptr<Exposure> exposure;
  std::unique_ptr<StandIn> stand_in;
};

TEST_CASE("requests of one client connection are streams of their own, on one kept connection to the server", "[proxy][http]") {
  HttpTunnel tunnel;
  const auto client = tunnel.connect();
  for (std::uint64_t count = 1; count <= 3; ++count) {
    client->write(kGet);
    CHECK(tunnel.heard(tunnel.connection(), kGet.size()) == kGet);
    CHECK(tunnel.stand_in->counters().in_flight == 1);
    tunnel.connection().write(kHello);
    CHECK(tunnel.heard(*client, kHello.size()) == kHello);
    REQUIRE(tunnel.run_until_idle());
    CHECK(tunnel.stand_in->counters().connections == count);
    CHECK(tunnel.exposure->counters().connections == count);
    CHECK(tunnel.pair.laptop->router().counters().streams_opened == count);
  }
  CHECK(tunnel.server.sockets.size() == 1);
  CHECK(tunnel.run([&] { return tunnel.pair.laptop->router().held().streams + tunnel.pair.mill->router().held().streams == 0; }));
}

TEST_CASE("all connections that were needed at once are kept for the next requests", "[proxy][http]") {
  HttpTunnel tunnel;
  constexpr std::size_t kAtOnce = 100;
  std::vector<std::unique_ptr<Socket>> clients;
  while (clients.size() < kAtOnce) clients.push_back(tunnel.connect());
  for (int round = 0; round < 3; ++round) {
    for (const auto& client : clients) client->write(kGet);
    tunnel.connection(kAtOnce - 1);
    for (const auto& server : tunnel.server.sockets) tunnel.heard(*server, kGet.size());
    for (const auto& server : tunnel.server.sockets) server->write(kHello);
    for (const auto& client : clients) CHECK(tunnel.heard(*client, kHello.size()) == kHello);
    REQUIRE(tunnel.run_until_idle());
    CHECK(tunnel.server.sockets.size() == kAtOnce);
  }
}

TEST_CASE("a kept connection is ended in order when the exposure is", "[proxy][http]") {
  HttpTunnel tunnel;
  const auto client = tunnel.connect();
  client->write(kGet);
  tunnel.heard(tunnel.connection(), kGet.size());
  tunnel.connection().write(kHello);
  tunnel.heard(*client, kHello.size());
  REQUIRE(tunnel.run_until_idle());
  tunnel.exposure.reset();
  REQUIRE(tunnel.run([&] { return tunnel.connection().over(); }));
  CHECK(tunnel.connection().heard.ends == 1);
  CHECK_FALSE(tunnel.connection().reset());
}

TEST_CASE("a short request and a short answer are one message each, and need no link of their own", "[proxy][http]") {
  HttpTunnel tunnel;
  const auto links = [&] { return tunnel.pair.mill->router().held().links; };
  const std::size_t before = links();
  const auto client = tunnel.connect();
  client->write(kGet);
  tunnel.heard(tunnel.connection(), kGet.size());
  tunnel.connection().write(kHello);
  CHECK(tunnel.heard(*client, kHello.size()) == kHello);
  REQUIRE(tunnel.run_until_idle());
  CHECK(links() == before);
}

TEST_CASE("either end may be a plain TCP one", "[proxy][http]") {
  SECTION("a TCP server: it is asked to end the connection") {
    HttpTunnel tunnel{Protocol::tcp, Protocol::http};
    const auto client = tunnel.connect();
    for (std::size_t count = 0; count < 2; ++count) {
      client->write(kGet);
      Socket& server = tunnel.connection(count);
      CHECK(tunnel.heard(server, kGet.size()) == "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
      server.write(kHello);
      CHECK(tunnel.heard(*client, kHello.size()) == kHello);
      // It hears of our end after its answer, and not before.
      CHECK(tunnel.run([&] { return server.heard.ends == 1; }));
      server.stream->shutdown();
    }
    CHECK(tunnel.run_until_idle());
  }
  SECTION("a TCP server that ends nothing is ended") {
    HttpTunnel tunnel{Protocol::tcp, Protocol::http};
    const auto client = tunnel.connect();
    client->write(kGet);
    tunnel.connection().write(kHello);
    CHECK(tunnel.run_until_idle());
  }
  SECTION("a TCP client: many requests on one stream") {
    HttpTunnel tunnel{Protocol::http, Protocol::tcp};
    const auto client = tunnel.connect();
    for (int count = 0; count < 3; ++count) {
      client->write(kGet);
      CHECK(tunnel.heard(tunnel.connection(), kGet.size()) == kGet);
      tunnel.connection().write(kHello);
      CHECK(tunnel.heard(*client, kHello.size()) == kHello);
    }
    CHECK(tunnel.exposure->counters().connections == 3);
    CHECK(tunnel.stand_in->counters().connections == 1);
    CHECK(tunnel.server.sockets.size() == 1);
    client->stream->shutdown();
    CHECK(tunnel.run([&] { return client->heard.ends == 1; }));
    CHECK(tunnel.run_until_idle());
  }
  SECTION("a TCP client that says nothing first") {
    HttpTunnel tunnel{Protocol::http, Protocol::tcp};
    const auto client = tunnel.connect();
    CHECK(tunnel.run([&] { return tunnel.server.sockets.size() == 1; }));  // it stands ready
    client->write(kGet);
    CHECK(tunnel.heard(tunnel.connection(), kGet.size()) == kGet);
  }
}

TEST_CASE("large content passes both ways at once", "[proxy][http]") {
  HttpTunnel tunnel;
  const auto client = tunnel.connect();
  const std::size_t size = 3'000'000;
  client->write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(1000, 'x'));
  Socket& server = tunnel.connection();
  tunnel.heard(server, 1000);
  server.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(1000, 'y'));
  tunnel.heard(*client, 1000);
  client->write(std::string(size - 1000, 'x'));
  server.write(std::string(size - 1000, 'y'));
  CHECK(tunnel.run([&] { return server.heard.received.size() >= size - 1000 && client->heard.received.size() >= size - 1000; }));
  CHECK(tunnel.run_until_idle());
}

TEST_CASE("a client that does not read stops the server, and only its own", "[proxy][http]") {
  HttpTunnel tunnel;
  const auto client = tunnel.connect();
  client->write(kGet);
  Socket& server = tunnel.connection();
  tunnel.heard(server, kGet.size());
  client->stream->read_stop();
  const std::size_t size = 64u << 20;
  server.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
  server.write(std::string(size, 'y'));
  const auto other = tunnel.connect();
  other->write(kGet);
  Socket& second = tunnel.connection(1);
  tunnel.heard(second, kGet.size());
  second.write(kHello);
  CHECK(tunnel.heard(*other, kHello.size()) == kHello);
  CHECK(server.stream->queued_bytes() > 0);
  client->stream->read_start();
  CHECK(tunnel.run([&] { return client->heard.bytes >= size; }));
}

TEST_CASE("a tunnel carries what both ends say, and their ends", "[proxy][http]") {
  HttpTunnel tunnel{GENERATE(Protocol::http, Protocol::tcp)};
  const auto client = tunnel.connect();
  client->write("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  Socket& server = tunnel.connection();
  CHECK(tunnel.heard(server).find("Connection: Upgrade\r\n") != std::string::npos);
  server.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\none");
  CHECK(tunnel.heard(*client, 80).ends_with("\r\n\r\none"));
  client->write("two");
  CHECK(tunnel.heard(server, 3) == "two");
  client->stream->shutdown();
  CHECK(tunnel.run([&] { return server.heard.ends == 1; }));
  server.write("three");
  CHECK(tunnel.heard(*client, 5) == "three");
  server.stream->shutdown();
  CHECK(tunnel.run([&] { return client->heard.ends == 1; }));
  CHECK(tunnel.run_until_idle());
}

TEST_CASE("a client that goes away takes its request along", "[proxy][http]") {
  HttpTunnel tunnel;
  auto client = tunnel.connect();
  client->write(kGet);
  Socket& server = tunnel.connection();
  tunnel.heard(server, kGet.size());
  client->stream->reset();
  CHECK(tunnel.run([&] { return server.over(); }));
  CHECK(tunnel.run_until_idle());
}

TEST_CASE("a kept connection that the server has ended is not used, or the request is sent again", "[proxy][http]") {
  HttpTunnel tunnel;
  const auto client = tunnel.connect();
  const auto ask = [&](std::size_t connection, std::string_view request) {
    client->write(request);
    tunnel.heard(tunnel.connection(connection), request.size());
    tunnel.connection(connection).write(kHello);
    CHECK(tunnel.heard(*client, kHello.size()) == kHello);
  };
  ask(0, kGet);
  SECTION("between two requests") {
    Socket& server = tunnel.connection();
    server.stream->shutdown();
    REQUIRE(tunnel.run([&] { return server.over(); }));
    ask(1, "POST / HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  SECTION("as a request comes") {
    client->write(kGet);
    tunnel.heard(tunnel.connection(), kGet.size());
    tunnel.connection().stream->shutdown();
    CHECK(tunnel.heard(tunnel.connection(1), kGet.size()) == kGet);
    tunnel.connection(1).write(kHello);
    CHECK(tunnel.heard(*client, kHello.size()) == kHello);
  }
  SECTION("one that may not be sent twice") {
    client->write("POST / HTTP/1.1\r\nHost: h\r\n\r\n");
    tunnel.heard(tunnel.connection());
    tunnel.connection().stream->shutdown();
    CHECK(tunnel.heard(*client, 12).starts_with("HTTP/1.1 502"));
    CHECK(tunnel.server.sockets.size() == 1);
  }
}

TEST_CASE("without a provider a request waits a moment and is a 503", "[proxy][http]") {
  HttpTunnel tunnel;
  tunnel.exposure.reset();
  REQUIRE(tunnel.run([&] { return !tunnel.stand_in->reachable(); }));
  const auto client = tunnel.connect();
  client->write(kGet);
  SECTION("nobody comes") {
    CHECK(tunnel.heard(*client, 12).starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    CHECK_FALSE(client->over());  // and may ask again
  }
  SECTION("somebody comes") {
    tunnel.expose(Protocol::http);
    CHECK(tunnel.heard(tunnel.connection(), kGet.size()) == kGet);
  }
  SECTION("the client goes first") {
    REQUIRE(tunnel.run([&] { return tunnel.stand_in->counters().in_flight == 1; }));
    client->stream->reset();
    REQUIRE(tunnel.run([&] { return tunnel.stand_in->counters().in_flight == 0; }));
    tunnel.expose(Protocol::http);
    REQUIRE(tunnel.run([&] { return tunnel.stand_in->reachable(); }));
    run_turns(tunnel.pair.loop);
    CHECK(tunnel.server.sockets.empty());
  }
}

TEST_CASE("a server that can't be reached is told to a client of HTTP, and its address is withdrawn", "[proxy][http]") {
  const Protocol bound = GENERATE(Protocol::http, Protocol::tcp);
  HttpTunnel tunnel{Protocol::http, bound};
  tunnel.server.stop();
  const auto client = tunnel.connect();
  client->write(kGet);
  REQUIRE(tunnel.run([&] { return !client->heard.received.empty() || client->over(); }));
  if (bound == Protocol::http) CHECK(client->heard.received.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));  // nobody else has it
  else CHECK(client->over());
  CHECK(tunnel.run([&] { return !tunnel.exposure->trouble().empty() && !tunnel.stand_in->reachable(); }));
  CHECK(tunnel.exposure->counters().in_flight == 0);
}

TEST_CASE("what is no request is refused and goes nowhere", "[proxy][http]") {
  HttpTunnel tunnel{Protocol::http, GENERATE(Protocol::http, Protocol::tcp)};
  const auto client = tunnel.connect();
  client->write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(tunnel.heard(*client, 12).starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(tunnel.run([&] { return client->heard.ends == 1; }));
  client->stream->shutdown();
  CHECK(tunnel.run_until_idle());
  for (const auto& socket : tunnel.server.sockets) CHECK(socket->heard.received.empty());
}

TEST_CASE("a request says who its client is when that is wanted", "[proxy][http]") {
  HttpTunnel tunnel{Protocol::http, Protocol::http, http::Forwarded::standard};
  const auto client = tunnel.connect();
  client->write(kGet);
  CHECK(tunnel.heard(tunnel.connection()).find("\r\nForwarded: for=127.0.0.1;proto=http;host=\"h\"\r\n") != std::string::npos);
}

TEST_CASE("a withdrawn server answers what it has begun, and then ends", "[proxy][http]") {
  HttpTunnel tunnel{Protocol::http, Protocol::tcp};
  const auto client = tunnel.connect();
  client->write(kGet);
  tunnel.heard(tunnel.connection(), kGet.size());
  const auto quiet = tunnel.connect();
  REQUIRE(tunnel.run([&] { return tunnel.server.sockets.size() == 2; }));
  run_turns(tunnel.pair.loop);
  tunnel.exposure->withdraw();
  CHECK(tunnel.run([&] { return quiet->heard.ends == 1; }));
  quiet->stream->shutdown();
  tunnel.connection().write(kHello);
  CHECK(tunnel.heard(*client, kHello.size()).find("Connection: close") != std::string::npos);
  CHECK(tunnel.run([&] { return client->heard.ends == 1; }));
  client->stream->shutdown();
  CHECK(tunnel.run([&] { return tunnel.exposure->idle(); }));
}

}  // namespace
}  // namespace van::proxy::test
