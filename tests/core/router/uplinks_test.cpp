#include <chrono>
#include <string>

#include "tests/core/router/network.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::router;
using test::Network;

namespace {

/// A laptop that may hang on either of two sites that know each other; the first is where a server is used from.
struct Choice {
  Network network;
  Network::Site& cheap = network.add("cheap", Mode::interior);
  Network::Site& dear = network.add("dear", Mode::interior);
  Network::Site& laptop = network.add("laptop", Mode::edge);
  std::size_t between = network.connect(cheap, dear, PeerRole::inter_router);
  ProducerId producer;

  Choice() {
    laptop.router->add_consumer("greeting", 0, network.now);
    producer = cheap.router->add_producer("greeting", network.now);
    network.advance(3s);
  }
  [[nodiscard]] const PeerInfo& uplink(std::size_t wire) const {
    for (const auto& [peer, index] : laptop.wires) {
      if (index == wire && laptop.router->peer(peer) != nullptr) return *laptop.router->peer(peer);
    }
    throw std::logic_error{"no such uplink"};
  }
  StreamId request() {
    const StreamId stream = cheap.router->open_stream(producer, network.now);
    network.settle();
    const auto requested = laptop.take<StreamRequested>();
    REQUIRE(requested.size() == 1);
    REQUIRE(laptop.router->accept_stream(requested.front().stream, network.now));
    network.settle();
    REQUIRE(cheap.take<StreamOpened>().size() == 1);
    return stream;
  }
};

}  // namespace

TEST_CASE("of two uplinks the cheaper one carries, whichever came first", "[router][uplinks]") {
  const bool dear_first = GENERATE(false, true);
  CAPTURE(dear_first);
  Choice choice;
  Network& network = choice.network;
  std::size_t to_dear = 0, to_cheap = 0;
  if (dear_first) to_dear = network.connect(choice.laptop, choice.dear, PeerRole::edge, 5);
  to_cheap = network.connect(choice.laptop, choice.cheap, PeerRole::edge, 1);
  if (!dear_first) to_dear = network.connect(choice.laptop, choice.dear, PeerRole::edge, 5);
  network.advance(5s);
  CHECK_FALSE(choice.uplink(to_cheap).standby);
  CHECK(choice.uplink(to_dear).standby);
  choice.request();
}

TEST_CASE("a standby takes over at once, and gives back when the better uplink has stayed for a while", "[router][uplinks]") {
  Choice choice;
  Network& network = choice.network;
  const std::size_t to_cheap = network.connect(choice.laptop, choice.cheap, PeerRole::edge, 1);
  const std::size_t to_dear = network.connect(choice.laptop, choice.dear, PeerRole::edge, 5);
  network.advance(10s);
  REQUIRE(choice.uplink(to_dear).standby);

  network.cut(to_cheap);
  CHECK_FALSE(choice.uplink(to_dear).standby);
  network.advance(2s);
  const StreamId running = choice.request();  // by way of the other site
  const std::size_t again = network.connect(choice.laptop, choice.cheap, PeerRole::edge, 1);
  network.advance(2s);
  CHECK(choice.uplink(again).standby);
  network.advance(8s);
  CHECK_FALSE(choice.uplink(again).standby);
  CHECK(choice.uplink(to_dear).standby);

  // What ran goes on, and what is new goes the better way.
  CHECK(choice.laptop.take<StreamFailed>().empty());
  CHECK(choice.cheap.take<StreamFailed>().empty());
  REQUIRE(choice.cheap.router->write(running, Slice::copy_of(as_bytes("still here")), network.now));
  network.settle();
  CHECK(choice.laptop.take<StreamReadable>().size() == 1);
  network.hold(to_dear, true);
  choice.request();
}

TEST_CASE("an uplink that comes and goes is not taken", "[router][uplinks]") {
  Choice choice;
  Network& network = choice.network;
  const std::size_t to_dear = network.connect(choice.laptop, choice.dear, PeerRole::edge, 5);
  network.advance(10s);
  for (int i = 0; i < 5; ++i) {
    const std::size_t brief = network.connect(choice.laptop, choice.cheap, PeerRole::edge, 1);
    network.advance(2s);
    CHECK(choice.uplink(brief).standby);
    network.cut(brief);
    network.advance(2s);
  }
  CHECK_FALSE(choice.uplink(to_dear).standby);
  choice.request();
}

TEST_CASE("an uplink that is lost while it takes over leaves the old one in place", "[router][uplinks]") {
  Choice choice;
  Network& network = choice.network;
  const std::size_t to_dear = network.connect(choice.laptop, choice.dear, PeerRole::edge, 5);
  network.advance(10s);
  const std::size_t brief = network.connect(choice.laptop, choice.cheap, PeerRole::edge, 1);
  network.advance(6s);  // its links are open by now
  SECTION("the better one goes") {
    network.cut(brief);
    network.advance(5s);
    CHECK_FALSE(choice.uplink(to_dear).standby);
  }
  SECTION("the old one goes") {
    network.cut(to_dear);
    CHECK_FALSE(choice.uplink(brief).standby);
    network.advance(3s);
  }
  choice.request();
}

TEST_CASE("of equally dear uplinks the one that answers clearly sooner carries", "[router][uplinks]") {
  Choice choice;
  Network& network = choice.network;
  const std::size_t slow = network.connect_slowly(choice.laptop, choice.dear, PeerRole::edge, 100ms);
  const std::size_t quick = network.connect(choice.laptop, choice.cheap, PeerRole::edge, 1);
  network.advance(5s);
  CHECK_FALSE(choice.uplink(quick).standby);
  CHECK(choice.uplink(slow).standby);
}
