#include "proxy/waiting_clients.h"

#include "core/base/limits.h"
#include "tests/proxy/http2_ends.h"

namespace van::proxy {
using namespace std::chrono_literals;

namespace {

/// A stand-in for a service that nobody provides.
struct Alone {
  explicit Alone(Protocol protocol)
      : stand_in{std::move(open_stand_in({*site, loop, log}, {.address = "absent", .local = {.host = "127.0.0.1", .port = 0, .path = {}}, .protocol = protocol})).value()} {}
  io::Loop loop;
  spdlog::logger log{"proxy"};
  link::test::Site site{loop, "mill", router::Mode::interior};
  std::unique_ptr<StandIn> stand_in;
  /// On a machine that is too busy to ask so much while the first one still waits a test proves nothing.
  TimePoint start = io::Loop::now();
  [[nodiscard]] bool in_time() const { return io::Loop::now() - start < kPatience; }
};

}  // namespace

TEST_CASE("clients wait for a provider in order, so many, and as long as the first one's patience lasts", "[proxy][stand-in][limits]") {
  io::Loop loop;
  std::vector<int> given_up;
  WaitingClients<int> waiting{loop, 3, [&given_up](int client) { given_up.push_back(client); }, 5ms};
  for (int client : {1, 2, 3}) {
    CHECK_FALSE(waiting.full());
    waiting.add(client);
  }
  CHECK(waiting.full());
  waiting.remove(2);
  CHECK_FALSE(waiting.full());
  CHECK(waiting.take() == std::vector{1, 3});
  waiting.add(4);  // with a patience of its own
  waiting.add(5);
  const TimePoint start = io::Loop::now();
  REQUIRE(test::run_until(loop, [&given_up] { return !given_up.empty(); }));
  CHECK(given_up == std::vector{4, 5});
  CHECK(io::Loop::now() - start >= 4ms);
  CHECK(waiting.take().empty());

  waiting.add(6);
  CHECK(waiting.take() == std::vector{6});
  bool later = false;
  io::Timer timer{loop, [&later] { later = true; }};
  timer.arm(6ms);
  REQUIRE(test::run_until(loop, [&later] { return later; }));
  CHECK(given_up.size() == 2);  // nobody's patience ended after all
}

TEST_CASE("so many requests of HTTP/1 wait for a provider, and those above them are told at once", "[proxy][http][limits]") {
  Alone alone{Protocol::http};
  std::vector<std::unique_ptr<test::Socket>> clients;
  for (std::size_t i = 0; i < limits::kClientsWaiting; ++i) {
    clients.push_back(test::connect(alone.loop, alone.stand_in->local()));
    if (i == 0) alone.start = io::Loop::now();
    clients.back()->write("GET / HTTP/1.1\r\nHost: absent\r\n\r\n");
  }
  REQUIRE(test::run_until(alone.loop, [&] { return alone.stand_in->counters().connections == clients.size(); }));
  const auto above = test::connect(alone.loop, alone.stand_in->local());
  above->write("GET / HTTP/1.1\r\nHost: absent\r\n\r\n");
  test::run_turns(alone.loop, 50);
  if (!alone.in_time()) return;
  CHECK(above->heard.received.starts_with("HTTP/1.1 503 "));
  CHECK(std::ranges::all_of(clients, [](const auto& client) { return client->heard.received.empty(); }));
}

TEST_CASE("so many requests of HTTP/2 wait for a provider, and those above them are told at once", "[proxy][http2][limits]") {
  Alone alone{Protocol::http2};
  std::vector<std::unique_ptr<test::H2End>> clients;
  std::vector<test::H2Stream*> asked;
  const auto connect = [&alone] {
    std::unique_ptr<io::Stream> socket;
    const io::Dialer dialer{alone.loop, io::HostPort{"127.0.0.1", alone.stand_in->local().port}, [&socket](io::Result<std::unique_ptr<io::Stream>> result) { socket = std::move(result).value(); }};
    REQUIRE(test::run_until(alone.loop, [&socket] { return socket != nullptr; }));
    return std::make_unique<test::H2End>(alone.loop, std::move(socket), http2::Session::Side::client);
  };
  while (clients.size() < 11) clients.push_back(connect());
  alone.start = io::Loop::now();
  while (asked.size() < limits::kHttp2Waiting) asked.push_back(&clients[asked.size() / 100]->ask());
  REQUIRE(test::run_until(alone.loop, [&] { return alone.stand_in->counters().connections == asked.size(); }));
  const test::H2Stream& above = clients.back()->ask();
  test::run_turns(alone.loop, 50);
  if (!alone.in_time()) return;
  CHECK(above.status() == "503");
  CHECK(std::ranges::none_of(asked, [](const auto* each) { return each->closed.has_value(); }));
}

}  // namespace van::proxy
