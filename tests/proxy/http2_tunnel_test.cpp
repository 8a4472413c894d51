#include "core/base/random.h"
#include "tests/proxy/http2_ends.h"

namespace van::proxy {
using http2::ErrorCode;
using http2::Headers;
using test::answer;
using test::H2End;
using test::H2Server;
using test::H2Stream;
using test::H2Tunnel;
using test::run_turns;
using test::text;

TEST_CASE("a request and its response pass whole: heads, data, trailers, interim responses", "[proxy][http2]") {
  H2Tunnel tunnel{GENERATE(Protocol::http2, Protocol::tcp)};
  const auto client = tunnel.connect();
  H2Stream& asked = client->ask({{"te", "trailers"}, {"cookie", "a=1"}, {"cookie", "b=2"}}, false);
  client->connection->send(asked.no, text("grain"));
  client->connection->finish(asked.no, {{"x-sum", "5"}});

  H2Stream& request = tunnel.await_request();
  REQUIRE(tunnel.run([&request] { return request.heads.size() == 2; }));
  Headers lines = request.heads[0];
  for (http2::Header& line : lines) line.never_indexed = false;
  CHECK(lines == Headers{{":method", "POST"}, {":scheme", "http"}, {":path", "/grind"}, {":authority", "mill:80"}, {"te", "trailers"}, {"cookie", "a=1"}, {"cookie", "b=2"}});
  CHECK(request.data == "grain");
  CHECK(request.heads[1] == Headers{{"x-sum", "5"}});

  request.connection->interim(request.no, {{":status", "103"}, {"link", "</s.css>"}});
  answer(request, "flour", {{"grpc-status", "0"}});
  REQUIRE(tunnel.run([&asked] { return asked.closed.has_value(); }));
  CHECK(asked.closed->code == ErrorCode::no_error);
  REQUIRE(asked.heads.size() == 3);
  CHECK(asked.status() == "103");
  CHECK(asked.heads[1] == Headers{{":status", "200"}});
  CHECK(asked.heads[2] == Headers{{"grpc-status", "0"}});
  CHECK(asked.data == "flour");
  REQUIRE(tunnel.run_until_idle());
  CHECK(tunnel.stand_in->counters().connections == 1);
}

TEST_CASE("a small request is whole with the head of its stream", "[proxy][http2]") {
  struct Provider final : link::ConsumerHandler, link::StreamHandler {
    explicit Provider(link::Node& at) : node{at} {}
    void on_stream_requested(router::StreamId stream) override {
      node.attach_stream(stream, *this);
      node.accept_stream(stream);  // nothing can have come after the head yet: the other end waits for this
      const SliceQueue* readable = node.readable(stream);
      for (const Slice& slice : readable->slices()) session.receive(slice, {});
      got = true;
      node.release_stream(stream);
      node.reset(stream);
    }
    void on_stream_opened() override {}
    void on_stream_readable() override {}
    void on_stream_writable() override {}
    void on_stream_failed(router::StreamFailure) override {}
    link::Node& node;
    http2::Session session{{http2::Session::Side::server, 1000}};
    bool got = false;
  };
  H2Tunnel tunnel;
  tunnel.exposure.reset();
  Provider provider{*tunnel.pair.mill};
  const auto consumer = tunnel.pair.mill->add_consumer("mill", 0, provider);
  const auto client = tunnel.connect();
  H2Stream& asked = client->ask({}, false);
  client->connection->send(asked.no, text("hello"));
  client->connection->finish(asked.no);
  REQUIRE(tunnel.run([&provider] { return provider.got; }));
  bool end = false;
  std::string data;
  while (auto event = provider.session.poll_event()) {
    if (const auto* octets = std::get_if<http2::DataReceived>(&*event)) data += as_text(octets->octets.view());
    end |= std::holds_alternative<http2::EndReceived>(*event);
  }
  CHECK(data == "hello");
  CHECK(end);
  REQUIRE(tunnel.run([&asked] { return asked.closed.has_value(); }));
  CHECK(asked.status() == "502");  // it was taken, and may have been done
  tunnel.pair.mill->remove_consumer(consumer);
}

TEST_CASE("a slow reader holds its own stream, and no other one of the same connections", "[proxy][http2][back-pressure]") {
  H2Tunnel tunnel;
  const auto client = tunnel.connect();
  const bool client_reads_slowly = GENERATE(true, false);
  CAPTURE(client_reads_slowly);
  constexpr std::size_t kTotal = 24u << 20;
  // windows of both local ends and of the network, and what both heaps of output may hold
  const std::size_t far = client_reads_slowly ? limits::kHttp2FarWindowMax : limits::kHttp2FarWindow;
  const std::size_t held_at_most = 2 * limits::kHttp2LocalWindow + far + 2 * (256u << 10);
  H2Stream& slow = client->ask({}, client_reads_slowly);
  H2Stream& held = tunnel.await_request();
  H2Stream& writer = client_reads_slowly ? held : slow;
  H2Stream& reader = client_reads_slowly ? slow : held;
  reader.takes = false;
  if (client_reads_slowly) held.connection->respond(held.no, {{":status", "200"}}, false);
  writer.connection->send(writer.no, text(std::string(kTotal, 's')));
  writer.connection->finish(writer.no);

  constexpr std::size_t kFast = 4u << 20;
  H2Stream& fast = client->ask({}, false);
  client->connection->send(fast.no, text(std::string(kFast, 'f')));
  client->connection->finish(fast.no);
  H2Stream& echo = tunnel.await_request(2);
  REQUIRE(tunnel.run([&echo] { return echo.end; }));
  answer(echo, echo.data);
  REQUIRE(tunnel.run([&fast] { return fast.closed.has_value(); }));
  CHECK(fast.data.size() == kFast);
  CHECK(writer.sent <= held_at_most);
  CHECK(reader.data.size() <= limits::kHttp2LocalWindow);

  reader.takes = true;
  reader.connection->taken(reader.no, reader.data.size());
  REQUIRE(tunnel.run([&reader] { return reader.end; }));
  CHECK(reader.data.size() == kTotal);
}

TEST_CASE("a reset passes with its code, both ways, and disturbs no other stream", "[proxy][http2]") {
  H2Tunnel tunnel;
  const auto client = tunnel.connect();
  H2Stream& other = client->ask();
  tunnel.await_request(1);
  SECTION("of the client, before the response") {
    H2Stream& asked = client->ask({}, false);
    H2Stream& request = tunnel.await_request(2);
    client->connection->reset(asked.no, ErrorCode::cancel);
    REQUIRE(tunnel.run([&request] { return request.closed.has_value(); }));
    CHECK(request.closed->code == ErrorCode::cancel);
    CHECK_FALSE(request.closed->lost);
  }
  SECTION("of the server, before the response") {
    H2Stream& asked = client->ask({}, false);
    H2Stream& request = tunnel.await_request(2);
    request.connection->reset(request.no, static_cast<ErrorCode>(13));
    REQUIRE(tunnel.run([&asked] { return asked.closed.has_value(); }));
    CHECK(asked.closed->code == static_cast<ErrorCode>(13));
  }
  SECTION("of the server, within the response") {
    H2Stream& asked = client->ask();
    H2Stream& request = tunnel.await_request(2);
    request.connection->respond(request.no, {{":status", "200"}}, false);
    REQUIRE(tunnel.run([&asked] { return asked.status() == "200"; }));
    request.connection->reset(request.no, ErrorCode::internal_error);
    REQUIRE(tunnel.run([&asked] { return asked.closed.has_value(); }));
    CHECK(asked.closed->code == ErrorCode::internal_error);
  }
  SECTION("of the server, which wants no more after its response") {
    H2Stream& asked = client->ask({}, false);
    H2Stream& request = tunnel.await_request(2);
    request.connection->respond(request.no, {{":status", "413"}}, true);
    request.connection->want_no_more(request.no);
    REQUIRE(tunnel.run([&asked] { return asked.closed.has_value(); }));
    CHECK((asked.status() == "413" && asked.end));
    CHECK(asked.closed->code == ErrorCode::no_error);
  }
  CHECK_FALSE(other.closed);
  answer(tunnel.await_request(1));
  REQUIRE(tunnel.run([&other] { return other.closed.has_value(); }));
  CHECK(other.data == "flour");
  REQUIRE(tunnel.run_until_idle());
}

TEST_CASE("a client's reset breaks the connection to a plain TCP target", "[proxy][http2]") {
  H2Tunnel tunnel{Protocol::tcp};
  const auto client = tunnel.connect();
  H2Stream& asked = client->ask({}, false);
  H2Stream& request = tunnel.await_request();
  client->connection->reset(asked.no, ErrorCode::cancel);
  REQUIRE(tunnel.run([&request] { return request.closed.has_value(); }));
  CHECK(request.closed->lost);
  REQUIRE(tunnel.run_until_idle());
}

TEST_CASE("what a server's GOAWAY leaves out is asked again on another connection", "[proxy][http2]") {
  H2Tunnel tunnel;
  const auto client = tunnel.connect();
  H2Stream& first = client->ask();
  H2Stream& running = tunnel.await_request(1);
  H2End& old = *tunnel.server.connections.at(0);
  old.on_request = [](H2Stream& stream) { stream.connection->reset(stream.no, ErrorCode::refused_stream); };
  H2Stream& second = client->ask({}, false);
  client->connection->send(second.no, text("grain"));
  client->connection->finish(second.no);
  SECTION("refused on its own: it comes again") {
    REQUIRE(tunnel.run([&second] { return second.closed.has_value(); }));
    CHECK(second.closed->code == ErrorCode::refused_stream);  // twice was enough
    CHECK(second.heads.empty());
  }
  SECTION("the connection goes away") {
    bool away = false;
    old.on_request = [&](H2Stream& stream) {
      if (!std::exchange(away, true)) stream.connection->close();
      stream.connection->reset(stream.no, ErrorCode::refused_stream);
    };
    H2Stream& again = tunnel.await_request(2);
    CHECK(tunnel.server.connections.size() == 2);
    REQUIRE(tunnel.run([&again] { return again.end; }));
    CHECK(again.data == "grain");
    answer(again, "fresh");
    REQUIRE(tunnel.run([&second] { return second.closed.has_value(); }));
    CHECK(second.data == "fresh");
  }
  answer(running, "old");
  REQUIRE(tunnel.run([&first] { return first.closed.has_value(); }));
  CHECK(first.data == "old");
}

TEST_CASE("requests of all clients share few connections to the server", "[proxy][http2]") {
  H2Tunnel tunnel;
  const auto one = tunnel.connect(), two = tunnel.connect();
  constexpr std::size_t kEach = 100;
  for (std::size_t i = 0; i < kEach; ++i) {
    one->ask();
    two->ask();
  }
  tunnel.await_request(2 * kEach);
  CHECK(tunnel.server.connections.size() == 2);  // limits::kHttp2Streams on each
  CHECK(tunnel.exposure->counters().in_flight == 2 * kEach);
  for (H2Stream* request : tunnel.server.requests) answer(*request);
  REQUIRE(tunnel.run_until_idle());
  for (const auto& asked : one->asked) CHECK(asked->data == "flour");
}

TEST_CASE("of two providers each request goes to the one that is cheaper with what it has to do", "[proxy][http2]") {
  H2Tunnel tunnel;
  H2Server other{tunnel.pair.loop};
  const auto dearer = tunnel.expose(other, Protocol::http2, 5);
  run_turns(tunnel.pair.loop);
  const auto client = tunnel.connect();
  for (int i = 0; i < 15; ++i) client->ask();  // all on one connection
  REQUIRE(tunnel.run([&] { return tunnel.server.requests.size() + other.requests.size() == 15; }));
  CHECK(tunnel.server.requests.size() == 10);
  CHECK(other.requests.size() == 5);
}

TEST_CASE("a target that refuses is told as 503, withdrawn, and offered again when it is back", "[proxy][http2]") {
  H2Tunnel tunnel;
  const std::uint16_t port = tunnel.server.endpoint().port;
  tunnel.server.stop();
  const auto client = tunnel.connect();
  H2Stream& unlucky = client->ask();
  REQUIRE(tunnel.run([&unlucky] { return unlucky.closed.has_value(); }));
  CHECK(unlucky.status() == "503");
  CHECK_FALSE(tunnel.exposure->trouble().empty());
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));

  H2Stream& patient = client->ask();
  H2Stream& grpc = client->ask({{"content-type", "application/grpc+proto"}});
  REQUIRE(tunnel.run([&] { return patient.closed && grpc.closed; }));
  CHECK(patient.status() == "503");
  CHECK(patient.data == "nobody provides 'mill' now\n");
  CHECK(value_of(grpc.heads.at(0), "grpc-status") == "14");
  CHECK(value_of(grpc.heads.at(0), "grpc-message") == "nobody provides 'mill' now");

  tunnel.server.listen(port);
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
  CHECK(tunnel.exposure->trouble().empty());
  tunnel.server.on_request = [](H2Stream& stream) { answer(stream); };
  H2Stream& lucky = client->ask();
  REQUIRE(tunnel.run([&lucky] { return lucky.closed.has_value(); }));
  CHECK(lucky.data == "flour");
}

