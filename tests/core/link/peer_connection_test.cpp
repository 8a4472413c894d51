#include "core/link/peer_connection.h"

#include "core/base/limits.h"
#include "core/tls/secure_random.h"
#include "tests/core/io/stream_pair.h"
#include "tests/core/link/site.h"
#include "tests/core/tls/session_pair.h"

namespace van::link {
using io::test::Kind;
using io::test::StreamPair;
using io::test::text;
using test::run_turns;
using test::run_until;

namespace {

/// A connection with a router of its own, and an owner that notes what it is told and writes when it may.
struct Owned : PeerConnection::Owner {
  Owned(io::Loop& loop, std::unique_ptr<io::Stream> stream, router::Direction direction,
        std::shared_ptr<tls::Context> tls = {})
      : router{{.mode = router::Mode::edge, .id = "r", .site_id = "s", .site_name = "n", .instance = 1},
               Rng{1},
               io::Loop::now()},
        worker{loop},
        connection{std::make_unique<PeerConnection>(
            loop, worker, std::move(stream), tls, router,
            router::PeerConfig{.direction = direction, .hostname = "a.example", .external = tls != nullptr}, *this)} {}

  void connection_ready(PeerConnection& which) override {
    CHECK(&which == connection.get());
    ++ready;
  }
  void router_touched() override { ++touched; }
  void router_fed(std::size_t) override { ++touched; }
  void connection_over(PeerConnection& which, const std::string& reason, bool refused) override {
    CHECK(&which == connection.get());
    ++over;
    why = reason;
    was_refused = refused;
  }
  void flush() {
    while (router.poll_output() && connection) connection->flush();
  }
  [[nodiscard]] bool up() const {
    const router::PeerInfo* info = connection->peer() ? router.peer(connection->peer()) : nullptr;
    return info != nullptr && !info->router_id.empty();
  }
  template <class T>
  [[nodiscard]] std::size_t events() {
    std::size_t count = 0;
    while (const auto event = router.poll_event()) count += std::holds_alternative<T>(*event) ? 1u : 0u;
    return count;
  }

  router::Router router;
  io::Worker worker;
  int ready = 0, touched = 0, over = 0;
  std::string why;
  bool was_refused = false;
  std::unique_ptr<PeerConnection> connection;
};

/// Both ends of one wire.
struct Ends {
  io::Loop loop;
  StreamPair wire;
  Owned a;
  Owned b;

