#include "tests/core/router/client.h"

#include <chrono>

#include "core/base/datagram_limits.h"
#include "core/base/limits.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::router;
using test::Client;
using test::Network;

namespace {

/// Two sites, joined.
struct Pair {
  Pair() {
    network.connect(a, b, PeerRole::inter_router);
    network.advance(5s);
  }
  Network network;
  Network::Site& a = network.add("a", Mode::interior);
  Network::Site& b = network.add("b", Mode::interior);
};

}  // namespace

TEST_CASE("a client's sender has credit while somebody consumes its address", "[router][client]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  Client client{network, a};
  const auto sender = client.sender("jobs");
  CHECK(client.engine().credit(sender) == 0);
  const auto receiver = client.receiver("amqp:/jobs", 0);
  CHECK(client.engine().credit(sender) == limits::kLinkCredit);
  client.engine().detach(receiver);
  client.settle();
  CHECK(client.engine().credit(sender) == 0);
}

TEST_CASE("as many of a client's messages as its credit are unsettled at most", "[router][client]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  Client producer{network, a};
  Client consumer{network, a};
  const auto receiver = consumer.receiver("jobs", 0);
  const auto sender = producer.sender("jobs");
  producer.settle();
  std::size_t sent = 0;
  while (producer.send(sender, 10)) ++sent;
  CHECK(sent == limits::kLinkCredit);
  consumer.engine().set_credit(receiver, 1000);
  consumer.settle();
  REQUIRE(consumer.messages.size() == sent);
  CHECK_FALSE(producer.send(sender, 10));
  consumer.update(consumer.messages[0].delivery, amqp::Accepted{});
  producer.settle();
  CHECK(producer.send(sender, 10));
  CHECK_FALSE(producer.send(sender, 10));
}

TEST_CASE("of a receiver that takes everything settled the messages are accepted once they are sent", "[router][client]") {
  Pair pair;
  Client consumer{pair.network, pair.b};
  consumer.receiver("news", 10, amqp::SenderSettleMode::settled);
  pair.network.advance(2s);
  Client producer{pair.network, pair.a};
  REQUIRE(producer.send(producer.sender("news"), 10));
  consumer.settle();
  producer.settle();
  REQUIRE(consumer.messages.size() == 1);
  CHECK(consumer.messages[0].settled);
  CHECK(producer.count("accepted") == 1);
  CHECK(pair.b.router->held().deliveries == 0);
}

