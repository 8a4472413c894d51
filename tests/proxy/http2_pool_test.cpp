#include "proxy/http2_pool.h"

#include "tests/proxy/http2_ends.h"

namespace van::proxy {
namespace {

/// Hands what comes in at a local port to a pool.
struct Gate final : Http2Connection::Owner, Http2Exchange::Owner, Http2Pool::Owner {
  Gate(io::Loop& loop, Target& target, Duration greeting)
      : pool{loop, target, *this, greeting},
        listener{std::move(io::TcpListener::listen(loop, "127.0.0.1", 0, [this, &loop](std::unique_ptr<io::Stream> socket) {
                   Http2Connection::Owner& self = *this;
                   front = std::make_unique<Http2Connection>(loop, std::make_unique<SocketLink>(std::move(socket)),
                                                             http2::Session::Config{http2::Session::Side::server, 100'000}, self);
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

  Counters counters;
  Http2Pool pool;
  std::vector<std::string> noticed;
  std::unique_ptr<Http2Connection> front;
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
  Gate gate{loop, target, std::chrono::milliseconds{20}};
  std::unique_ptr<test::H2End> client;
  const io::Dialer dialer{loop, io::HostPort{"127.0.0.1", gate.listener->port()}, [&](io::Result<std::unique_ptr<io::Stream>> result) {
                            client = std::make_unique<test::H2End>(loop, std::move(result).value(), http2::Session::Side::client);
                          }};
  REQUIRE(test::run_until(loop, [&client] { return client != nullptr; }));
  std::vector<test::H2Stream*> asked;
  for (int i = 0; i < 5; ++i) asked.push_back(&client->ask());
  REQUIRE(test::run_until(loop, [&asked] { return std::ranges::all_of(asked, [](const auto* each) { return each->closed.has_value(); }); }));
  for (const test::H2Stream* each : asked) CHECK(each->status() == "502");
  CHECK(silent.sockets.size() == 1);
  CHECK(gate.noticed == std::vector<std::string>{"the server does not greet: it speaks no HTTP/2"});
}

}  // namespace van::proxy