  explicit Ends(std::shared_ptr<tls::Context> client = {}, std::shared_ptr<tls::Context> server = {})
      : wire{loop, Kind::tcp},
        a{loop, std::move(wire.a), router::Direction::outgoing, std::move(client)},
        b{loop, std::move(wire.b), router::Direction::incoming, std::move(server)} {}
  bool run(const std::function<bool()>& done) {
    return run_until(loop, [this, &done] {
      a.flush();
      b.flush();
      return done();
    });
  }
};

}  // namespace

TEST_CASE("over plain TCP a connection is ready at once", "[link][connection]") {
  Ends ends;
  CHECK_FALSE(ends.a.connection->peer());
  ends.a.connection->start();
  CHECK(ends.a.ready == 1);
  CHECK(ends.a.connection->peer());
  CHECK(ends.a.connection->tls_peer() == nullptr);
  CHECK(ends.a.connection->remote().starts_with("127.0.0.1:"));
  CHECK(ends.a.connection->config().hostname == "a.example");
  ends.b.connection->start();
  REQUIRE(ends.run([&] { return ends.a.up() && ends.b.up(); }));
  CHECK(ends.a.ready == 1);
  CHECK(ends.a.over + ends.b.over == 0);
  CHECK(ends.b.touched > 0);
}

TEST_CASE("over TLS a connection is ready once the handshake is done", "[link][connection][tls]") {
  tls::SystemRandom random;
  const van::test::Identities identities{random};
  Ends ends{van::test::client_context(identities.client_options()),
            van::test::server_context(identities.server_options())};
  ends.a.connection->start();
  ends.b.connection->start();
  CHECK(ends.a.ready + ends.b.ready == 0);
  CHECK(ends.a.connection->tls_peer() == nullptr);
  REQUIRE(ends.run([&] { return ends.a.up() && ends.b.up(); }));
  CHECK(ends.a.ready == 1);
  CHECK(ends.b.ready == 1);
  REQUIRE(ends.a.connection->tls_peer() != nullptr);
  CHECK(ends.a.connection->tls_peer()->certificate->subject_common_name == "test server");
  REQUIRE(ends.b.connection->tls_peer() != nullptr);
  CHECK(ends.b.connection->tls_peer()->certificate->subject_common_name == "test client");
}

TEST_CASE("a connection whose other end goes is over once, and the router hears of it", "[link][connection]") {
  tls::SystemRandom random;
  const van::test::Identities identities{random};
  const bool with_tls = GENERATE(false, true);
  CAPTURE(with_tls);
  std::shared_ptr<tls::Context> client;
  std::shared_ptr<tls::Context> server;
  if (with_tls) {
    client = van::test::client_context(identities.client_options());
    server = van::test::server_context(identities.server_options());
  }
  Ends ends{client, server};
  ends.a.connection->start();
  ends.b.connection->start();
  REQUIRE(ends.run([&] { return ends.a.up() && ends.b.up(); }));
  ends.b.connection.reset();
  REQUIRE(ends.run([&] { return ends.a.over > 0; }));
  run_turns(ends.loop);
  CHECK(ends.a.over == 1);
  CHECK_FALSE(ends.a.why.empty());
  CHECK_FALSE(ends.a.was_refused);
  CHECK(ends.a.events<router::PeerClosed>() == 1);
  CHECK(ends.a.router.peer(ends.a.connection->peer()) == nullptr);
  CHECK(ends.b.events<router::PeerClosed>() == 1);
}

TEST_CASE("a connection that is finished writes what the router said last, and then ends", "[link][connection]") {
  tls::SystemRandom random;
  const van::test::Identities identities{random};
  const bool with_tls = GENERATE(false, true);
  CAPTURE(with_tls);
  std::shared_ptr<tls::Context> client;
  std::shared_ptr<tls::Context> server;
  if (with_tls) {
    client = van::test::client_context(identities.client_options());
    server = van::test::server_context(identities.server_options());
  }
  Ends ends{client, server};
  ends.a.connection->start();
  ends.b.connection->start();
  REQUIRE(ends.run([&] { return ends.a.up() && ends.b.up(); }));
  CHECK(ends.a.events<router::PeerClosed>() == 0);
  ends.a.router.close_peer(ends.a.connection->peer(), io::Loop::now());
  REQUIRE(ends.run([&] { return ends.a.events<router::PeerClosed>() == 1; }));
  CHECK_FALSE(ends.a.connection->finished());
  ends.a.connection->finish();
  CHECK(ends.a.connection->finished());
  ends.a.connection.reset();
  std::optional<router::PeerClosed> closed;
  REQUIRE(ends.run([&] {
    while (const auto event = ends.b.router.poll_event()) {
      if (const auto* end = std::get_if<router::PeerClosed>(&*event)) closed = *end;
    }
    return closed.has_value();
  }));
  CHECK(closed->reason.empty());  // an orderly end: AMQP's close arrived before the end of the socket
  CHECK(ends.a.over == 0);
}

TEST_CASE("a connection that is destroyed calls nobody", "[link][connection]") {
  Ends ends;
  ends.a.connection->start();
  ends.b.connection->start();
  SECTION("before anything arrived") {}
  SECTION("when it is up") {
    REQUIRE(ends.run([&] { return ends.a.up() && ends.b.up(); }));
  }
  const int touched = ends.a.touched;
  ends.a.connection.reset();
  REQUIRE(ends.run([&] { return ends.b.over == 1; }));
  CHECK(ends.a.touched == touched);
  CHECK(ends.a.over == 0);
}

}  // namespace van::link
