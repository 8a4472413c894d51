#include <array>

#include "proxy/name_routes.h"
#include "proxy/name_server.h"
#include "proxy/socks_client.h"
#include "tests/proxy/named.h"

namespace van::proxy {
using namespace std::string_literals;
using test::connect;
using test::Named;
using test::Socket;

namespace {

std::string ask_for(std::string_view host, std::uint16_t port) {
  return "\x05\x01\x00\x05\x01\x00\x03"s + static_cast<char>(host.size()) + std::string{host} + static_cast<char>(port >> 8) + static_cast<char>(port);
}
const std::string kGranted = "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;

std::string refused(SocksReply reply) { return "\x05\x00\x05"s + static_cast<char>(reply) + "\x00\x01\x00\x00\x00\x00\x00\x00"s; }

struct Socks : Named {
  std::unique_ptr<NameServer> socks = open<SocksClient>();

  /// What a client that says `words` hears until it is over.
  std::string hear(const std::string& words) {
    const auto client = connect(loop(), socks->local());
    client->write(words);
    REQUIRE(run([&] { return client->over(); }));
    return client->heard.received;
  }
};

}  // namespace

TEST_CASE("a SOCKS client reaches a service by name, with what it said at once", "[proxy][socks]") {
  Socks named;
  const auto client = connect(named.loop(), named.socks->local());
  client->write(ask_for("greeting.van", 8080) + "hello");
  REQUIRE(named.run([&] { return named.server.sockets.size() == 1 && named.server.sockets[0]->heard.received == "hello"; }));
  CHECK(client->heard.received == kGranted);
  named.server.sockets[0]->write("welcome");
  named.server.sockets[0]->stream->shutdown();
  REQUIRE(named.run([&] { return client->heard.ends == 1; }));
  CHECK(client->heard.received == kGranted + "welcome");
  CHECK(named.socks->counters().in_flight == 1);
  client->stream->shutdown();
  REQUIRE(named.run([&] { return named.socks->clients() == 0; }));
  CHECK(named.socks->counters().in_flight == 0);
  CHECK(named.socks->counters().connections == 1);
  CHECK(named.socks->counters().bytes_out == 5);
  CHECK(named.socks->counters().bytes_in == 7);
}

TEST_CASE("a SOCKS client is told at once of what is not in the network", "[proxy][socks]") {
  Socks named;
  CHECK(named.hear(ask_for("example.com", 80)) == refused(SocksReply::host_unreachable));
  CHECK(named.hear(ask_for("127.0.0.1", 80)) == refused(SocksReply::not_allowed));
  CHECK(named.hear(ask_for("greeting", 8081)) == refused(SocksReply::not_allowed));
  CHECK(named.server.sockets.empty());
}

TEST_CASE("a SOCKS client waits a moment for a service that nobody provides now", "[proxy][socks]") {
  Socks named;
  named.directory.known.push_back({.address = "absent", .port = 1, .reachable = false});
  const auto start = io::Loop::now();
  CHECK(named.hear(ask_for("absent", 1)) == refused(SocksReply::host_unreachable));
  CHECK(io::Loop::now() - start >= std::chrono::milliseconds{400});

  const auto client = connect(named.loop(), named.socks->local());
  client->write(ask_for("absent", 1));
  REQUIRE(named.run([&] { return client->heard.received.size() == 2; }));
  const TcpExposure late{{*named.pair.mill, named.loop(), named.log}, {.address = "absent", .target = named.server.endpoint(), .cost = 0}};
  REQUIRE(named.run([&] { return client->heard.received == kGranted; }));
}

TEST_CASE("a SOCKS client hears that the only target can't be connected", "[proxy][socks]") {
  Socks named;
  named.server.stop();
  const std::string heard = named.hear(ask_for("greeting", 80));
  CHECK((heard == refused(SocksReply::refused) || heard == refused(SocksReply::host_unreachable)));  // the latter when its withdrawal came first
}

TEST_CASE("a SOCKS client that goes while its stream is opened leaves nothing", "[proxy][socks]") {
  Socks named;
  named.directory.known.push_back({.address = "absent", .port = 1, .reachable = false});
  auto client = connect(named.loop(), named.socks->local());
  client->write(ask_for("absent", 1));
  REQUIRE(named.run([&] { return client->heard.received.size() == 2; }));
  client.reset();
  REQUIRE(named.run([&] { return named.socks->clients() == 0; }));
  auto other = connect(named.loop(), named.socks->local());
  other->write(ask_for("greeting", 80));
  REQUIRE(named.run([&] { return other->heard.received.size() >= 2; }));
  named.socks.reset();  // with a stream on its way
  REQUIRE(named.run([&] { return other->over() && named.exposure->idle(); }));
}

TEST_CASE("a SOCKS client that does not say in time what it wants is closed", "[proxy][socks][limits]") {
  Socks named;
  named.socks = named.open<SocksClient>({.word = std::chrono::milliseconds{20}});
  CHECK(named.hear("").empty());
  CHECK(named.hear("\x05\x01"s + "\x00"s) == "\x05\x00"s);  // it is not asked for more
  REQUIRE(named.run([&] { return named.socks->clients() == 0; }));

  named.socks = named.open<SocksClient>({.word = std::chrono::milliseconds{100}});
  const auto slow = connect(named.loop(), named.socks->local());
  const std::string words = ask_for(std::string(200, 'a'), 80);
  std::size_t said = 0;
  io::Timer drip{named.loop(), [&] {
                   slow->write(words.substr(said++, 1));
                   drip.arm(std::chrono::milliseconds{1});
                 }};
  drip.arm(std::chrono::milliseconds{1});
  REQUIRE(named.run([&] { return slow->over() || said >= words.size(); }));
  CHECK(slow->over());  // a word now and then is no way out
}

TEST_CASE("a SOCKS client that found its service may be silent for as long as it likes", "[proxy][socks][limits]") {
  Socks named;
  named.socks = named.open<SocksClient>({.word = std::chrono::milliseconds{20}});
  const auto silent = connect(named.loop(), named.socks->local());
  silent->write(ask_for("greeting", 8080));
  REQUIRE(named.run([&] { return silent->heard.received == kGranted || silent->over(); }));
  if (silent->over()) return;  // a machine so busy that its time was over before proves nothing
  CHECK(named.hear("").empty());  // another one's whole time
  CHECK_FALSE(silent->over());
}

TEST_CASE("a SOCKS client that was refused and stays is left after a moment", "[proxy][socks][limits]") {
  Socks named;
  named.socks = named.open<SocksClient>({.linger = std::chrono::milliseconds{20}});
  const auto client = connect(named.loop(), named.socks->local());
  client->write(ask_for("example.com", 80));
  REQUIRE(named.run([&] { return client->over(); }));
  CHECK(client->heard.received == refused(SocksReply::host_unreachable));
  client->write("and more");  // it does not end
  REQUIRE(named.run([&] { return named.socks->clients() == 0; }));
}

TEST_CASE("a SOCKS port has a limit of clients", "[proxy][socks]") {
  Socks named;
  std::vector<std::unique_ptr<Socket>> clients;
  while (clients.size() < limits::kNameClients) clients.push_back(connect(named.loop(), named.socks->local()));
  REQUIRE(named.run([&] { return named.socks->clients() == limits::kNameClients; }));
  const auto more = connect(named.loop(), named.socks->local());
  REQUIRE(named.run([&] { return more->over(); }));
  clients.pop_back();
  REQUIRE(named.run([&] { return named.socks->clients() < limits::kNameClients; }));
  const auto again = connect(named.loop(), named.socks->local());
  again->write(ask_for("greeting", 80));
  CHECK(named.run([&] { return again->heard.received == kGranted; }));
}

}  // namespace van::proxy
