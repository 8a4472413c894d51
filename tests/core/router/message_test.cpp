#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "core/base/datagram_limits.h"
#include "core/base/limits.h"
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
  for (int i = 0; i < 10'000; ++i) CHECK(a.router->send_message(message(b.router->local_address("sink"), std::to_string(i)), network.now));
  network.hold(wire, false);
  network.settle();
  const Words words = received(b, endpoint);
  CHECK(words.size() < 5000);
  REQUIRE_FALSE(words.empty());
  CHECK(words.back() == "9999");
}

namespace {

Router::Sent send(Network::Site& from, const std::string& to, TimePoint now) {
  return from.router->send_datagram(to, Slice::copy_of(amqp::encode_message(message(to, "x"))), now);
}

std::size_t datagrams(Network::Site& site, EndpointId receiver) {
  std::size_t count = 0;
  for (const DatagramReceived& event : site.take<DatagramReceived>()) count += event.endpoint == receiver ? 1u : 0u;
  return count;
}

}  // namespace

TEST_CASE("a receiver makes its address reachable, and gets messages as they are", "[router][datagram]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  auto& b = network.add("b", Mode::interior);
  auto& laptop = network.add("laptop", Mode::edge);
  network.connect(a, b, PeerRole::inter_router);
  network.connect(laptop, b, PeerRole::edge);
  network.advance(5s);
  const ProducerId user = a.router->add_producer("dns", network.now);
  CHECK_FALSE(a.router->reachable(user));
  CHECK(send(a, "dns", network.now) == Router::Sent::nobody);
  const EndpointId receiver = laptop.router->add_receiver("dns", 3, network.now);
  network.advance(3s);
  CHECK(a.router->reachable(user));
  const Slice sent = Slice::copy_of(amqp::encode_message(message("dns", "as it is")));
  CHECK(a.router->send_datagram("dns", sent, network.now) == Router::Sent::yes);
  network.settle();
  const auto events = laptop.take<DatagramReceived>();
  REQUIRE(events.size() == 1);
  CHECK(events[0].endpoint == receiver);
  CHECK(as_text(events[0].message.view()) == as_text(sent.view()));

  const auto own = a.router->add_local_receiver("udp", network.now);
  CHECK(send(laptop, own.address, network.now) == Router::Sent::yes);
  network.settle();
  CHECK(datagrams(a, own.endpoint) == 1);
  laptop.router->remove_endpoint(receiver, network.now);
  network.advance(3s);
  CHECK_FALSE(a.router->reachable(user));
}

TEST_CASE("what a receiver of ours was given counts no longer for the neighbour that it came from", "[router][datagram]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  auto& b = network.add("b", Mode::interior);
  network.connect(a, b, PeerRole::inter_router);
  network.advance(3s);
  const auto own = b.router->add_local_receiver("udp", network.now);
  const EndpointId news = b.router->add_receiver("mc/news", 0, network.now), sink = b.router->add_local_endpoint("sink", network.now);
  network.advance(3s);
  CHECK(send(a, own.address, network.now) == Router::Sent::yes);
  CHECK(send(a, "mc/news", network.now) == Router::Sent::yes);
  CHECK(a.router->send_message(message(b.router->local_address("sink"), "x"), network.now));
  CHECK(a.router->send_message(message(b.router->local_address("nobody"), "x"), network.now));
  network.settle();
  CHECK(received(b, sink).size() == 1);
  CHECK(datagrams(b, news) == 1);
  CHECK(b.router->held().pending_bytes == 0);
}

TEST_CASE("messages choose the cheapest receiver with the least load, in turn among equals", "[router][datagram]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  const EndpointId one = a.router->add_receiver("dns", 0, network.now), two = a.router->add_receiver("dns", 0, network.now);
  const EndpointId dear = a.router->add_receiver("dns", 2, network.now);
  const auto send_some = [&](int count) {
    for (int i = 0; i < count; ++i) CHECK(send(a, "dns", network.now) == Router::Sent::yes);
    network.settle();
  };
  send_some(4);
  std::map<EndpointId, int> got;
  for (const DatagramReceived& event : a.take<DatagramReceived>()) ++got[event.endpoint];
  CHECK(got == std::map<EndpointId, int>{{one, 2}, {two, 2}});
  a.router->set_load(one, 3);
  a.router->set_load(two, 3);
  send_some(1);
  CHECK(datagrams(a, dear) == 1);
}

TEST_CASE("a datagram of our own that finds too much waiting is dropped, and its sender is told", "[router][datagram]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  auto& b = network.add("b", Mode::interior);
  const std::size_t wire = network.connect(a, b, PeerRole::inter_router);
  network.advance(3s);
  const auto own = b.router->add_local_receiver("udp", network.now);
  network.hold(wire, true);
  std::size_t sent = 0;
  for (int i = 0; i < 10'000; ++i) sent += send(a, own.address, network.now) == Router::Sent::yes ? 1u : 0u;
  CHECK(sent >= limits::kQueuedMessages);
  CHECK(sent < 5'000);
  CHECK(a.router->counters().messages_dropped == 10'000 - sent);
  network.hold(wire, false);
  network.settle();
  CHECK(datagrams(b, own.endpoint) == sent);
}

TEST_CASE("who publishes much is told when a link has enough", "[router][datagram]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  auto& b = network.add("b", Mode::interior);
  const std::size_t wire = network.connect(a, b, PeerRole::inter_router);
  network.advance(3s);
  const EndpointId far = b.router->add_receiver("mc/news", 0, network.now), near = a.router->add_receiver("mc/news", 0, network.now);
  network.advance(3s);
  CHECK(a.router->room_for("mc/news"));
  network.hold(wire, true);
  std::size_t sent = 0;
  for (; a.router->room_for("mc/news") && sent < 10'000; ++sent) CHECK(send(a, "mc/news", network.now) == Router::Sent::yes);
  CHECK(sent > limits::kQueuedMessages / 2);
  CHECK(sent < limits::kQueuedMessages + limits::kMessageCredit);
  network.hold(wire, false);
  network.settle();
  CHECK(a.router->room_for("mc/news"));
  CHECK(datagrams(a, near) == sent);
  CHECK(datagrams(b, far) == sent);
}