TEST_CASE("a stopped HTTP/2 target does not swallow what another provider can serve", "[proxy][http2]") {
  H2Tunnel tunnel;
  H2Server other{tunnel.pair.loop};
  const auto dearer = tunnel.expose(other, Protocol::http2, 5);
  other.on_request = [](H2Stream& stream) { answer(stream); };
  tunnel.server.stop();
  const auto client = tunnel.connect();
  H2Stream& asked = client->ask();
  REQUIRE(tunnel.run([&asked] { return asked.closed.has_value(); }));
  CHECK(asked.data == "flour");
}

TEST_CASE("a request that waits for a provider is served when one appears", "[proxy][http2]") {
  H2Tunnel tunnel;
  tunnel.exposure.reset();
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
  const auto client = tunnel.connect();
  H2Stream& asked = client->ask();
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->counters().in_flight == 1; }));
  tunnel.exposure = tunnel.expose(tunnel.server);
  tunnel.server.on_request = [](H2Stream& stream) { answer(stream); };
  REQUIRE(tunnel.run([&asked] { return asked.closed.has_value(); }));
  CHECK(asked.data == "flour");
}

TEST_CASE("a network that fails is told as 502, or as a reset once the response has begun", "[proxy][http2]") {
  H2Tunnel tunnel;
  const auto client = tunnel.connect();
  H2Stream& before = client->ask();
  H2Stream& grpc = client->ask({{"content-type", "application/grpc"}});
  H2Stream& within = client->ask({{"x-within", "yes"}});
  tunnel.await_request(3);
  for (H2Stream* request : tunnel.server.requests) {
    if (!value_of(request->heads.at(0), "x-within").empty()) request->connection->respond(request->no, {{":status", "200"}}, false);
  }
  REQUIRE(tunnel.run([&within] { return !within.heads.empty(); }));
  SECTION("the link") { tunnel.pair.laptop->remove_connector(tunnel.pair.connector); }
  SECTION("the exposure") { tunnel.exposure.reset(); }
  SECTION("the server") { tunnel.server.stop(); }
  REQUIRE(tunnel.run([&] { return before.closed && within.closed && grpc.closed; }));
  CHECK(before.status() == "502");
  CHECK(value_of(grpc.heads.at(0), "grpc-status") == "14");
  CHECK(within.closed->code == ErrorCode::internal_error);
  CHECK_FALSE(client->over);
  REQUIRE(tunnel.run([&] { return tunnel.stand_in->counters().in_flight == 0; }));
}

