#include "core/router/facts.h"

#include <algorithm>
#include <chrono>

#include "tests/core/router/network.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::router;
using test::Network;

namespace {

AddressFacts address(const Network::Site& site, const std::string& key) {
  for (AddressFacts& facts : site.router->address_facts())
    if (facts.key == key) return std::move(facts);
  FAIL("no address " + key);
  return {};
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a router knows the others with next hop, cost and link state", "[router][facts]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  auto& b = network.add("b", Mode::interior);
  auto& c = network.add("c", Mode::interior);
  auto& laptop = network.add("laptop", Mode::edge);
  network.connect(a, b, PeerRole::inter_router, 2);
  network.connect(b, c, PeerRole::inter_router, 5);
  network.connect(laptop, b, PeerRole::edge);
  network.advance(5s);

  const auto nodes = a.router->node_facts();
  REQUIRE(nodes.size() == 3);
  CHECK(nodes[0].own);
  CHECK(nodes[0].id == "a");
  CHECK(nodes[0].neighbours == Texts{"b"});
  CHECK(nodes[0].instance == a.router->config().instance);
  CHECK(nodes[1].id == "b");
  CHECK(nodes[1].next_hop == "b");
  CHECK(nodes[1].cost == 2);
  CHECK(nodes[1].link == a.router->connection_facts().at(0).id.value);
  CHECK(nodes[1].neighbours == Texts{"a", "c"});
  CHECK(nodes[2].id == "c");
  CHECK(nodes[2].next_hop == "b");
  CHECK(nodes[2].cost == 7);
  CHECK_FALSE(nodes[2].link);
  CHECK(b.router->valid_origins("a") == Texts{"c"});
  CHECK(a.router->topology_changed_at());

  CHECK(laptop.router->node_facts().empty());
  CHECK(laptop.router->valid_origins("a").empty());
  CHECK_FALSE(laptop.router->topology_changed_at());
}

TEST_CASE("addresses are counted where they are used and where they are provided", "[router][facts]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  auto& b = network.add("b", Mode::interior);
  auto& laptop = network.add("laptop", Mode::edge);
  network.connect(a, b, PeerRole::inter_router);
  network.connect(laptop, b, PeerRole::edge);
  network.advance(5s);
  laptop.router->add_consumer("svc", 0, network.now);
  b.router->add_consumer("svc", 0, network.now);
  a.router->add_producer("svc", network.now);
  a.router->add_local_endpoint("$management", network.now);
  network.advance(3s);

  CHECK(address(a, "Msvc").remote_nodes == Texts{"b"});
  CHECK(address(a, "Msvc").subscribers == 0);
  CHECK(address(a, "Msvc").watched);
  CHECK(address(b, "Msvc").subscribers == 2);
  CHECK_FALSE(address(b, "Msvc").watched);
  CHECK(address(b, "Msvc").treatment == routing::Treatment::balanced);
  CHECK(address(laptop, "Msvc").subscribers == 1);
  CHECK(address(b, "Hlaptop").subscribers == 1);
  CHECK(address(a, "Hlaptop").remote_nodes == Texts{"b"});
  CHECK(address(a, "Rb").remote_nodes == Texts{"b"});
  CHECK(address(a, "L$management").endpoints == 1);
}

TEST_CASE("connections and their links are told with what is on them", "[router][facts]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  auto& b = network.add("b", Mode::interior);
  auto& laptop = network.add("laptop", Mode::edge);
  network.connect(a, b, PeerRole::inter_router);
  const TimePoint connected = network.now;
  network.connect(laptop, b, PeerRole::edge);
  network.advance(5s);

  const auto connections = b.router->connection_facts();
  REQUIRE(connections.size() == 2);
  CHECK(connections[0].info.router_id == "a");
  CHECK(connections[0].mesh_id.empty());
  CHECK(connections[1].info.router_id == "laptop");
  CHECK(connections[1].opened);
  CHECK_FALSE(connections[1].data);
  CHECK(connections[1].since == connected);
  CHECK_FALSE(connections[1].mesh_id.empty());

  const auto links = b.router->link_facts();
  CHECK(links.size() == connections[0].links + connections[1].links);
  const auto control = std::ranges::find_if(links, [](const LinkFacts& link) { return link.kind == LinkKind::control && link.incoming; });
  REQUIRE(control != links.end());
  CHECK(control->peer == connections[0].id);
  CHECK(control->attached);
  CHECK(control->deliveries >= 5);  // a HELLO each second
  CHECK(control->credit > 0);
  CHECK(control->unsettled == 0);
  const auto downlink = std::ranges::find_if(links, [](const LinkFacts& link) { return link.kind == LinkKind::downlink; });
  REQUIRE(downlink != links.end());
  CHECK(downlink->address == "Hlaptop");
  CHECK(downlink->peer == connections[1].id);
  CHECK(std::ranges::count_if(links, [](const LinkFacts& link) { return link.priority == 9; }) == 1);
}