TEST_CASE("what waits for a client without credit is bounded, and holds up nobody else", "[router][client]") {
  Pair pair;
  Client silent{pair.network, pair.b};
  Client other{pair.network, pair.b};
  const auto without_credit = silent.receiver("silent", 0);
  other.receiver("other", 100);
  pair.network.advance(2s);
  Client producer{pair.network, pair.a};
  const auto to_silent = producer.sender("silent");
  const auto to_other = producer.sender("other");

  SECTION("unsettled ones beyond the bound are released") {
    constexpr std::size_t kOctets = 200'000;
    for (std::size_t i = 0; i < limits::kLinkCredit && producer.count("released") == 0; ++i) REQUIRE(producer.send(to_silent, kOctets));
    CHECK(producer.count("released") > 0);
    CHECK(producer.outcomes.size() == producer.count("released"));
    CHECK(pair.b.router->held().pending_bytes == 0);  // of the link that they came by
    REQUIRE(producer.send(to_other, 10));
    other.settle();
    CHECK(other.messages.size() == 1);
    silent.engine().set_credit(without_credit, 1000);
    silent.settle();
    CHECK(silent.messages.size() * kOctets <= limits::kClientQueueBytes + 2 * kOctets);
    CHECK(silent.messages.size() * kOctets >= limits::kClientQueueBytes - 2 * kOctets);
  }
  SECTION("of settled ones the oldest go") {
    for (std::size_t i = 0; i < limits::kQueuedMessages + 100; ++i) REQUIRE(producer.send(to_silent, 100, true));
    CHECK(pair.b.router->held().queued == limits::kQueuedMessages);
    CHECK(pair.b.router->held().pending_bytes == 0);
    silent.engine().set_credit(without_credit, 10'000);
    silent.settle();
    CHECK(silent.messages.size() == limits::kQueuedMessages);
  }
  SECTION("they are released when it goes") {
    REQUIRE(producer.send(to_silent, 100));
    silent.break_connection();
    producer.settle();
    CHECK(producer.count("released") == 1);
  }
  SECTION("one that is sent to it in part is aborted when its sender goes") {
    silent.engine().set_credit(without_credit, 1);
    silent.settle();
    REQUIRE(producer.send(to_silent, 400'000, false, true));
    silent.settle();
    REQUIRE(silent.messages.size() == 1);
    CHECK_FALSE(silent.messages[0].complete);
    producer.break_connection();
    silent.settle();
    CHECK(silent.messages[0].aborted);
  }
}

TEST_CASE("who has no credit is passed over while another has", "[router][client]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  Client silent{network, a};
  Client busy{network, a};
  Client producer{network, a};
  silent.receiver("jobs", 0);
  const auto receiver = busy.receiver("jobs", 5);
  const auto sender = producer.sender("jobs");
  for (int i = 0; i < 5; ++i) REQUIRE(producer.send(sender, 10));
  busy.settle();
  CHECK(busy.messages.size() == 5);
  CHECK(busy.engine().link_counts(receiver).deliveries == 5);
}

TEST_CASE("a client that sends more than is passed on waits itself", "[router][client]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  Client consumer{network, a};
  Client producer{network, a};
  const auto receiver = consumer.receiver("bulk", 0);
  const auto sender = producer.sender("bulk");
  REQUIRE(producer.send(sender, 40u << 20));
  CHECK(a.router->held().pending_bytes <= limits::kClientPendingBytes + limits::kClientWindowFrames * limits::kMaxFrameSize);
  CHECK(producer.outcomes.empty());
  consumer.engine().set_credit(receiver, 1);
  for (int i = 0; i < 100 && (consumer.messages.empty() || !consumer.messages[0].complete); ++i) {
    consumer.settle();
    producer.settle();
  }
  REQUIRE(consumer.messages.size() == 1);
  CHECK(consumer.messages[0].complete);
  CHECK(consumer.messages[0].octets.size() > 40u << 20);
}

TEST_CASE("a client has a bounded number of sessions and links", "[router][client]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  Client client{network, a};
  SECTION("sessions") {
    for (std::size_t i = 1; i < limits::kClientSessions; ++i) REQUIRE(client.engine().begin_session());
    client.settle();
    CHECK(client.sessions_ended == 0);
    const auto beyond = client.engine().begin_session();
    REQUIRE(client.engine().attach(beyond, {.name = "late"}));
    client.settle();
    CHECK(client.sessions_ended == 1);
    CHECK(a.router->held().links == 0);
  }
  SECTION("links") {
    for (std::size_t i = 0; i < limits::kClientLinks; ++i) client.receiver("x", 0);
    CHECK(client.errors.empty());
    const auto beyond = client.receiver("x", 0);
    CHECK(client.errors.at(beyond) == amqp::condition::resource_limit_exceeded);
    CHECK(a.router->held().links == limits::kClientLinks);
  }
  CHECK(client.engine().is_open());
}

TEST_CASE("a client can't have what is the routers' own", "[router][client]") {
  Network network;
  auto& a = network.add("a", Mode::interior);
  Client client{network, a};
  const auto condition = [&client](amqp::LinkId link) { return client.errors.contains(link) ? client.errors.at(link) : std::string{}; };
  CHECK(condition(client.receiver("_topo/0/elsewhere/x", 1)) == amqp::condition::qd_no_route_to_dest);
  CHECK(condition(client.receiver("", 1)) == amqp::condition::qd_no_route_to_dest);
  CHECK(condition(client.receiver("_$qd.edge_addr_tracking", 1)) == amqp::condition::not_found);
  CHECK(condition(client.receiver("_local/qdhello", 1)) == amqp::condition::not_found);
  CHECK(condition(client.sender("_topo/0/all/qdrouter")) == amqp::condition::not_found);
  const EndpointId management = a.router->add_local_endpoint("$management", network.now);
  CHECK(condition(client.receiver("$management", 1)) == amqp::condition::not_allowed);
  const auto asks = client.sender("$management");
  REQUIRE(client.send(asks, 5));
  CHECK(client.count("accepted") == 1);
  CHECK(a.take<MessageReceived>().front().endpoint == management);
}
