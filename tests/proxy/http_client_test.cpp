#include "proxy/http_client.h"

#include "tests/proxy/named.h"

namespace van::proxy {
using test::connect;
using test::Named;
using test::Socket;

namespace {

const std::string kGet = "GET http://greeting/ HTTP/1.1\r\nHost: greeting\r\n\r\n";

struct Web : Named {
  std::unique_ptr<NameServer> http = open<HttpClient>();
  std::unique_ptr<Socket> client = connect(loop(), http->local());

  [[nodiscard]] bool heard(std::string_view text) const { return client->heard.received.find(text) != std::string::npos; }
  Socket& next_server(std::size_t count) {
    REQUIRE(run([&] { return server.sockets.size() == count && !server.sockets.back()->heard.received.empty(); }));
    return *server.sockets.back();
  }
};

}  // namespace

TEST_CASE("each request through the HTTP port is a connection of the service's", "[proxy][http]") {
  Web web;
  for (std::size_t number = 1; number <= 3; ++number) {
    web.client->write(kGet);
    Socket& service = web.next_server(number);
    CHECK(service.heard.received.starts_with("GET / HTTP/1.1\r\nHost: greeting\r\n"));
    service.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(number));
    REQUIRE(web.run([&] { return web.heard("\r\n\r\n" + std::to_string(number)); }));
    REQUIRE(web.run([&] { return service.heard.ends == 1; }));  // not a reset
    service.stream->shutdown();
  }
  CHECK(web.http->clients() == 1);
  REQUIRE(web.run([&] { return web.exposure->idle(); }));
  CHECK(web.http->counters().connections == 3);
  CHECK(web.http->counters().in_flight == 0);
}

TEST_CASE("a service that keeps its connection after the answer is let go of", "[proxy][http]") {
  Web web;
  web.client->write(kGet);
  web.next_server(1).write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
  REQUIRE(web.run([&] { return web.exposure->idle(); }));
  CHECK_FALSE(web.client->over());
}

TEST_CASE("a large answer waits for a slow client, and a large request for a slow service", "[proxy][http]") {
  Web web;
  constexpr std::size_t kBytes = 16u << 20;
  web.client->write("POST http://greeting/ HTTP/1.1\r\nHost: greeting\r\nContent-Length: " + std::to_string(kBytes) + "\r\n\r\n");
  Socket& service = web.next_server(1);
  service.stream->read_stop();
  web.client->write(std::string(kBytes, 'q'));
  test::run_turns(web.loop(), 300);
  CHECK(web.client->stream->queued_bytes() > 0);  // it is held
  service.stream->read_start();
  REQUIRE(web.run([&] { return service.heard.received.ends_with("q") && service.heard.bytes > kBytes; }));

  web.client->stream->read_stop();
  service.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBytes) + "\r\n\r\n" + std::string(kBytes, 'a'));
  test::run_turns(web.loop(), 300);
  CHECK(service.stream->queued_bytes() > 0);
  web.client->stream->read_start();
  REQUIRE(web.run([&] { return web.client->heard.bytes > kBytes; }));
  web.client->write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");  // and the connection is good for more
  REQUIRE(web.run([&] { return web.heard("Services of this network"); }));
}

TEST_CASE("who goes in the middle of an answer ends the service's connection", "[proxy][http]") {
  Web web;
  web.client->write(kGet);
  Socket& service = web.next_server(1);
  service.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  REQUIRE(web.run([&] { return web.heard("half"); }));
  web.client->stream->reset();
  REQUIRE(web.run([&] { return service.over() && web.http->clients() == 0; }));

  web.client = connect(web.loop(), web.http->local());
  web.client->write(kGet);
  Socket& other = web.next_server(2);
  other.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  REQUIRE(web.run([&] { return web.heard("half"); }));
  other.stream->shutdown();
  REQUIRE(web.run([&] { return web.client->reset(); }));  // and is not taken for whole
}

TEST_CASE("a tunnel and a WebSocket pass everything both ways", "[proxy][http]") {
  Web web;
  web.client->write("CONNECT greeting:8080 HTTP/1.1\r\nHost: greeting:8080\r\n\r\nhello");
  Socket& tunnelled = web.next_server(1);
  CHECK(tunnelled.heard.received == "hello");
  tunnelled.write("welcome");
  REQUIRE(web.run([&] { return web.heard("\r\n\r\nwelcome"); }));
  web.client->stream->shutdown();
  REQUIRE(web.run([&] { return tunnelled.heard.ends == 1; }));
  tunnelled.stream->shutdown();
  REQUIRE(web.run([&] { return web.http->clients() == 0; }));

  web.client = connect(web.loop(), web.http->local());
  web.client->write("GET / HTTP/1.1\r\nHost: greeting.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly");
  Socket& upgraded = web.next_server(2);
  upgraded.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
  REQUIRE(web.run([&] { return web.heard("\r\n\r\nfirst") && upgraded.heard.received.ends_with("early"); }));
  web.client->write(" more");
  REQUIRE(web.run([&] { return upgraded.heard.received.ends_with("early more"); }));
}

