#include "core/io/udp_socket.h"

#include <numeric>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/datagram_limits.h"
#include "core/io/name_lookup.h"
#include "tests/core/io/stream_pair.h"
#include "tests/support/catch.h"

namespace van::io {
namespace {

struct Heard final : UdpHandler {
  void on_datagram(ByteView payload, const UdpAddress& from) override {
    datagrams.emplace_back(payload.begin(), payload.end());
    last_from = from;
    if (on_each) on_each();
  }
  void on_refused(const Error& error) override { refusals.push_back(error); }
  std::vector<std::string> datagrams;
  UdpAddress last_from;
  std::vector<Error> refusals;
  std::function<void()> on_each;
};

Slice octets(std::string_view text) { return Slice::copy_of(as_bytes(text)); }

std::unique_ptr<UdpSocket> bound(Loop& loop, Heard& heard, const std::string& host = "127.0.0.1") {
  auto socket = UdpSocket::bind(loop, host, 0, heard);
  INFO((socket ? std::string{} : socket.error().message));
  REQUIRE(socket);
  return *std::move(socket);
}

}  // namespace

TEST_CASE("datagrams keep their boundaries and order, also empty and very long ones", "[io][udp]") {
  Loop loop;
  Heard server_heard, client_heard;
  const auto server = bound(loop, server_heard);
  const auto client = bound(loop, client_heard);
  const std::string longest(UdpSocket::kPayloadMax, 'x');
  std::vector<std::string> sent;
  for (int i = 0; i < 50; ++i) sent.push_back("number " + std::to_string(i));
  sent.emplace_back();
  sent.push_back(longest);
  for (const std::string& each : sent) client->send_to(octets(each), server->local());
  REQUIRE(loop.run_until([&] { return server_heard.datagrams.size() == sent.size(); }));
  CHECK(server_heard.datagrams == sent);
  CHECK(server_heard.last_from == client->local());
  CHECK(client->lost() == 0);

  server->send_to(octets("answer"), server_heard.last_from);
  REQUIRE(loop.run_until([&] { return client_heard.datagrams.size() == 1; }));
  CHECK(server->dropped_by_system() == 0);
}

TEST_CASE("a connected socket hears its peer alone, and that nobody is there", "[io][udp]") {
  Loop loop;
  Heard server_heard, other_heard, client_heard;
  auto server = bound(loop, server_heard);
  const auto other = bound(loop, other_heard);
  const UdpAddress address = server->local();
  auto client = UdpSocket::connect(loop, address, client_heard);
  REQUIRE(client);
  (*client)->send(octets("hello"));
  REQUIRE(loop.run_until([&] { return server_heard.datagrams.size() == 1; }));
  other->send_to(octets("not yours"), (*client)->local());
  server->send_to(octets("yours"), (*client)->local());
  REQUIRE(loop.run_until([&] { return !client_heard.datagrams.empty(); }));
  CHECK(client_heard.datagrams == std::vector<std::string>{"yours"});

  server.reset();
  (*client)->send(octets("anybody?"));
  REQUIRE(loop.run_until([&] { return !client_heard.refusals.empty(); }));
  CHECK(client_heard.refusals[0].code == Error::Code::refused);
  CHECK(client_heard.refusals[0].message.find(address.text()) != std::string::npos);
}

TEST_CASE("of datagrams sent in one turn only the one that is too long is lost", "[io][udp]") {
  Loop loop;
  Heard server_heard, client_heard;
  const auto server = bound(loop, server_heard);
  const auto client = bound(loop, client_heard);
  std::vector<std::string> sent(40, "equal in length");
  sent.insert(sent.begin() + 20, "short");
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (i == 10 || i == 30) client->send_to(octets(std::string(UdpSocket::kPayloadMax + 1, 'x')), server->local());
    client->send_to(octets(sent[i]), server->local());
  }
  REQUIRE(loop.run_until([&] { return server_heard.datagrams.size() == sent.size(); }));
  CHECK(server_heard.datagrams == sent);
  CHECK(client->lost() == 2);
}

TEST_CASE("more than may wait for the end of a turn goes at once, and what waits when the socket ends", "[io][udp]") {
  Loop loop;
  Heard server_heard, client_heard;
  const auto server = bound(loop, server_heard);
  auto client = bound(loop, client_heard);
  const std::size_t count = 3 * limits::kDatagramsUnsent + 1;
  for (std::size_t i = 0; i < count; ++i) client->send_to(octets(std::to_string(i)), server->local());
  client.reset();
  REQUIRE(loop.run_until([&] { return server_heard.datagrams.size() == count; }));
  for (std::size_t i = 0; i < count; ++i) CHECK(server_heard.datagrams[i] == std::to_string(i));
}

