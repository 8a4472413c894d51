#include "proxy/http2_pool.h"

#include "tests/proxy/http2_ends.h"

namespace van::proxy {
namespace {

/// Hands what comes in at a local port to a pool.
struct Gate final : Http2Connection::Owner, Http2Exchange::Owner, Http2Pool::Owner {
  Gate(io::Loop& on, Target& target, const Http2Pool::Times& times)
      : loop{on}, pool{loop, target, *this, times}, listener{std::move(io::TcpListener::listen(loop, "127.0.0.1", 0, [this](std::unique_ptr<io::Stream> socket) {
          Http2Connection::Owner& self = *this;
          fronts.push_back(std::make_unique<Http2Connection>(loop, std::make_unique<SocketLink>(std::move(socket)),
                                                             http2::Session::Config{http2::Session::Side::server, 100'000}, self));
        })).value()} {}

  void request_came(Http2Connection& connection, http2::HeadReceived& head) override {
    exchanges.push_back(std::make_unique<Http2Exchange>(connection, head, counters, *this));
    pool.serve(*exchanges.back());
  }
  void connection_over(Http2Connection&) override {}
  void let_go(Http2Connection&, bool) override {}
  bool try_again(Http2Exchange&) override { return false; }
  void exchange_over(Http2Exchange& exchange) override { pool.forget(exchange); }
  void pool_ready() override {}
  void pool_failed(const io::Error&) override {}
  void pool_noticed(const std::string& why) override { noticed.push_back(why); }

  /// A new client of the gate.
  std::unique_ptr<test::H2End> connect() {
    std::unique_ptr<test::H2End> client;
    const io::Dialer dialer{loop, io::HostPort{"127.0.0.1", listener->port()}, [&](io::Result<std::unique_ptr<io::Stream>> result) {
                              client = std::make_unique<test::H2End>(loop, std::move(result).value(), http2::Session::Side::client);
                            }};
    REQUIRE(test::run_until(loop, [&client] { return client != nullptr; }));
    return client;
  }

  io::Loop& loop;
  Counters counters;
  Http2Pool pool;
  std::vector<std::string> noticed;
  std::vector<std::unique_ptr<Http2Connection>> fronts;
  std::vector<std::unique_ptr<Http2Exchange>> exchanges;
  std::unique_ptr<io::TcpListener> listener;
};

}  // namespace

TEST_CASE("a server that does not greet gets one request, and then nobody waits for it", "[proxy][http2]") {
  link::test::Pair site;
  io::Loop& loop = site.loop;
  spdlog::logger log{"proxy"};
  test::Server silent{loop, {.host = "127.0.0.1", .port = 0, .path = {}}};
  Target target{*site.mill, loop, log, {.endpoint = silent.endpoint()}};
  Gate gate{loop, target, {.greeting = std::chrono::milliseconds{20}}};
  const auto client = gate.connect();
  std::vector<test::H2Stream*> asked;
  for (int i = 0; i < 5; ++i) asked.push_back(&client->ask());
  REQUIRE(test::run_until(loop, [&asked] { return std::ranges::all_of(asked, [](const auto* each) { return each->closed.has_value(); }); }));
  for (const test::H2Stream* each : asked) CHECK(each->status() == "502");
  CHECK(silent.sockets.size() == 1);
  CHECK(gate.noticed == std::vector<std::string>{"the server does not greet: it speaks no HTTP/2"});
}

TEST_CASE("so many requests wait for a server, and those above them are told at once", "[proxy][http2][limits]") {
  link::test::Pair site;
  io::Loop& loop = site.loop;
  spdlog::logger log{"proxy"};
  test::Server silent{loop, {.host = "127.0.0.1", .port = 0, .path = {}}};
  Target target{*site.mill, loop, log, {.endpoint = silent.endpoint()}};
  Gate gate{loop, target, {.greeting = std::chrono::hours{1}}};
  std::vector<std::unique_ptr<test::H2End>> clients;
  std::vector<test::H2Stream*> asked;
  const auto ask = [&] {
    if (asked.size() % 100 == 0) clients.push_back(gate.connect());
    asked.push_back(&clients.back()->ask());
    return asked.back();
  };
  const auto come = [&] { return test::run_until(loop, [&] { return gate.exchanges.size() == asked.size(); }); };
  while (asked.size() < limits::kHttp2Waiting + 1) ask();  // one is with the server
  REQUIRE(come());
  CHECK(gate.pool.full());
  test::H2Stream& above = *ask();
  REQUIRE(test::run_until(loop, [&above] { return above.closed.has_value(); }));
  CHECK(above.status() == "503");
  CHECK(std::ranges::count_if(asked, [](const auto* each) { return each->closed.has_value(); }) == 1);

  clients[0]->connection->reset(asked[50]->no, http2::ErrorCode::cancel);  // makes room for one
  REQUIRE(test::run_until(loop, [&gate] { return !gate.pool.full(); }));
  ask();
  REQUIRE(come());
  CHECK(gate.pool.full());
}

TEST_CASE("a connection to the server without requests is closed after a while, and one with a long request is not", "[proxy][http2]") {
  link::test::Pair site;
  io::Loop& loop = site.loop;
  spdlog::logger log{"proxy"};
  test::H2Server server{loop};
  Target target{*site.mill, loop, log, {.endpoint = server.endpoint()}};
  Gate gate{loop, target, {.idle = std::chrono::milliseconds{20}}};
  const auto one = gate.connect(), two = gate.connect();
  for (int i = 0; i < 100; ++i) {
    one->ask();
    two->ask();
  }
  REQUIRE(test::run_until(loop, [&server] { return server.requests.size() == 200; }));
  REQUIRE(server.connections.size() == 2);  // limits::kHttp2Streams on each
  test::H2Stream& held = *server.connections[1]->asked.front();
  for (test::H2Stream* request : server.requests) {
    if (request != &held) test::answer(*request);
  }
  REQUIRE(test::run_until(loop, [&server] { return server.connections[0]->over; }));
  CHECK_FALSE(server.connections[1]->over);
  CHECK(gate.noticed.empty());
  test::answer(held, "late");
  REQUIRE(test::run_until(loop, [&server] { return server.connections[1]->over; }));
  const auto all_answered = [](const auto& client) { return std::ranges::all_of(client->asked, [](const auto& each) { return each->status() == "200"; }); };
  CHECK((all_answered(one) && all_answered(two)));
  test::H2Stream& later = one->ask();
  REQUIRE(test::run_until(loop, [&server] { return server.requests.size() == 201; }));
  test::answer(*server.requests.back());
  REQUIRE(test::run_until(loop, [&later] { return later.closed.has_value(); }));
  CHECK(server.connections.size() == 3);
}

}  // namespace van::proxy
