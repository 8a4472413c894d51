#include "agent/http_server.h"

#include <vector>

#include "core/base/limits.h"
#include "tests/agent/http_client.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

using test::HttpClient;

/// A body of numbered lines, without end as long as it is open.
class Endless final : public HttpBodySource {
 public:
  explicit Endless(bool& gone) : gone_{gone} {}
  ~Endless() override { gone_ = true; }
  std::string pull(std::size_t bytes) override {
    pulled += bytes;
    return std::string(bytes, 'x');
  }
  void set_wake(std::function<void()> wake) override { wake_ = std::move(wake); }
  std::size_t pulled = 0;

 private:
  bool& gone_;
  std::function<void()> wake_;
};

/// A body that says what it was told to.
struct Spoken {
  std::string text;
  std::function<void()> wake;
};
class Speaking final : public HttpBodySource {
 public:
  explicit Speaking(Spoken& spoken) : spoken_{spoken} {}
  std::string pull(std::size_t) override { return std::exchange(spoken_.text, {}); }
  void set_wake(std::function<void()> wake) override { spoken_.wake = std::move(wake); }

 private:
  Spoken& spoken_;
};

struct Fixture {
  io::Loop loop;
  struct Call {
    ExchangeId exchange;
    HttpRequest request;
  };
  std::vector<Call> calls;
  bool echo = true;
  HttpServer server{loop, [this](ExchangeId exchange, const HttpRequest& request) {
                      calls.push_back({exchange, request});
                      if (echo) server.answer(exchange, {.body = request.path + request.body});
                    }};

  std::unique_ptr<HttpClient> connect() {
    auto [client, peer] = test::stream_pair(loop);
    server.accept(std::move(peer));
    return std::make_unique<HttpClient>(std::move(client));
  }
};

TEST_CASE("requests of a connection are answered in their order", "[agent][http]") {
  Fixture f;
  const auto client = f.connect();
  for (const char* path : {"/a", "/b", "/c"}) client->request("POST", path, "!");
  f.loop.run_until([&] { return client->answers() == 3; });
  CHECK(client->take() == std::pair{200, std::string{"/a!"}});
  CHECK(client->take() == std::pair{200, std::string{"/b!"}});
  CHECK(client->take() == std::pair{200, std::string{"/c!"}});
  CHECK(f.server.connections() == 1);
}

TEST_CASE("a thousand requests sent at once do not nest", "[agent][http]") {
  Fixture f;
  const auto client = f.connect();
  for (int i = 0; i < 1000; ++i) client->request("GET", "/x");
  f.loop.run_until([&] { return f.calls.size() == 1000 && client->answers() == 1000; });
  CHECK(f.calls.size() == 1000);
}

TEST_CASE("an answer may come later, and the next request waits for it", "[agent][http]") {
  Fixture f;
  f.echo = false;
  const auto client = f.connect();
  client->request("GET", "/slow");
  client->request("GET", "/next");
  f.loop.run_until([&] { return f.calls.size() == 1; });
  const auto turns = f.loop.turns();
  f.loop.post([] {});
  f.loop.run_until([&] { return f.loop.turns() > turns + 2 || (f.loop.post([] {}), false); });
  CHECK(f.calls.size() == 1);
  f.server.answer(f.calls[0].exchange, {.status = 201, .body = "done"});
  f.server.answer(f.calls[0].exchange, {.body = "again"});  // answered already: nothing happens
  f.loop.run_until([&] { return f.calls.size() == 2; });
  CHECK(client->take() == std::pair{201, std::string{"done"}});
  CHECK(client->received.empty());
}

TEST_CASE("an answer for a client that is gone is dropped", "[agent][http]") {
  Fixture f;
  f.echo = false;
  auto client = f.connect();
  client->request("GET", "/slow");
  f.loop.run_until([&] { return f.calls.size() == 1; });
  client->hang_up();
  f.server.answer(f.calls[0].exchange, {.body = "x"});
  f.loop.run_until([&] { return f.server.connections() == 0; });
  f.server.answer(f.calls[0].exchange, {.body = "x"});
}

TEST_CASE("what is no HTTP gets an error and the end of the connection", "[agent][http]") {
  Fixture f;
  const auto client = f.connect();
  client->send("hello\r\n\r\n");
  f.loop.run_until([&] { return client->ended; });
  const auto [status, body] = client->take();
  CHECK(status == 400);
  CHECK(body.find("\"bad_request\"") != std::string::npos);
  client->hang_up();
  f.loop.run_until([&] { return f.server.connections() == 0; });
}