TEST_CASE("a stand-in that goes says so to its clients, and resets what runs", "[proxy][http2]") {
  H2Tunnel tunnel;
  const auto client = tunnel.connect();
  H2Stream& asked = client->ask({}, false);
  H2Stream& request = tunnel.await_request();
  tunnel.stand_in.reset();
  REQUIRE(tunnel.run([&] { return asked.closed && request.closed; }));
  CHECK(asked.closed->lost);
  CHECK_FALSE(client->connection->can_open());
  CHECK(request.closed->code == ErrorCode::cancel);
}

TEST_CASE("an exposure that is withdrawn lets requests finish", "[proxy][http2]") {
  H2Tunnel tunnel;
  const auto client = tunnel.connect();
  H2Stream& asked = client->ask();
  H2Stream& request = tunnel.await_request();
  tunnel.exposure->withdraw();
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
  CHECK_FALSE(tunnel.exposure->idle());
  answer(request);
  REQUIRE(tunnel.run([&asked] { return asked.closed.has_value(); }));
  CHECK(asked.data == "flour");
  REQUIRE(tunnel.run([&tunnel] { return tunnel.exposure->idle(); }));
}

TEST_CASE("bad input ends its connection and no other", "[proxy][http2]") {
  H2Tunnel tunnel;
  const auto client = tunnel.connect();
  H2Stream& asked = client->ask();
  H2Stream& request = tunnel.await_request();
  const auto noise = test::connect(tunnel.pair.loop, tunnel.stand_in->local());
  SECTION("HTTP/1") {
    noise->write("GET / HTTP/1.1\r\nHost: mill\r\n\r\n");
    REQUIRE(tunnel.run([&noise] { return noise->over(); }));
    CHECK(noise->heard.received.starts_with("HTTP/1.1 505 "));
  }
  SECTION("a broken frame") {
    noise->write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0" "\0\0\1\0\0\0\0\0\0x", 19));
    REQUIRE(tunnel.run([&noise] { return noise->over(); }));
    CHECK(noise->heard.ends == 1);
    CHECK(noise->heard.received.size() > 17);
  }
  SECTION("silence") {}
  answer(request);
  REQUIRE(tunnel.run([&asked] { return asked.closed.has_value(); }));
  CHECK(asked.data == "flour");
}