TEST_CASE("what is not in the network is refused with words, and the connection goes on", "[proxy][http]") {
  Web web;
  web.directory.known.push_back({.address = "absent", .port = 1, .reachable = false});
  const auto answer = [&web](const std::string& request, std::string_view text) {
    web.client->heard.received.clear();
    web.client->write(request);
    CHECK(web.run([&] { return web.heard(text); }));
    return web.client->heard.received.substr(0, 12);
  };
  CHECK(answer("GET http://example.com/ HTTP/1.1\r\nHost: x\r\n\r\n", "'example.com' is no service of this network; it has absent, greeting\n") == "HTTP/1.1 502");
  CHECK(answer("CONNECT 10.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n", "is an IP address") == "HTTP/1.1 403");
  CHECK(answer("CONNECT greeting:22 HTTP/1.1\r\nHost: x\r\n\r\n", "service greeting has port 8080, not 22\n") == "HTTP/1.1 403");
  CHECK(answer("GET / HTTP/1.1\r\nHost: absent.localhost\r\n\r\n", "nobody provides this service now") == "HTTP/1.1 503");
  web.directory.known.push_back({.address = "modern", .port = 1, .protocol = Protocol::http2});
  CHECK(answer("GET / HTTP/1.1\r\nHost: modern.localhost\r\n\r\n", "this service speaks HTTP/2") == "HTTP/1.1 502");
  CHECK(answer("GET /proxy.pac HTTP/1.1\r\nHost: 127.0.0.1:99\r\n\r\n", "PROXY 127.0.0.1:99") == "HTTP/1.1 200");
  CHECK(web.server.sockets.empty());
  web.server.stop();
  CHECK(answer(kGet, "HTTP/1.1 50").starts_with("HTTP/1.1 50"));  // 503 when its withdrawal came first, else 502
  CHECK(web.http->clients() == 1);
}

TEST_CASE("services asked for by name are looked up once while they are there", "[proxy][names]") {
  Web web;
  const auto find = [&web](std::string_view host, std::uint16_t port) { return web.routes->find(host, port).has_value(); };
  REQUIRE(find("greeting", 80));
  REQUIRE(web.run([&] { return web.routes->find("greeting", 80).has_value() && web.pair.laptop->router().addresses().size() == 1 && web.pair.laptop->router().addresses()[0].reachable; }));
  const int asked = web.directory.asked;
  CHECK(find("greeting", 8080));
  CHECK(web.directory.asked == asked);
  CHECK_FALSE(find("greeting", 1));
  CHECK(web.routes->size() == 1);
}

TEST_CASE("a client of the HTTP port has its time for each request", "[proxy][http][limits]") {
  Web web;
  web.http = web.open<HttpClient>({.word = std::chrono::milliseconds{20}, .linger = std::chrono::milliseconds{20}});
  web.client = connect(web.loop(), web.http->local());
  SECTION("a silent one is closed") {
    REQUIRE(web.run([&] { return web.client->over(); }));
    CHECK(web.client->heard.received.empty());
  }
  SECTION("one that has begun a request is told") {
    web.client->write("GET http://greeting/ HTTP/1.1\r\n");
    REQUIRE(web.run([&] { return web.client->over(); }));
    CHECK(web.client->heard.received.starts_with("HTTP/1.1 408 "));
  }
  SECTION("one that waits for its answer is not, and is closed when it asks no more") {
    web.client->write(kGet);
    REQUIRE(web.run([&] { return web.client->over() || (!web.server.sockets.empty() && !web.server.sockets[0]->heard.received.empty()); }));
    if (web.client->over()) return;  // a machine so busy that its time was over before proves nothing
    const auto other = connect(web.loop(), web.http->local());
    REQUIRE(web.run([&] { return other->over(); }));  // another one's whole time
    REQUIRE_FALSE(web.client->over());
    web.server.sockets[0]->write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    REQUIRE(web.run([&] { return web.client->over(); }));
    CHECK(web.heard("\r\n\r\n1"));
  }
  // It does not end its connection, and is left a moment later.
  REQUIRE(web.run([&] { return web.http->clients() == 0; }));
}

TEST_CASE("a service that nobody has asked for by name for a while is not used any more", "[proxy][names][limits]") {
  Web web;
  web.http.reset();
  web.routes = std::make_unique<NameRoutes>(Parts{*web.pair.laptop, web.loop(), web.log}, web.directory, std::chrono::milliseconds{20});
  web.directory.known.push_back({.address = "other", .port = 1});
  auto used = web.routes->find("greeting", 0);
  REQUIRE(used);
  REQUIRE(web.routes->find("other", 0));
  CHECK(web.routes->size() == 2);
  REQUIRE(web.run([&] { return web.routes->size() == 1; }));
  CHECK(web.routes->find("greeting", 0));
  CHECK(web.routes->size() == 1);
  *used = {};
  REQUIRE(web.run([&] { return web.routes->size() == 0; }));
}

TEST_CASE("services asked for by name have a limit, and who is not in use makes room", "[proxy][names]") {
  Web web;
  web.directory.known.clear();
  for (std::size_t number = 0; number <= limits::kNameServices; ++number) web.directory.known.push_back({.address = "s" + std::to_string(number)});
  std::vector<NameRoutes::Use> uses;
  for (std::size_t number = 0; number < limits::kNameServices; ++number) uses.push_back(*web.routes->find("s" + std::to_string(number), 0));
  const std::string last = "s" + std::to_string(limits::kNameServices);
  const auto refused = web.routes->find(last, 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == NameRefusal::Kind::full);
  uses.pop_back();
  CHECK(web.routes->find(last, 0));
  CHECK(web.routes->size() == limits::kNameServices);
}

}  // namespace van::proxy
