#include <chrono>

#include "core/amqp/connection.h"
#include "core/io/dialer.h"
#include "core/tls/secure_random.h"
#include "tests/core/io/stream_pair.h"
#include "tests/core/link/site.h"
#include "tests/core/tls/session_pair.h"

namespace van::link {
using namespace std::chrono_literals;
using io::test::Recorder;
using io::test::text;
using router::Mode;
using router::PeerRole;
using test::Pair;
using test::run_turns;
using test::run_until;
using test::Site;
using van::test::Identities;

namespace {

/// A listener that does with each connection what the test says, and keeps it.
struct Server {
  Server(io::Loop& loop, std::function<void(io::Stream&)> on_accept)
      : listener{std::move(io::TcpListener::listen(loop, "127.0.0.1", 0,
                                                   [this, on_accept](std::unique_ptr<io::Stream> stream) {
                                                     stream->set_handler(heard);
                                                     streams.push_back(std::move(stream));
                                                     on_accept(*streams.back());
                                                   }))
                     .value()} {}
  Recorder heard;
  std::vector<std::unique_ptr<io::Stream>> streams;
  std::unique_ptr<io::TcpListener> listener;
};

/// A TCP connection that speaks as the test wants.
struct Client {
  Client(io::Loop& loop, std::uint16_t port)
      : dialer{loop, io::HostPort{"127.0.0.1", port}, [this](io::Result<std::unique_ptr<io::Stream>> result) {
                 stream = std::move(result).value();
                 stream->set_handler(heard);
                 stream->read_start();
               }} {}
  [[nodiscard]] bool over() const { return heard.ends + heard.closes > 0; }
  Recorder heard;
  std::unique_ptr<io::Stream> stream;
  io::Dialer dialer;
};

/// A laptop whose first attempt to link up with a site over TLS fails.
struct Refusal {
  io::Loop loop;
  Site mill{loop, "mill", Mode::interior};
  Site laptop{loop, "laptop", Mode::edge};