TEST_CASE("that nobody is there is told once for a turn's datagrams, and the handler may destroy the socket then", "[io][udp]") {
  struct Destroys final : UdpHandler {
    void on_datagram(ByteView, const UdpAddress&) override {}
    void on_refused(const Error& error) override {
      refusals.push_back(error);
      socket.reset();
    }
    std::vector<Error> refusals;
    std::unique_ptr<UdpSocket> socket;
  } heard;
  Loop loop;
  Heard server_heard;
  auto server = bound(loop, server_heard);
  heard.socket = UdpSocket::connect(loop, server->local(), heard).value();
  server.reset();
  for (int i = 0; i < 10; ++i) heard.socket->send(octets(std::string(static_cast<std::size_t>(i) + 1, 'x')));
  REQUIRE(loop.run_until([&] { return heard.socket == nullptr; }));
  REQUIRE(heard.refusals.size() == 1);
  CHECK(heard.refusals[0].code == Error::Code::refused);
}

TEST_CASE("a handler may destroy its socket in the middle of a batch", "[io][udp]") {
  Loop loop;
  Heard heard, client_heard;
  auto server = bound(loop, heard);
  const auto client = bound(loop, client_heard);
  heard.on_each = [&] { server.reset(); };
  const UdpAddress to = server->local();
  for (int i = 0; i < 10; ++i) client->send_to(octets("again"), to);
  REQUIRE(loop.run_until([&] { return server == nullptr; }));
  bool later = false;
  loop.post([&] { later = true; });
  REQUIRE(loop.run_until([&] { return later; }));
  CHECK(heard.datagrams.size() == 1);
}

TEST_CASE("what nobody reads in time is dropped by the system, and counted", "[io][udp]") {
  Loop loop;
  Heard heard, client_heard;
  const auto server = bound(loop, heard);
  const auto client = bound(loop, client_heard);
  const std::string payload(60'000, 'x');
  constexpr int kCount = 2000;  // 120 MB, more than any buffer
  for (int i = 0; i < kCount; ++i) client->send_to(octets(payload), server->local());
  REQUIRE(loop.run_until([&] { return heard.datagrams.size() + server->dropped_by_system() == kCount; }));
  CHECK(server->dropped_by_system() > 0);
}

TEST_CASE("binding a UDP port fails with a reason", "[io][udp]") {
  Loop loop;
  Heard heard;
  const auto first = bound(loop, heard);
  const auto second = UdpSocket::bind(loop, "127.0.0.1", first->local().port(), heard);
  REQUIRE(!second);
  CHECK(second.error().code == Error::Code::address_in_use);
  CHECK(UdpSocket::bind(loop, "nowhere", 1, heard).error().code == Error::Code::name_not_found);
  CHECK(UdpSocket::bind(loop, "192.0.2.1", 0, heard).error().code == Error::Code::unreachable);
}

TEST_CASE("addresses of datagrams compare, hash and read well", "[io][udp]") {
  const auto one = UdpAddress::numeric("127.0.0.1", 53), same = UdpAddress::numeric("localhost", 53);
  REQUIRE((one && same));
  CHECK(*one == *same);
  CHECK(one->text() == "127.0.0.1:53");
  CHECK(UdpAddress::numeric("::1", 5353)->text() == "[::1]:5353");
  CHECK(UdpAddress::numeric("255.255.255.255", 65535)->text() == "255.255.255.255:65535");
  CHECK(UdpAddress::numeric("0.0.0.0", 0)->text() == "0.0.0.0:0");
  CHECK(UdpAddress::numeric("::1", 5353)->port() == 5353);
  CHECK_FALSE(*one == *UdpAddress::numeric("127.0.0.1", 54));
  std::unordered_map<UdpAddress, int> map;
  map[*one] = 1;
  CHECK(map.contains(*same));
  CHECK_FALSE(UdpAddress::numeric("example.org", 53));
}

TEST_CASE("names are looked up, and what can't be found is an error", "[io][udp]") {
  Loop loop;
  std::optional<Result<std::vector<UdpAddress>>> found;
  const auto note = [&](Result<std::vector<UdpAddress>> result) { found = std::move(result); };
  {
    const NameLookup lookup{loop, "localhost", 9, note};
    CHECK_FALSE(found);
    REQUIRE(loop.run_until([&] { return found.has_value(); }));
    REQUIRE(*found);
    CHECK((**found)[0].text() == "127.0.0.1:9");
    CHECK((**found)[1].text() == "[::1]:9");
  }
  found.reset();
  {
    const NameLookup lookup{loop, "no-such-host.invalid", 9, note};
    REQUIRE(loop.run_until([&] { return found.has_value(); }));
    CHECK_FALSE(*found);
  }
  found.reset();
  { const NameLookup cancelled{loop, "no-such-host.invalid", 9, note}; }
  bool later = false;
  loop.post([&] { later = true; });
  REQUIRE(loop.run_until([&] { return later; }));
  CHECK_FALSE(found);
}

}  // namespace van::io
