#include <algorithm>
#include <chrono>
#include <string>

#include "tests/core/router/network.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::router;
using test::Network;

namespace {

/// Who is asked by one stream after the other, none of which ends: 'c' for the cheap provider, 'd' for the dear one.
std::string asked(Network& network, Network::Site& user, ProducerId producer, Network::Site& cheap, Network::Site& dear, int count) {
  std::string order;
  for (int n = 0; n < count; ++n) {
    user.router->open_stream(producer, network.now);
    network.settle();
    if (!cheap.take<StreamRequested>().empty()) order += 'c';
    if (!dear.take<StreamRequested>().empty()) order += 'd';
  }
  return order;
}

}  // namespace

TEST_CASE("requests go to a dearer provider once more are in flight at the cheaper one than the difference", "[router][balance]") {
  Network network;
  auto& site = network.add("site", Mode::interior);
  auto& cheap = network.add("cheap", Mode::edge);
  auto& dear = network.add("dear", Mode::edge);
  network.connect(cheap, site, PeerRole::edge);
  network.connect(dear, site, PeerRole::edge);
  cheap.router->add_consumer("svc", 0, network.now);
  dear.router->add_consumer("svc", 3, network.now);
  const ProducerId producer = site.router->add_producer("svc", network.now);
  network.advance(1s);
  const std::string order = asked(network, site, producer, cheap, dear, 8);
  CHECK(order.substr(0, 4) == "cccc");
  CHECK(std::count(order.begin(), order.end(), 'd') == 2);
}

TEST_CASE("an interior's exposure cost is counted by other sites of ours", "[router][balance]") {
  Network network;
  auto& user = network.add("user", Mode::interior);
  auto& cheap = network.add("cheap", Mode::interior);
  auto& dear = network.add("dear", Mode::interior);
  network.connect(user, cheap, PeerRole::inter_router);
  network.connect(user, dear, PeerRole::inter_router);
  cheap.router->add_consumer("svc", 0, network.now);
  dear.router->add_consumer("svc", 2, network.now);
  const ProducerId producer = user.router->add_producer("svc", network.now);
  network.advance(6s);
  const std::string order = asked(network, user, producer, cheap, dear, 5);
  CHECK(order.substr(0, 2) == "cc");
  CHECK(order.find('d') != std::string::npos);
}

TEST_CASE("a provider that comes and goes is seen by users on other sites", "[router]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  auto& b = network.add("b", Mode::interior);
  auto& laptop = network.add("laptop", Mode::edge);
  network.connect(a, b, PeerRole::inter_router);
  network.connect(laptop, a, PeerRole::edge);
  const ProducerId on_b = b.router->add_producer("svc", network.now);
  const ProducerId on_laptop = laptop.router->add_producer("svc", network.now);
  network.advance(6s);
  CHECK_FALSE(b.router->reachable(on_b));
  const ConsumerId consumer = b.router->add_consumer("svc", 0, network.now);
  network.advance(3s);
  CHECK(b.router->reachable(on_b));
  CHECK(laptop.router->reachable(on_laptop));
  b.router->remove_consumer(consumer, network.now);
  network.advance(3s);
  CHECK_FALSE(laptop.router->reachable(on_laptop));
  CHECK(laptop.take<ReachabilityChanged>().size() == 2);
}
