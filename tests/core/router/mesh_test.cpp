#include <chrono>
#include <string>
#include <vector>

#include "tests/core/router/network.h"
#include "tests/core/router/streams.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::router;
using test::Network;
using test::Open;

namespace {

/// `count` interior sites, "a", "b", ..., without links.
std::vector<Network::Site*> sites(Network& network, std::size_t count) {
  std::vector<Network::Site*> added;
  for (std::size_t i = 0; i < count; ++i) added.push_back(&network.add(std::string(1, static_cast<char>('a' + i)), Mode::interior));
  return added;
}

}  // namespace

TEST_CASE("control messages do not multiply with the number of paths", "[router][mesh]") {
  // A full mesh of 7 has 1956 paths without a loop from each site: an RA that went along each of them would be some 13,700
  // transfers for each round of RAs. Each link in each direction carries a HELLO a second and at most one copy of an RA.
  Network network;
  const auto mesh = sites(network, 7);
  for (std::size_t i = 0; i < mesh.size(); ++i) {
    for (std::size_t j = i + 1; j < mesh.size(); ++j) network.connect(*mesh[i], *mesh[j], PeerRole::inter_router);
  }
  network.advance(20s);
  for (const auto* site : mesh) CHECK(site->router->nodes().size() == 6);

  const std::size_t before = network.octets_carried;
  network.advance(60s);
  constexpr std::size_t kMessage = 600;  // octets that one of them may take, with its frame
  constexpr std::size_t kDirections = 7 * 6;
  const std::size_t allowed = kDirections * kMessage * (60 /* HELLO */ + 3 * 7 /* RA of each site */);
  CHECK(network.octets_carried - before < allowed);
}

TEST_CASE("a stream on a link that breaks ends at both ends, and the next one goes the other way round", "[router][mesh]") {
  Network network;
  const auto ring = sites(network, 4);
  std::vector<std::size_t> wires;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    wires.push_back(network.connect(*ring[i], *ring[(i + 1) % ring.size()], PeerRole::inter_router, i == 2 ? 3 : 1));
  }
  Network::Site& client = *ring[0];
  Network::Site& server = *ring[2];
  server.router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = client.router->add_producer("greeting", network.now);
  network.advance(5s);
  REQUIRE(client.router->reachable(producer));

  const Open first = open(network, client, producer, server);
  network.cut(wires[1]);  // a - b - c was the cheaper way
  CHECK(client.take<StreamFailed>().size() == 1);
  CHECK(server.take<StreamFailed>().size() == 1);
  CHECK(client.router->readable(first.client) == nullptr);
  CHECK(server.router->readable(first.server) == nullptr);

  network.advance(2s);
  const Open second = open(network, client, producer, server);
  REQUIRE(client.router->write(second.client, Slice::copy_of(as_bytes("the long way")), network.now));
  network.settle();
  SliceQueue* arrived = server.router->readable(second.server);
  REQUIRE(arrived != nullptr);
  CHECK(as_text(arrived->peek(arrived->bytes())) == "the long way");
}
