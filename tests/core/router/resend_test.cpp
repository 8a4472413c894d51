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
using test::text;

namespace {

std::string read(Network::Site& site, StreamId stream) {
  SliceQueue* readable = site.router->readable(stream);
  return readable == nullptr ? "nothing" : std::string{as_text(readable->peek(readable->bytes()))};
}

/// A client's site between two providers, the near one at less cost.
struct Choice {
  Network network;
  Network::Site& client = network.add("client", Mode::interior);
  Network::Site& near = network.add("near", Mode::interior);
  Network::Site& far = network.add("far", Mode::interior);
  ProducerId producer;

  Choice() {
    network.connect(client, near, PeerRole::inter_router, 1);
    network.connect(client, far, PeerRole::inter_router, 5);
    near.router->add_consumer("greeting", 0, network.now);
    far.router->add_consumer("greeting", 0, network.now);
    producer = client.router->add_producer("greeting", network.now);
    network.advance(5s);
  }
  StreamId requested(Network::Site& site) {
    const auto requests = site.take<StreamRequested>();
    REQUIRE(requests.size() == 1);
    return requests.front().stream;
  }
};

}  // namespace

TEST_CASE("a stream that one target refuses goes to another provider, with what the client has sent", "[router][resend]") {
  const bool finished = GENERATE(false, true);
  CAPTURE(finished);
  Choice choice;
  Network& network = choice.network;
  const StreamId stream = choice.client.router->open_stream(choice.producer, network.now, text("early "));
  network.settle();
  REQUIRE(choice.client.router->write(stream, text("octets"), network.now));
  if (finished) REQUIRE(choice.client.router->finish(stream, network.now));
  network.settle();

  REQUIRE(choice.near.router->refuse_stream(choice.requested(choice.near), network.now));
  network.settle();
  CHECK(choice.client.take<StreamFailed>().empty());
  const StreamId second = choice.requested(choice.far);
  REQUIRE(choice.far.router->accept_stream(second, network.now));
  network.settle();
  CHECK(read(choice.far, second) == "early octets");
  CHECK(choice.far.router->finished(second) == false);  // not before it is read
  choice.far.router->readable(second)->clear();
  choice.far.router->octets_taken(second, 12, network.now);
  CHECK(choice.far.router->finished(second) == finished);
  CHECK(choice.client.take<StreamOpened>().size() == 1);
}

TEST_CASE("a router on the way finds another provider for the sites behind it", "[router][resend]") {
  Choice choice;
  Network& network = choice.network;
  Network::Site& laptop = choice.network.add("laptop", Mode::edge);
  network.connect(laptop, choice.client, PeerRole::edge);
  const ProducerId producer = laptop.router->add_producer("greeting", network.now);
  network.advance(5s);
  const StreamId stream = laptop.router->open_stream(producer, network.now);
  REQUIRE(laptop.router->write(stream, text("hello"), network.now));
  network.settle();
  REQUIRE(choice.near.router->refuse_stream(choice.requested(choice.near), network.now));
  network.settle();
  const StreamId second = choice.requested(choice.far);
  REQUIRE(choice.far.router->accept_stream(second, network.now));
  REQUIRE(choice.far.router->write(second, text("good day"), network.now));
  network.settle();
  CHECK(read(choice.far, second) == "hello");
  CHECK(read(laptop, stream) == "good day");
}

TEST_CASE("what comes by a way that has just ended goes to another provider, though not on the shortest way", "[router][resend]") {
  Network network;
  Network::Site& client = network.add("client", Mode::interior);
  Network::Site& azure = network.add("azure", Mode::interior);
  Network::Site& aws = network.add("aws", Mode::interior);
  Network::Site& laptop = network.add("laptop", Mode::interior);
  network.connect(client, azure, PeerRole::inter_router, 1);
  network.connect(client, aws, PeerRole::inter_router, 5);
  network.connect(azure, aws, PeerRole::inter_router, 5);
  const std::size_t last = network.connect(azure, laptop, PeerRole::inter_router, 1);
  aws.router->add_consumer("greeting", 0, network.now);
  laptop.router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = client.router->add_producer("greeting", network.now);
  network.advance(5s);
  const auto forwarded = azure.router->counters().deliveries_forwarded;
  network.cut(last);
  client.router->open_stream(producer, network.now);  // before it has computed its paths anew
  network.settle();
  CHECK(azure.router->counters().deliveries_forwarded == forwarded + 1);
  const auto requests = aws.take<StreamRequested>();
  REQUIRE(requests.size() == 1);
  REQUIRE(aws.router->accept_stream(requests.front().stream, network.now));
  network.settle();
  CHECK(client.take<StreamOpened>().size() == 1);
}

TEST_CASE("when every target refuses the client is told, once", "[router][resend]") {
  Choice choice;
  Network& network = choice.network;
  choice.client.router->open_stream(choice.producer, network.now);
  network.settle();
  REQUIRE(choice.near.router->refuse_stream(choice.requested(choice.near), network.now));
  network.settle();
  CHECK(choice.client.take<StreamFailed>().empty());
  REQUIRE(choice.far.router->refuse_stream(choice.requested(choice.far), network.now));
  network.settle();
  const auto failed = choice.client.take<StreamFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed.front().why == StreamFailure::refused);
  network.advance(1s);
  CHECK(choice.near.take<StreamRequested>().empty());
  CHECK(choice.far.take<StreamRequested>().empty());
}

TEST_CASE("what a provider may have had goes to nobody else, though it was a router on the way whose link broke", "[router][resend]") {
  Network network;
  Network::Site& client = network.add("client", Mode::interior);
  Network::Site& middle = network.add("middle", Mode::interior);
  Network::Site& near = network.add("near", Mode::interior);
  Network::Site& far = network.add("far", Mode::interior);
  network.connect(client, middle, PeerRole::inter_router, 1);
  const std::size_t wire = network.connect(middle, near, PeerRole::inter_router, 1);
  network.connect(client, far, PeerRole::inter_router, 5);
  near.router->add_consumer("greeting", 0, network.now);
  far.router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = client.router->add_producer("greeting", network.now);
  network.advance(8s);
  const StreamId stream = client.router->open_stream(producer, network.now);
  REQUIRE(client.router->write(stream, text("order one"), network.now));
  network.settle();
  REQUIRE(near.take<StreamRequested>().size() == 1);
  network.cut(wire);
  network.advance(1s);
  CHECK(client.take<StreamFailed>().size() == 1);
  CHECK(far.take<StreamRequested>().empty());
}

TEST_CASE("what a provider may have had goes to nobody else", "[router][resend]") {
  Choice choice;
  Network& network = choice.network;
  const StreamId stream = choice.client.router->open_stream(choice.producer, network.now);
  REQUIRE(choice.client.router->write(stream, text("order one"), network.now));
  network.settle();
  const StreamId first = choice.requested(choice.near);
  SECTION("it was accepted, and reset then") {
    REQUIRE(choice.near.router->accept_stream(first, network.now));
    network.settle();
    REQUIRE(choice.near.router->reset(first, network.now));
  }
  SECTION("its link broke before it answered") { network.cut(0); }
  network.settle();
  network.advance(1s);
  CHECK(choice.client.take<StreamFailed>().size() == 1);
  CHECK(choice.far.take<StreamRequested>().empty());
}