  LinkStatus of(tls::ServerOptions server, tls::ClientOptions client, const std::string& host = "127.0.0.1") {
    client.tls13 = server.tls13 = false;
    const ListenerId listener = mill.listen(PeerRole::edge, van::test::server_context(server));
    laptop.connect(mill->port(listener), {.tls = van::test::client_context(client), .host = host});
    REQUIRE(run_until(loop, [this] { return !laptop.changes.seen.empty(); }));
    REQUIRE(run_until(loop, [this] { return mill->links().empty(); }));
    return laptop.changes.seen.front();
  }
};

void check_down(const LinkStatus& status, bool refused, std::string_view error) {
  INFO(status.error);
  CHECK(status.state == LinkState::down);
  CHECK(status.refused == refused);
  CHECK(status.error.find(error) != std::string::npos);
  CHECK(status.peer.empty());
  CHECK(status.tls_peer.empty());
}

}  // namespace

TEST_CASE("an end that does not trust the other's certificate refuses the link", "[link][node][tls]") {
  tls::SystemRandom random;
  const Identities ours{random, {"127.0.0.1"}};
  const Identities theirs{random, {"127.0.0.1"}};
  Refusal refusal;
  tls::ServerOptions server = ours.server_options();
  tls::ClientOptions client = ours.client_options();
  SECTION("we don't trust the site") {
    client.ca_pem = theirs.authority.certificate_pem;
    check_down(refusal.of(server, client), true, "authority");
  }
  SECTION("the site does not trust us") {
    server.ca_pem = theirs.authority.certificate_pem;
    check_down(refusal.of(server, client), true, "the server refused us: it does not know the authority");
  }
  SECTION("we have no certificate") {
    client.certificate_pem = client.key_pem = {};
    check_down(refusal.of(server, client), true, "the server refused us");
  }
}

TEST_CASE("a certificate for another host, or one whose time is over, refuses the link", "[link][node][tls]") {
  tls::SystemRandom random;
  const Identities named{random, {"mill.example"}};
  Refusal refusal;
  SECTION("host") { check_down(refusal.of(named.server_options(), named.client_options()), true, "127.0.0.1"); }
  SECTION("time") {
    const auto old = van::test::make_server(named.authority, {"127.0.0.1"}, random,
                                            {.now = van::test::today() - 2h, .validity = 1h});
    tls::ServerOptions server = named.server_options();
    server.certificate_pem = old.certificate_pem;
    server.key_pem = old.key_pem;
    check_down(refusal.of(server, named.client_options()), true, "expired");
  }
}

TEST_CASE("what is no peer at all is a failure that may pass", "[link][node]") {
  io::Loop loop;
  Site laptop{loop, "laptop", Mode::edge};
  tls::SystemRandom random;
  const Identities identities{random};
  const std::shared_ptr<tls::Context> tls =
      GENERATE(false, true) ? van::test::client_context(identities.client_options()) : nullptr;
  CAPTURE(tls != nullptr);
  std::string error;
  std::function<void(io::Stream&)> what;
  SECTION("it closes at once") {
    error = "the peer closed the connection";
    what = [](io::Stream& stream) { stream.shutdown(); };
    if (tls) error = "";
  }
  SECTION("it resets at once") {
    error = "reset";
    what = [](io::Stream& stream) { stream.reset(); };
  }
  SECTION("it speaks HTTP") {
    what = [](io::Stream& stream) { stream.write(text("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")); };
  }
  SECTION("it sends zeros") {
    what = [](io::Stream& stream) { stream.write(Slice::copy_of(Bytes(1000))); };
  }
  Server server{loop, what};
  laptop.connect(server.listener->port(), {.tls = tls});
  REQUIRE(run_until(loop, [&] { return laptop.changes.count(LinkState::down) == 2; }));  // it tries again
  check_down(laptop.changes.seen[0], false, error);
  CHECK_FALSE(laptop.changes.seen[0].error.empty());
  CHECK(server.streams.size() >= 2);
}

TEST_CASE("TLS on one end only is a failure in words", "[link][node][tls]") {
  io::Loop loop;
  tls::SystemRandom random;
  const Identities identities{random, {"127.0.0.1"}};
  Site mill{loop, "mill", Mode::interior};
  Site laptop{loop, "laptop", Mode::edge};
  ListenerId listener;
  SECTION("ours") {
    listener = mill.listen();
    laptop.connect(mill->port(listener), {.tls = van::test::client_context(identities.client_options())});
  }
  SECTION("theirs") {
    listener = mill.listen(PeerRole::edge, van::test::server_context(identities.server_options()));
    laptop.connect(mill->port(listener));
  }
  REQUIRE(run_until(loop, [&] { return laptop.changes.count(LinkState::down) == 1; }));
  check_down(laptop.changes.seen[0], false, "");
  CHECK_FALSE(laptop.changes.seen[0].error.empty());
  REQUIRE(run_until(loop, [&] { return mill->links().empty(); }));
}

TEST_CASE("whoever sends garbage to a listener is closed, and the links beside it stay", "[link][node]") {
  Pair pair;
  tls::SystemRandom random;
  const Identities identities{random};
  const bool with_tls = GENERATE(false, true);
  CAPTURE(with_tls);
  const ListenerId listener =
      with_tls ? pair.mill.listen(PeerRole::edge, van::test::server_context(identities.server_options()))
               : pair.listener;
  Client client{pair.loop, pair.mill->port(listener)};
  REQUIRE(run_until(pair.loop, [&] { return client.stream != nullptr; }));
  client.stream->write(text("GET / HTTP/1.1\r\n\r\n"));
  REQUIRE(run_until(pair.loop, [&] { return client.over(); }));
  CHECK(pair.mill->links().size() == 1);
  CHECK(pair.laptop.is(pair.connector, LinkState::up));
  CHECK(pair.laptop.changes.seen.size() == 1);
}

TEST_CASE("a connection that is no peer yet is no link", "[link][node]") {
  Pair pair;
  Client client{pair.loop, pair.mill->port(pair.listener)};
  REQUIRE(run_until(pair.loop, [&] { return client.stream != nullptr; }));
  run_turns(pair.loop);
  CHECK(pair.mill->links().size() == 1);
  client.stream.reset();
  run_turns(pair.loop);
  CHECK(pair.mill->links().size() == 1);
}

TEST_CASE("of 300 clients that say nothing, 256 are held and the others closed", "[link][node][tls]") {
  io::Loop loop;
  tls::SystemRandom random;
  const Identities identities{random, {"127.0.0.1"}};
  Site mill{loop, "mill", Mode::interior};
  const ListenerId listener = mill.listen(PeerRole::edge, van::test::server_context(identities.server_options()));
  std::vector<std::unique_ptr<Client>> clients;
  const TimePoint start = io::Loop::now();
  for (int i = 0; i < 300; ++i) clients.push_back(std::make_unique<Client>(loop, mill->port(listener)));
  const auto closed = [&clients] { return std::ranges::count_if(clients, [](const auto& c) { return c->over(); }); };
  const auto connected = [](const auto& client) { return client->stream != nullptr; };
  REQUIRE(run_until(loop, [&] { return std::ranges::all_of(clients, connected) && closed() >= 44; }));
  run_turns(loop);
  if (io::Loop::now() - start < 10s) CHECK(closed() == 44);  // later they would be closed for their silence

  clients.clear();  // there is room again
  Site laptop{loop, "laptop", Mode::edge};
  const ConnectorId connector =
      laptop.connect(mill->port(listener), {.tls = van::test::client_context(identities.client_options())});
  REQUIRE(run_until(loop, [&] { return laptop.is(connector, LinkState::up); }));
}

TEST_CASE("a router of Skupper v1 is refused, for it carries TCP in another way", "[link][node]") {
  struct OldRouter : io::StreamHandler {
    explicit OldRouter(amqp::Connection::Config config) : engine{std::move(config), io::Loop::now()} {}
    void on_data(Slice data) override {
      engine.receive(std::move(data), io::Loop::now());
      while (engine.poll_event()) {
      }
      stream->write(std::move(engine.output()));
    }
    void on_end() override { ended = true; }
    void on_closed(const io::Error&) override { ended = true; }
    amqp::Connection engine;
    io::Stream* stream = nullptr;
    bool ended = false;
  };
  Pair pair;  // so that the other uplink stands by, for which the router needs to attach nothing
  amqp::Connection::Config config{.side = amqp::Connection::Side::server, .container_id = "old"};
  const std::string version = GENERATE("1.18.0", "2.7.3", "3.0.0");
  CAPTURE(version);
  config.properties.emplace_back(amqp::Symbol{"product"}, amqp::Value{std::string{"skupper-router"}});
  config.properties.emplace_back(amqp::Symbol{"version"}, amqp::Value{version});
  OldRouter old{config};
  Server server{pair.loop, [&old](io::Stream& stream) {
                  old.stream = &stream;
                  stream.set_handler(old);
                  stream.read_start();
                }};
  const ConnectorId connector = pair.laptop.connect(server.listener->port());
  REQUIRE(run_until(pair.loop, [&] { return pair.laptop.changes.seen.size() > 1; }));
  const LinkStatus status = *pair.laptop.link(connector);
  if (version == "3.0.0") {
    CHECK(status.state == LinkState::standby);
    return;
  }
  check_down(status, true, "Skupper v1 router (skupper-router " + version + ")");
  REQUIRE(run_until(pair.loop, [&old] { return old.ended; }));
  CHECK(pair.laptop.is(pair.connector, LinkState::up));
}

}  // namespace van::link