TEST_CASE("a client that goes on sending a body that is too long still finds the answer", "[agent][http]") {
  Fixture f;
  const auto client = f.connect();
  client->send("POST / HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n");
  client->send(std::string(4'000'000, 'x'));
  f.loop.run_until([&] { return client->answers() == 1; });
  CHECK(client->take().first == 413);
  CHECK(f.calls.empty());
}

TEST_CASE("Connection: close is kept", "[agent][http]") {
  Fixture f;
  const auto client = f.connect();
  client->send("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n");
  f.loop.run_until([&] { return client->ended; });
  CHECK(client->received.find("Connection: close\r\n") != std::string::npos);
  client->hang_up();
  f.loop.run_until([&] { return f.server.connections() == 0; });
}

TEST_CASE("a client that ends its side after the request gets its answer", "[agent][http]") {
  Fixture f;
  const auto client = f.connect();
  client->request("GET", "/a");
  client->stream().shutdown();
  f.loop.run_until([&] { return client->ended; });
  CHECK(client->take().second == "/a");
  f.loop.run_until([&] { return f.server.connections() == 0; });
}

TEST_CASE("a client that waits for 100 Continue is told to go on", "[agent][http]") {
  Fixture f;
  const auto client = f.connect();
  client->send("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  f.loop.run_until([&] { return client->received == "HTTP/1.1 100 Continue\r\n\r\n"; });
  client->received.clear();
  client->send("b");
  f.loop.run_until([&] { return client->answers() == 1; });
  CHECK(client->take().second == "/ab");
}

TEST_CASE("a body without end is pulled as the client reads, and dropped when it closes", "[agent][http]") {
  Fixture f;
  f.echo = false;
  auto client = f.connect();
  client->stream().read_stop();
  client->request("GET", "/endless");
  f.loop.run_until([&] { return f.calls.size() == 1; });
  bool gone = false;
  auto source = std::make_unique<Endless>(gone);
  const Endless& endless = *source;
  f.server.answer(f.calls[0].exchange, {.content_type = "text/plain", .source = std::move(source)});
  const auto after = [&f](std::size_t turns) {
    const std::size_t until = f.loop.turns() + turns;
    f.loop.run_until([&f, until] { return f.loop.turns() >= until || (f.loop.post([] {}), false); });
  };
  after(50);
  const std::size_t held = endless.pulled;
  CHECK(held < 2'000'000);  // a reader that does not read stops it
  after(50);
  CHECK(endless.pulled == held);
  client->stream().read_start();
  f.loop.run_until([&] { return client->received.size() > 4'000'000; });
  CHECK(client->received.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  client->hang_up();
  f.loop.run_until([&] { return f.server.connections() == 0; });
  CHECK(gone);
}

TEST_CASE("a body that comes bit by bit is sent as chunks when it wakes", "[agent][http]") {
  Fixture f;
  f.echo = false;
  const auto client = f.connect();
  client->request("GET", "/log");
  f.loop.run_until([&] { return f.calls.size() == 1; });
  Spoken spoken;
  f.server.answer(f.calls[0].exchange, {.source = std::make_unique<Speaking>(spoken)});
  f.loop.run_until([&] { return client->received.ends_with("\r\n\r\n"); });
  spoken.text = "one line\n";
  spoken.wake();
  f.loop.run_until([&] { return client->received.ends_with("\r\n\r\n9\r\none line\n\r\n"); });
}

TEST_CASE("more connections than the limit are closed, as long as the others work", "[agent][http]") {
  Fixture f;
  f.echo = false;
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (std::size_t i = 0; i < limits::kApiConnections; ++i) {
    clients.push_back(f.connect());
    clients.back()->request("GET", "/wait");
  }
  f.loop.run_until([&] { return f.calls.size() == limits::kApiConnections; });
  const auto late = f.connect();
  f.loop.run_until([&] { return late->ended; });
  CHECK(f.server.connections() == limits::kApiConnections);
}

TEST_CASE("flush() comes when the answers are written", "[agent][http]") {
  Fixture f;
  bool flushed = false;
  f.server.flush([&] { flushed = true; });
  CHECK_FALSE(flushed);
  f.loop.run_until([&] { return flushed; });

  f.echo = false;
  const auto client = f.connect();
  client->request("GET", "/");
  f.loop.run_until([&] { return f.calls.size() == 1; });
  client->stream().read_stop();
  f.server.answer(f.calls[0].exchange, {.body = std::string(3'000'000, 'x')});
  flushed = false;
  f.server.flush([&] { flushed = true; });
  f.loop.post([] {});
  const std::size_t turns = f.loop.turns();
  f.loop.run_until([&] { return f.loop.turns() > turns + 3 || (f.loop.post([] {}), false); });
  CHECK_FALSE(flushed);
  client->stream().read_start();
  f.loop.run_until([&] { return flushed; });
}

}  // namespace
}  // namespace van::agent