TEST_CASE("a header that is too large is told as 431", "[proxy][http2][limits]") {
  H2Tunnel tunnel;
  const auto client = tunnel.connect();
  Headers lines;
  for (int i = 0; i < 60; ++i) lines.push_back({"x-" + std::to_string(i), std::string(900, 'y')});
  H2Stream& asked = client->ask(lines);
  H2Stream& small = client->ask();
  tunnel.server.on_request = [](H2Stream& stream) { answer(stream); };
  REQUIRE(tunnel.run([&] { return asked.closed && small.closed; }));
  CHECK(asked.status() == "431");
  CHECK(small.status() == "200");
}

TEST_CASE("a target that speaks no HTTP/2 is told as 502", "[proxy][http2]") {
  H2Tunnel tunnel{GENERATE(Protocol::http2, Protocol::tcp)};
  const std::uint16_t port = tunnel.server.endpoint().port;
  tunnel.server.stop();
  test::Server http1{tunnel.pair.loop, {.host = "127.0.0.1", .port = port, .path = {}}};
  http1.on_accept = [](test::Socket& socket) { socket.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"); };
  const auto client = tunnel.connect();
  H2Stream& asked = client->ask();
  REQUIRE(tunnel.run([&asked] { return asked.closed.has_value(); }));
  CHECK(asked.status() == "502");
}

TEST_CASE("whatever breaks off in whatever order, nothing is left behind", "[proxy][http2]") {
  const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 13)));
  CAPTURE(seed);
  Rng rng{seed};
  const auto one_of = [&rng](std::size_t count) { return static_cast<std::size_t>(rng.next() % count); };
  H2Tunnel tunnel{seed % 3 == 0 ? Protocol::tcp : Protocol::http2};
  std::vector<std::unique_ptr<H2End>> clients;
  const auto stream_of = [&](std::vector<std::unique_ptr<H2End>>& ends) -> H2Stream* {
    if (ends.empty()) return nullptr;
    H2End& end = *ends[one_of(ends.size())];
    H2Stream* stream = end.over || end.asked.empty() ? nullptr : end.asked[one_of(end.asked.size())].get();
    return stream != nullptr && stream->connection != nullptr ? stream : nullptr;
  };
  for (int step = 0; step < 150; ++step) {
    H2Stream* asked = stream_of(clients);
    H2Stream* request = stream_of(tunnel.server.connections);
    switch (one_of(14)) {
      case 0:
        if (clients.size() < 3) clients.push_back(tunnel.connect());
        break;
      case 1:
        if (step > 100 && !clients.empty()) clients.erase(clients.begin());
        break;
      case 2:
        if (asked) asked->connection->reset(asked->no, ErrorCode::cancel);
        break;
      case 3:
        if (request) request->connection->reset(request->no, one_of(2) == 0 ? ErrorCode::refused_stream : ErrorCode::internal_error);
        break;
      case 4:
        if (request) answer(*request, std::string(one_of(300'000), 'a'));
        break;
      case 5:
        if (asked) asked->connection->send(asked->no, text(std::string(one_of(300'000), 'q')));
        break;
      case 6:
        if (asked) asked->connection->finish(asked->no);
        break;
      case 7:
        if (request && one_of(4) == 0) request->connection->close();
        break;
      case 8:
        if (request && one_of(4) == 0) request->connection->abort();
        break;
      case 9:
        if (one_of(8) == 0) {
          tunnel.exposure.reset();
          tunnel.exposure = tunnel.expose(tunnel.server, one_of(2) == 0 ? Protocol::tcp : Protocol::http2);
        }
        break;
      case 10: run_turns(tunnel.pair.loop, 5); break;
      default:
        if (!clients.empty()) {
          H2End& client = *clients[one_of(clients.size())];
          if (!client.over && client.connection->can_open()) client.ask({}, one_of(2) == 0);
        }
    }
    run_turns(tunnel.pair.loop, static_cast<int>(one_of(3)));
  }
  clients.clear();
  REQUIRE(tunnel.run_until_idle());
  REQUIRE(tunnel.run([&tunnel] { return tunnel.pair.laptop->router().held().streams == 0; }));
  tunnel.exposure.reset();
  REQUIRE(tunnel.run([&tunnel] { return tunnel.pair.mill->router().held().streams == 0; }));
}

}  // namespace van::proxy
