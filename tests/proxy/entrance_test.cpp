#include "proxy/entrance.h"

#include "tests/proxy/tunnel.h"

namespace van::proxy {
using test::connect;

namespace {

const Endpoint kAnyPort{.host = "127.0.0.1", .port = 0, .path = {}};

struct Clients {
  io::Loop loop;
  std::vector<std::unique_ptr<io::Stream>> accepted;
  io::OnAccept take = [this](std::unique_ptr<io::Stream> stream) { accepted.push_back(std::move(stream)); };

  [[nodiscard]] bool reach(const std::string& host, std::uint16_t port) {
    const auto client = connect(loop, {.host = host, .port = port, .path = {}});
    return client->stream != nullptr && test::run_until(loop, [&] { return !accepted.empty(); });
  }
};

}  // namespace

TEST_CASE("an entrance with a twin has one port on both addresses, and keeps it from others", "[proxy][entrance]") {
  Clients clients;
  auto entrance = Entrance::open(clients.loop, kAnyPort, clients.take, Entrance::kIpv6Loopback);
  REQUIRE(entrance);
  if (!(*entrance)->has_twin()) return;  // a machine without IPv6
  const Endpoint local = (*entrance)->local();
  CHECK(local.host == "127.0.0.1");
  CHECK(clients.reach("127.0.0.1", local.port));
  clients.accepted.clear();
  CHECK(clients.reach("::1", local.port));
  entrance->reset();
  CHECK(connect(clients.loop, local)->stream == nullptr);
  CHECK(connect(clients.loop, {.host = "::1", .port = local.port, .path = {}})->stream == nullptr);
}

TEST_CASE("an entrance whose twin's port is taken is refused, and holds nothing", "[proxy][entrance]") {
  Clients clients;
  const auto other = io::TcpListener::listen(clients.loop, "::1", 0, clients.take);
  if (!other) return;  // a machine without IPv6
  const Endpoint wanted{.host = "127.0.0.1", .port = (*other)->port(), .path = {}};
  const auto refused = Entrance::open(clients.loop, wanted, clients.take, Entrance::kIpv6Loopback);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == io::Error::Code::address_in_use);
  CHECK(Entrance::open(clients.loop, wanted, clients.take));  // alone it is free
}

TEST_CASE("an entrance does without a twin that this machine has no address for", "[proxy][entrance]") {
  Clients clients;
  const auto entrance = Entrance::open(clients.loop, kAnyPort, clients.take, "2001:db8::1");  // documentation, RFC 3849
  REQUIRE(entrance);
  CHECK_FALSE((*entrance)->has_twin());
  CHECK(clients.reach("127.0.0.1", (*entrance)->local().port));
}

}  // namespace van::proxy
