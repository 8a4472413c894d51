#include <chrono>

#include "core/tls/secure_random.h"
#include "tests/core/link/site.h"
#include "tests/core/tls/session_pair.h"

namespace van::link {
using namespace std::chrono_literals;
using router::Mode;
using router::PeerRole;
using test::closed_port;
using test::Pair;
using test::run_turns;
using test::run_until;
using test::Site;

namespace {

std::string at(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

}  // namespace

TEST_CASE("a link over plain TCP comes up, and each end knows the other", "[link][node]") {
  const TimePoint start = io::Loop::now();
  Pair pair;
  const LinkStatus out = *pair.laptop.link(pair.connector);
  CHECK(out.name == "to the other");
  CHECK(out.peer == "mill");
  CHECK(out.peer_id == "mill-1");
  CHECK(out.role == PeerRole::edge);
  CHECK(out.direction == router::Direction::outgoing);
  CHECK(out.cost == 1);
  CHECK(out.remote == at(pair.mill->port(pair.listener)));
  REQUIRE(out.since);
  CHECK(*out.since > start);
  CHECK(*out.since <= io::Loop::now());
  CHECK(out.error.empty());
  CHECK_FALSE(out.refused);
  CHECK(out.tls_version + out.tls_cipher + out.tls_peer == "");
  CHECK_FALSE(out.tls_expires);

  const LinkStatus in = pair.mill.incoming().at(0);
  CHECK(in.name == "laptop");
  CHECK(in.peer == "laptop");
  CHECK(in.peer_id == "laptop-1");
  CHECK(in.role == PeerRole::edge);
  CHECK(in.direction == router::Direction::incoming);
  CHECK(in.remote.starts_with("127.0.0.1:"));
  CHECK(in.remote != out.remote);
  REQUIRE(in.since);
  CHECK(*in.since > start);
  CHECK(in.error.empty());
  CHECK(pair.laptop->links().size() == 1);
  CHECK(pair.mill->links().size() == 1);

  REQUIRE(pair.laptop.changes.seen.size() == 1);
  CHECK(pair.laptop.changes.seen[0].state == LinkState::up);
  CHECK(pair.laptop.changes.seen[0].connector == pair.connector);
  CHECK(pair.laptop->router().nodes().at(0).site_id == "id-mill");
}

TEST_CASE("a link between two sites costs what the end with the higher cost says", "[link][node]") {
  io::Loop loop;
  Site mill{loop, "mill", Mode::interior};
  Site harbour{loop, "harbour", Mode::interior};
  const ListenerId listener = harbour.listen(PeerRole::inter_router);
  const ConnectorId connector = mill.connect(harbour->port(listener), {.role = PeerRole::inter_router, .cost = 7});
  const auto before = *mill.link(connector);
  CHECK(before.state == LinkState::connecting);
  CHECK(before.cost == 7);
  CHECK(before.peer.empty());
  REQUIRE(run_until(loop, [&] {
    return mill.is(connector, LinkState::up) && harbour.incoming().size() == 1 &&
           harbour.incoming()[0].state == LinkState::up;
  }));
  CHECK(mill.link(connector)->role == PeerRole::inter_router);
  CHECK(mill.link(connector)->cost == 7);
  CHECK(harbour.incoming()[0].role == PeerRole::inter_router);
  CHECK(harbour.incoming()[0].cost == 7);
  CHECK(harbour.incoming()[0].peer_id == "mill-1");
}

TEST_CASE("a link over mutual TLS tells version, cipher and certificate of the other end", "[link][node][tls]") {
  io::Loop loop;
  tls::SystemRandom random;
  const van::test::Identities identities{random, {"127.0.0.1", "localhost"}};
  tls::ClientOptions client = identities.client_options();
  client.tls13 = false;
  Site mill{loop, "mill", Mode::interior};
  Site laptop{loop, "laptop", Mode::edge};
  const ListenerId listener = mill.listen(PeerRole::edge, van::test::server_context(identities.server_options()));
  const std::string host = GENERATE("127.0.0.1", "localhost");
  const ConnectorId connector =
      laptop.connect(mill->port(listener), {.tls = van::test::client_context(client), .host = host});
  REQUIRE(run_until(loop, [&] { return laptop.is(connector, LinkState::up) && mill.incoming().size() == 1; }));

  const LinkStatus out = *laptop.link(connector);
  CHECK(out.tls_version == "TLS 1.2");
  CHECK(out.tls_cipher.find("GCM") != std::string::npos);
  CHECK(out.tls_peer == "test server");
  REQUIRE(out.tls_expires);
  CHECK(*out.tls_expires == tls::inspect(identities.server.certificate_pem)->not_after);
  const LinkStatus in = mill.incoming()[0];
  CHECK(in.tls_version == out.tls_version);
  CHECK(in.tls_cipher == out.tls_cipher);
  CHECK(in.tls_peer == "test client");
  CHECK(in.tls_expires == tls::inspect(identities.client.certificate_pem)->not_after);
}

TEST_CASE("a link over TLS that comes up again resumes its session", "[link][node][tls]") {
  io::Loop loop;
  tls::SystemRandom random;
  const van::test::Identities identities{random, {"127.0.0.1"}};
  tls::ClientOptions client = identities.client_options();
  tls::ServerOptions server = identities.server_options();
  client.tls13 = server.tls13 = false;
  const std::shared_ptr<tls::Context> serving = van::test::server_context(server);
  Site mill{loop, "mill", Mode::interior};
  Site laptop{loop, "laptop", Mode::edge};
  const ListenerId first = mill.listen(PeerRole::edge, serving);
  const std::uint16_t port = mill->port(first);
  const ConnectorId connector = laptop.connect(port, {.tls = van::test::client_context(client)});
  const auto up = [&] { return laptop.is(connector, LinkState::up) && mill.incoming().size() == 1 && mill.incoming()[0].state == LinkState::up; };
  REQUIRE(run_until(loop, up));
  CHECK_FALSE(laptop.link(connector)->tls_resumed);

  mill->remove_listener(first);
  REQUIRE(run_until(loop, [&] { return laptop.changes.count(LinkState::down) > 0; }));
  mill.listen(PeerRole::edge, serving, port);
  REQUIRE(run_until(loop, up));
  CHECK(laptop.link(connector)->tls_resumed);
  CHECK(laptop.link(connector)->tls_peer == "test server");
  CHECK(mill.incoming()[0].tls_resumed);
  CHECK(mill.incoming()[0].tls_peer == "test client");
}

TEST_CASE("a connector tells in words why it is down, tries again, and finds a listener that comes later",
          "[link][node]") {
  io::Loop loop;
  Site laptop{loop, "laptop", Mode::edge};
  const std::uint16_t port = closed_port(loop);
  const ConnectorId connector = laptop.connect(port);
  CHECK(laptop.is(connector, LinkState::connecting));
  REQUIRE(run_until(loop, [&] { return laptop.changes.count(LinkState::down) == 3; }));
  const LinkStatus down = laptop.changes.seen.back();
  CHECK(down.state == LinkState::down);
  CHECK(down.error.find("connect to " + at(port)) != std::string::npos);
  CHECK_FALSE(down.refused);
  CHECK(down.peer.empty());
  CHECK(laptop.changes.count(LinkState::connecting) == 2);  // between the three
  CHECK(laptop->links().size() == 1);

  Site mill{loop, "mill", Mode::interior};
  mill.listen(PeerRole::edge, {}, port);
  REQUIRE(run_until(loop, [&] { return laptop.is(connector, LinkState::up); }));
  CHECK(laptop.link(connector)->error.empty());
  CHECK(laptop.link(connector)->peer == "mill");
}

TEST_CASE("a link that broke comes up again", "[link][node]") {
  Pair pair;
  const std::uint16_t port = pair.mill->port(pair.listener);
  pair.mill.vanish();
  REQUIRE(run_until(pair.loop, [&] { return pair.laptop.changes.count(LinkState::down) > 0; }));
  const LinkStatus down = pair.laptop.changes.seen.at(1);
  CHECK(down.state == LinkState::down);
  CHECK_FALSE(down.error.empty());
  CHECK_FALSE(down.refused);
  CHECK(down.peer.empty());

  Site again{pair.loop, "again", Mode::interior};
  again.listen(PeerRole::edge, {}, port);
  REQUIRE(run_until(pair.loop, [&] { return pair.laptop.is(pair.connector, LinkState::up); }));
  CHECK(pair.laptop.link(pair.connector)->peer == "again");
}

TEST_CASE("a connector that is removed closes its link at both ends and is not heard of again", "[link][node]") {
  Pair pair;
  pair.laptop->remove_connector(pair.connector);
  CHECK(pair.laptop->links().empty());
  REQUIRE(run_until(pair.loop, [&] { return pair.mill->links().empty(); }));
  run_turns(pair.loop);
  CHECK(pair.mill->links().empty());
  CHECK(pair.laptop->links().empty());
  CHECK(pair.laptop.changes.seen.size() == 1);    // the link came up
  pair.laptop->remove_connector(pair.connector);  // once more is harmless
}

TEST_CASE("a connector may be removed before its link is up", "[link][node]") {
  io::Loop loop;
  Site laptop{loop, "laptop", Mode::edge};
  int accepted = 0;
  std::vector<std::unique_ptr<io::Stream>> held;
  auto silent = io::TcpListener::listen(loop, "127.0.0.1", 0, [&](std::unique_ptr<io::Stream> stream) {
    held.push_back(std::move(stream));
    ++accepted;
  });
  REQUIRE(silent);
  ConnectorId connector;
  SECTION("while it dials") {
    connector = laptop.connect((*silent)->port());
    laptop->remove_connector(connector);
  }
  SECTION("while it waits for the other end") {
    connector = laptop.connect((*silent)->port());
    REQUIRE(run_until(loop, [&] { return accepted == 1; }));
    run_turns(loop);
    laptop->remove_connector(connector);
  }
  SECTION("while it waits before the next attempt") {
    connector = laptop.connect(closed_port(loop));
    REQUIRE(run_until(loop, [&] { return laptop.changes.count(LinkState::down) == 1; }));
    laptop->remove_connector(connector);
  }
  const std::size_t heard = laptop.changes.seen.size();
  CHECK(laptop->links().empty());
  run_turns(loop);
  CHECK(laptop.changes.seen.size() == heard);
}

TEST_CASE("a listener that is removed closes what came in through it, and only that", "[link][node]") {
  Pair pair;
  const ListenerId other = pair.mill.listen();
  Site harbour{pair.loop, "harbour", Mode::edge};
  const ConnectorId kept = harbour.connect(pair.mill->port(other));
  REQUIRE(run_until(pair.loop, [&] { return harbour.is(kept, LinkState::up); }));

  pair.mill->remove_listener(pair.listener);
  REQUIRE(run_until(pair.loop, [&] { return pair.laptop.changes.count(LinkState::down) == 2; }));
  const std::vector<LinkStatus>& seen = pair.laptop.changes.seen;
  REQUIRE(seen.size() == 4);  // each change once
  CHECK(seen[1].state == LinkState::down);
  CHECK(seen[1].error == "the peer closed the link");
  CHECK_FALSE(seen[1].refused);
  CHECK(seen[2].state == LinkState::connecting);
  CHECK(seen[3].error.find("connect to") != std::string::npos);  // nobody listens any more
  CHECK(harbour.is(kept, LinkState::up));
  REQUIRE(pair.mill.incoming().size() == 1);
  CHECK(pair.mill.incoming()[0].peer == "harbour");
  pair.mill->remove_listener(pair.listener);  // once more is harmless
}

TEST_CASE("a port in use is an error of the listener", "[link][node]") {
  Pair pair;
  const auto second = pair.mill->add_listener({"127.0.0.1", pair.mill->port(pair.listener), PeerRole::edge, {}});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == io::Error::Code::address_in_use);
  CHECK(second.error().message.find(at(pair.mill->port(pair.listener))) != std::string::npos);
  CHECK(pair.laptop.is(pair.connector, LinkState::up));
}

TEST_CASE("of two uplinks one stands by, and takes over when the other breaks", "[link][node]") {
  Pair pair;
  Site harbour{pair.loop, "harbour", Mode::interior};
  const ConnectorId second = pair.laptop.connect(harbour->port(harbour.listen()));
  REQUIRE(run_until(pair.loop, [&] { return pair.laptop.is(second, LinkState::standby); }));
  CHECK(pair.laptop.link(second)->peer == "harbour");
  CHECK(pair.laptop.link(second)->error.empty());
  CHECK(pair.laptop.is(pair.connector, LinkState::up));
  pair.mill.vanish();
  REQUIRE(run_until(pair.loop, [&] { return pair.laptop.is(second, LinkState::up); }));
  CHECK_FALSE(pair.laptop.is(pair.connector, LinkState::up));
}

TEST_CASE("a node goes quietly whatever its links are doing", "[link][node]") {
  Pair pair;
  pair.laptop.connect(closed_port(pair.loop));
  pair.laptop.connect(pair.mill->port(pair.listener));
  SECTION("at once") {}
  SECTION("after a turn") { run_turns(pair.loop, 1); }
  SECTION("after some turns") { run_turns(pair.loop); }
  const std::size_t heard = pair.laptop.changes.seen.size();
  pair.laptop.vanish();
  REQUIRE(run_until(pair.loop, [&] { return pair.mill->links().empty(); }));
  CHECK(pair.laptop.changes.seen.size() == heard);
}

}  // namespace van::link
