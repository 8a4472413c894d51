#include "core/base/random.h"
#include "tests/proxy/tunnel.h"

namespace van::proxy {
using test::Kind;
using test::run_turns;
using test::Socket;
using test::text;
using test::Tunnel;

namespace {

std::string noise(std::uint64_t seed, std::size_t count) {
  Rng rng{seed};
  std::string octets(count, '\0');
  for (char& octet : octets) octet = static_cast<char>(rng.next());
  return octets;
}

/// Which end does what.
struct Roles {
  Socket& one;
  Socket& other;
};
Roles roles(const Tunnel::Ends& ends, bool client_first) {
  return client_first ? Roles{*ends.client, ends.server} : Roles{ends.server, *ends.client};
}

}  // namespace

TEST_CASE("octets pass both ways at once, unchanged and counted, over TCP and local sockets", "[proxy][tunnel]") {
  const Kind kind = GENERATE(Kind::tcp, Kind::local);
  Tunnel tunnel{kind};
  const auto ends = tunnel.open();
  const std::string up = noise(1, 3'000'001);
  const std::string down = noise(2, 5'000'003);
  ends.client->write(up);
  ends.server.write(down);
  ends.client->stream->shutdown();
  ends.server.stream->shutdown();
  REQUIRE(tunnel.run([&] { return ends.client->over() && ends.server.over(); }));
  CHECK((ends.server.heard.received == up));
  CHECK((ends.client->heard.received == down));
  CHECK(ends.client->heard.ends == 1);
  CHECK(ends.server.heard.ends == 1);
  REQUIRE(tunnel.run_until_idle());

  const Counters at_client = tunnel.stand_in->counters();
  CHECK(at_client.connections == 1);
  CHECK(at_client.bytes_out == up.size());
  CHECK(at_client.bytes_in == down.size());
  const Counters at_server = tunnel.exposure->counters();
  CHECK(at_server.connections == 1);
  CHECK(at_server.in_flight == 0);
  CHECK(at_server.bytes_in == up.size());
  CHECK(at_server.bytes_out == down.size());
}

TEST_CASE("the end of one direction is passed on, and the other goes on", "[proxy][tunnel]") {
  const Kind kind = GENERATE(Kind::tcp, Kind::local);
  const bool client_first = GENERATE(true, false);
  CAPTURE(client_first);
  Tunnel tunnel{kind};
  const auto ends = tunnel.open();
  const auto [one, other] = roles(ends, client_first);
  one.write("question");
  one.stream->shutdown();
  REQUIRE(tunnel.run([&other = other] { return other.heard.ends == 1; }));
  CHECK(other.heard.received == "question");
  CHECK_FALSE(one.over());
  for (const std::string_view words : {"a ", "long ", "answer"}) {
    const std::string before = one.heard.received;
    other.write(words);
    REQUIRE(tunnel.run([&one = one, &before, words] { return one.heard.received == before + std::string{words}; }));
  }
  run_turns(tunnel.pair.loop);
  CHECK_FALSE(one.over());
  CHECK(tunnel.stand_in->counters().in_flight == 1);
  CHECK_FALSE(tunnel.exposure->idle());
  other.stream->shutdown();
  REQUIRE(tunnel.run([&one = one] { return one.heard.ends == 1; }));
  CHECK(one.heard.closes + other.heard.closes == 0);
  REQUIRE(tunnel.run_until_idle());
}

TEST_CASE("a server that speaks first is heard", "[proxy][tunnel]") {
  Tunnel tunnel;
  tunnel.server.on_accept = [](Socket& socket) { socket.write("220 ready"); };
  const auto ends = tunnel.open();
  REQUIRE(tunnel.run([&ends] { return ends.client->heard.received == "220 ready"; }));
  CHECK(ends.server.heard.received.empty());
}

TEST_CASE("what a client sends and ends before the target is connected arrives whole", "[proxy][tunnel]") {
  Tunnel tunnel;
  const auto client = tunnel.connect();
  client->write("early");
  client->stream->shutdown();
  REQUIRE(tunnel.run([&] { return tunnel.server.sockets.size() == 1 && tunnel.server.sockets[0]->heard.ends == 1; }));
  CHECK(tunnel.server.sockets[0]->heard.received == "early");
}

TEST_CASE("a reset at one end is a reset at the other", "[proxy][tunnel]") {
  const bool client_first = GENERATE(true, false);
  CAPTURE(client_first);
  Tunnel tunnel;
  const auto ends = tunnel.open();
  const auto [one, other] = roles(ends, client_first);
  SECTION("of an idle connection") {}
  SECTION("with octets on the way") { one.write("half a sent"); }
  SECTION("after the other's direction has ended") {
    other.stream->shutdown();
    REQUIRE(tunnel.run([&one = one] { return one.heard.ends == 1; }));
  }
  one.stream->reset();
  REQUIRE(tunnel.run([&other = other] { return other.over(); }));
  CHECK(other.reset());
  CHECK(other.heard.ends == 0);
  REQUIRE(tunnel.run_until_idle());
}

TEST_CASE("a reset after one's own end is a reset at the other, too", "[proxy][tunnel]") {
  const bool client_first = GENERATE(true, false);
  CAPTURE(client_first);
  Tunnel tunnel;
  const auto ends = tunnel.open();
  const auto [one, other] = roles(ends, client_first);
  one.stream->shutdown();
  REQUIRE(tunnel.run([&other = other] { return other.heard.ends == 1; }));
  one.stream->reset();
  // Nobody reads from a socket that has ended: writing to it finds out.
  io::Timer writer{tunnel.pair.loop, [&other = other, &writer] {
                     other.write("anybody there?");
                     writer.arm(std::chrono::milliseconds{1});
                   }};
  writer.arm(std::chrono::milliseconds{0});
  REQUIRE(tunnel.run([&other = other] { return other.heard.closes == 1; }));
  CHECK(other.reset());
  writer.cancel();
  REQUIRE(tunnel.run_until_idle());
}

TEST_CASE("connections beside each other do not mix, and one that breaks leaves the others alone", "[proxy][tunnel]") {
  Tunnel tunnel;
  tunnel.server.on_accept = [](Socket& socket) {
    socket.heard.after_data = [&socket] {
      if (socket.heard.received.ends_with('\n')) socket.write("you are " + socket.heard.received);
    };
  };
  std::vector<std::unique_ptr<Socket>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(tunnel.connect());
    clients.back()->write(std::to_string(i) + "\n");
  }
  clients[7]->stream->reset();
  clients.erase(clients.begin() + 7);
  const auto answered = [](const auto& client) { return client->heard.received.ends_with('\n'); };
  REQUIRE(tunnel.run([&] { return std::ranges::all_of(clients, answered); }));
  for (int i = 0; i < 39; ++i) {
    CHECK(clients[static_cast<std::size_t>(i)]->heard.received ==
          "you are " + std::to_string(i < 7 ? i : i + 1) + "\n");
  }
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->counters().in_flight == 39; }));
  REQUIRE(tunnel.run([&tunnel] { return tunnel.exposure->counters().in_flight == 39; }));
  CHECK(tunnel.stand_in->counters().connections == 40);
  clients.clear();
  for (const auto& socket : tunnel.server.sockets) socket->stream.reset();
  REQUIRE(tunnel.run_until_idle());
}

TEST_CASE("when the link goes, both ends are reset", "[proxy][tunnel]") {
  Tunnel tunnel;
  const auto ends = tunnel.open();
  tunnel.pair.laptop->remove_connector(tunnel.pair.connector);
  REQUIRE(tunnel.run([&ends] { return ends.client->over() && ends.server.over(); }));
  CHECK(ends.client->reset());
  CHECK(ends.server.reset());
  REQUIRE(tunnel.run_until_idle());
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
}

}  // namespace van::proxy
