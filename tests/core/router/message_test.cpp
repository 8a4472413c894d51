#include <chrono>
#include <string>
#include <vector>

#include "tests/core/router/network.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::router;
using test::Network;

namespace {

amqp::Message message(const std::string& to, const std::string& words) {
  amqp::Message message;
  message.properties = amqp::Properties{};
  message.properties->to = to;
  message.body = amqp::Value{words};
  return message;
}

std::vector<std::string> received(Network::Site& site, EndpointId endpoint) {
  std::vector<std::string> words;
  for (const MessageReceived& event : site.take<MessageReceived>()) {
    CHECK(event.endpoint == endpoint);
    REQUIRE(event.message.body);
    words.emplace_back(event.message.body->text().value_or("no text"));
  }
  return words;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a message finds the local endpoint of another router, and the answer comes back", "[router][message]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  auto& b = network.add("b", Mode::interior);
  auto& c = network.add("c", Mode::interior);
  auto& laptop = network.add("laptop", Mode::edge);
  network.connect(a, b, PeerRole::inter_router);
  network.connect(b, c, PeerRole::inter_router);
  network.connect(laptop, c, PeerRole::edge);
  network.advance(5s);
  const EndpointId on_a = a.router->add_local_endpoint("$management", network.now);
  const EndpointId on_laptop = laptop.router->add_local_endpoint("answers", network.now);

  CHECK(laptop.router->send_message(message(a.router->local_address("$management"), "question"), network.now));
  network.settle();
  CHECK(received(a, on_a) == Words{"question"});
  CHECK(a.router->send_message(message(laptop.router->local_address("answers"), "answer"), network.now));
  network.settle();
  CHECK(received(laptop, on_laptop) == Words{"answer"});

  CHECK_FALSE(a.router->send_message(message("amqp:/_topo/0/nobody/x", "lost"), network.now));
  CHECK_FALSE(a.router->send_message(message("amqp:/_topo/0/a/unknown", "lost"), network.now));
  a.router->remove_endpoint(on_a, network.now);
  CHECK_FALSE(a.router->send_message(message(a.router->local_address("$management"), "late"), network.now));
}

TEST_CASE("a multicast message reaches each endpoint of a ring once, and those on edges", "[router][message]") {
  Network network;
  std::vector<Network::Site*> ring;
  for (const char* name : {"a", "b", "c", "d"}) ring.push_back(&network.add(name, Mode::interior));
  for (std::size_t i = 0; i < ring.size(); ++i) network.connect(*ring[i], *ring[(i + 1) % ring.size()], PeerRole::inter_router);
  auto& laptop = network.add("laptop", Mode::edge);
  network.connect(laptop, *ring[2], PeerRole::edge);
  network.advance(5s);
  std::vector<EndpointId> endpoints;
  for (Network::Site* site : ring) endpoints.push_back(site->router->add_endpoint("mc/events", {}, network.now));
  const EndpointId on_laptop = laptop.router->add_endpoint("mc/events", {}, network.now);
  network.advance(3s);

  SECTION("from an interior") { CHECK(ring[0]->router->send_message(message("mc/events", "one"), network.now)); }
  SECTION("from an edge") { CHECK(laptop.router->send_message(message("mc/events", "one"), network.now)); }
  network.settle();
  for (std::size_t i = 0; i < ring.size(); ++i) {
    CAPTURE(i);
    CHECK(received(*ring[i], endpoints[i]) == Words{"one"});
  }
  CHECK(received(laptop, on_laptop) == Words{"one"});
}

TEST_CASE("closest endpoints take turns when they are equally near", "[router][message]") {
  Network network;
  auto& centre = network.add("centre", Mode::interior);
  auto& left = network.add("left", Mode::interior);
  auto& right = network.add("right", Mode::interior);
  auto& far = network.add("far", Mode::interior);
  network.connect(centre, left, PeerRole::inter_router);
  network.connect(centre, right, PeerRole::inter_router);
  network.connect(right, far, PeerRole::inter_router);
  std::vector<EndpointId> endpoints;
  for (Network::Site* site : {&left, &right, &far}) endpoints.push_back(site->router->add_endpoint("sfe.x", routing::Treatment::closest, network.now));
  network.advance(5s);
  for (int i = 0; i < 10; ++i) CHECK(centre.router->send_message(message("sfe.x", "ping"), network.now));
  network.settle();
  CHECK(received(left, endpoints[0]).size() == 5);
  CHECK(received(right, endpoints[1]).size() == 5);
  CHECK(received(far, endpoints[2]).empty());
}

TEST_CASE("messages that a neighbour does not take are dropped, the oldest first", "[router][message]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  auto& b = network.add("b", Mode::interior);
  const std::size_t wire = network.connect(a, b, PeerRole::inter_router);
  network.advance(3s);
  const EndpointId endpoint = b.router->add_local_endpoint("sink", network.now);
  network.hold(wire, true);
  for (int i = 0; i < 2000; ++i) CHECK(a.router->send_message(message(b.router->local_address("sink"), std::to_string(i)), network.now));
  network.hold(wire, false);
  network.settle();
  const Words words = received(b, endpoint);
  CHECK(words.size() < 1000);
  REQUIRE_FALSE(words.empty());
  CHECK(words.back() == "1999");
}
