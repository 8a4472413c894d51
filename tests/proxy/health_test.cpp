#include "proxy/health.h"

#include "tests/proxy/tunnel.h"

namespace van::proxy {
using test::Kind;
using test::run_until;
using test::Server;
using test::Tunnel;

namespace {

constexpr std::string_view kGood = "HTTP/1.1 204 No Content\r\n\r\n";
constexpr std::string_view kBad = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

HealthCheck http_check(std::uint32_t failures = 1, std::uint32_t successes = 1) {
  return {.kind = HealthCheck::Kind::http, .path = "/healthz", .interval = kHealthIntervalMin, .failures = failures, .successes = successes};
}

/// A server that answers each request with `answer`, and closes; none: it says nothing.
class Answering {
 public:
  Answering(io::Loop& loop, const Endpoint& local) : server{loop, local} {
    server.on_accept = [this](test::Socket& socket) {
      socket.heard.after_data = [this, &socket] {
        if (!socket.heard.received.ends_with("\r\n\r\n")) return;
        requests.push_back(socket.heard.received);
        if (answer.empty()) return;
        socket.write(answer);
        socket.stream->shutdown();
      };
    };
  }
  Server server;
  std::string answer{kGood};
  std::vector<std::string> requests;
};

/// A target with its health, and what it told.
struct Watched {
  explicit Watched(const HealthCheck& check, const Endpoint& local = {.host = "127.0.0.1", .port = 0, .path = {}})
      : target{site.loop, local},
        place{*site.mill, site.loop, log, {.endpoint = target.server.endpoint()}},
        health{site.loop, log, "greeting", place, check, [this] { told.push_back(health.state()); }} {}
  bool run_until_asked(std::size_t times) {
    return run_until(loop, [&] { return target.requests.size() >= times; });
  }
  bool run_until_told(std::size_t times) {
    return run_until(loop, [&] { return told.size() >= times; });
  }
  link::test::Pair site;
  io::Loop& loop = site.loop;
  spdlog::logger log{"proxy"};
  Answering target;
  Target place;
  std::vector<HealthState> told;
  Health health;
};

std::unique_ptr<TcpExposure> expose(Tunnel& tunnel, const Endpoint& target, const HealthCheck& check) {
  tunnel.exposure.reset();
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
  return std::make_unique<TcpExposure>(Parts{*tunnel.pair.mill, tunnel.pair.loop, tunnel.log},
                                       ExposureConfig{.address = "greeting", .target = target, .health = check});
}

}  // namespace

TEST_CASE("a health check is read as it is written", "[proxy][health]") {
  CHECK(parse_health_check("tcp")->kind == HealthCheck::Kind::tcp);
  for (const std::string text : {"tcp", "http:/", "http:/healthz?deep=1", "http:/a%20b"}) {
    const auto check = parse_health_check(text);
    REQUIRE(check);
    CHECK(check->text() == text);
  }
  CHECK(HealthCheck{}.text().empty());
  for (const std::string text : {"", "http", "http:", "http:healthz", "https:/x", "http:/a b", "http:/a\r\nX: y", "http:/#x", "http:/\xc3\xa4", "udp"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_health_check(text));
  }
  CHECK(parse_health_check("http:/" + std::string(kHealthPathBytes - 1, 'a')));
  CHECK_FALSE(parse_health_check("http:/" + std::string(kHealthPathBytes, 'a')));
}

TEST_CASE("a target with a check is up once it has answered well, and down once it does not", "[proxy][health]") {
  Watched watched{http_check()};
  watched.target.answer = kBad;
  CHECK(watched.health.state() == HealthState::checking);
  CHECK_FALSE(watched.health.trouble().empty());
  REQUIRE(watched.run_until_told(1));
  CHECK(watched.told.back() == HealthState::down);
  CHECK(watched.health.trouble() == "GET /healthz: it answers 503");

  watched.target.answer = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 302 Found\r\nLocation: /y\r\n\r\n";
  REQUIRE(watched.run_until_told(2));
  CHECK(watched.told.back() == HealthState::up);
  CHECK(watched.health.trouble().empty());

  const auto place = watched.target.server.endpoint().text();
  CHECK(watched.target.requests.back().starts_with("GET /healthz HTTP/1.1\r\nHost: " + place + "\r\n"));

  SECTION("it answers something else") {
    watched.target.answer = "SSH-2.0-OpenSSH\r\n\r\n";
    REQUIRE(watched.run_until_told(3));
    CHECK(watched.health.trouble().starts_with("GET /healthz: what it answers is not HTTP/1: "));
  }
  SECTION("its answer has no end") {
    watched.target.answer = "HTTP/1.1 200 OK\r\n" + std::string(1 << 20, 'x');
    REQUIRE(watched.run_until_told(3));
    CHECK(watched.health.trouble().starts_with("GET /healthz: what it answers is not HTTP/1: "));
  }
  SECTION("it stops") {
    watched.target.server.stop();
    REQUIRE(watched.run_until_told(3));
    CHECK(watched.health.trouble().find("refused") != std::string::npos);
  }
  SECTION("it says nothing") {
    watched.target.answer.clear();
    REQUIRE(watched.run_until_told(3));
    CHECK(watched.health.trouble() == "GET /healthz: no answer within 2 s");
  }
  CHECK(watched.told.back() == HealthState::down);
}

TEST_CASE("thresholds count checks in a row", "[proxy][health]") {
  Watched watched{http_check(3, 2)};
  REQUIRE(watched.run_until_told(1));
  CHECK(watched.told.back() == HealthState::up);
  CHECK(watched.target.requests.size() == 2);

  watched.target.answer = kBad;
  REQUIRE(watched.run_until_asked(4));
  watched.target.answer = kGood;  // two bad ones, or one more that is under way, but not three in a row
  REQUIRE(watched.run_until_asked(6));
  CHECK(watched.told.size() == 1);

  const std::size_t good = watched.target.requests.size();
  watched.target.answer = kBad;
  REQUIRE(watched.run_until_told(2));
  CHECK(watched.told.back() == HealthState::down);
  CHECK(watched.target.requests.size() >= good + 3);
}

TEST_CASE("a health that is stopped asks no more", "[proxy][health]") {
  Watched watched{http_check()};
  REQUIRE(watched.run_until_asked(1));
  watched.health.stop();
  const std::size_t asked = watched.target.requests.size();
  bool later = false;
  io::Timer timer{watched.loop, [&later] { later = true; }};
  timer.arm(3 * kHealthIntervalMin);
  REQUIRE(run_until(watched.loop, [&later] { return later; }));
  CHECK(watched.target.requests.size() == asked);
  CHECK(watched.told.empty());
}

TEST_CASE("a server on a Unix socket is asked, too", "[proxy][health]") {
  const van::test::TemporaryFolder folder;
  Watched watched{http_check(), {.host = {}, .port = 0, .path = (folder / "server").string()}};
  REQUIRE(watched.run_until_told(1));
  CHECK(watched.told.back() == HealthState::up);
  CHECK(watched.target.requests[0].find("\r\nHost: localhost\r\n") != std::string::npos);
}

TEST_CASE("an address is offered only while its target passes, and what runs then goes on", "[proxy][health]") {
  Tunnel tunnel;
  Answering target{tunnel.pair.loop, {.host = "127.0.0.1", .port = 0, .path = {}}};
  target.answer = kBad;
  const auto exposure = expose(tunnel, target.server.endpoint(), http_check());
  CHECK(exposure->health() == HealthState::checking);
  REQUIRE(tunnel.run([&] { return exposure->health() == HealthState::down && target.requests.size() > 1; }));
  CHECK_FALSE(tunnel.stand_in->reachable());
  target.answer = kGood;
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
  CHECK(exposure->trouble().empty());

  const auto client = tunnel.connect();
  client->write("question");
  test::Socket* server = nullptr;
  REQUIRE(tunnel.run([&] {
    for (const auto& socket : target.server.sockets)
      if (socket->heard.received == "question") server = socket.get();
    return server != nullptr;
  }));
  target.answer = kBad;
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
  CHECK(exposure->health() == HealthState::down);
  server->write("answer");
  REQUIRE(tunnel.run([&client] { return client->heard.received == "answer"; }));
  CHECK_FALSE(client->over());
}

TEST_CASE("a target that can't be connected is not offered when connecting is its check", "[proxy][health]") {
  Tunnel tunnel;
  const Endpoint place = tunnel.server.endpoint();
  tunnel.server.stop();
  const auto exposure = expose(tunnel, place, {.kind = HealthCheck::Kind::tcp, .path = {}, .interval = kHealthIntervalMin});
  REQUIRE(tunnel.run([&exposure] { return exposure->health() == HealthState::down; }));
  CHECK_FALSE(tunnel.stand_in->reachable());
  Server again{tunnel.pair.loop, place};
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
  CHECK(exposure->health() == HealthState::up);
}

}  // namespace van::proxy
