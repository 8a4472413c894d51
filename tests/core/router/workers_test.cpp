#include <chrono>
#include <string>

#include "core/router/facts.h"
#include "core/router/reply_name.h"
#include "core/router/routes.h"
#include "tests/core/router/network.h"
#include "tests/core/router/streams.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::router;
using test::Network;
using test::Open;

namespace {

constexpr std::size_t kBulk = 50'000;

/// A site of several workers, "mill", that dials a neighbour of one, "shop".
struct Mill {
  explicit Mill(std::uint32_t count) : workers{network.add_workers("mill", count)} {
    control = network.connect(*workers[0], shop, PeerRole::inter_router);
    network.advance(3s);
    publish();
  }
  /// The first worker tells the others what it knows.
  void publish() {
    network.settle();
    for (std::size_t i = 1; i < workers.size(); ++i) workers[i]->router->set_routes(workers[0]->router->routes(), network.now);
    network.settle();
  }
  ProducerId use(Network::Site& site, const std::string& address) {
    const ProducerId producer = site.router->add_producer(address, network.now);
    network.advance(3s);
    publish();
    return producer;
  }

  Network network;
  Network::Site& shop = network.add("shop", Mode::interior);
  std::vector<Network::Site*> workers;
  std::size_t control = 0;
};

void say(Network& network, Network::Site& from, StreamId out, Network::Site& to, StreamId in) {
  REQUIRE(from.router->write(out, Slice::copy_of(Bytes(kBulk)), network.now));
  network.settle();
  CHECK(taken(network, to, in).size() == kBulk);
}

/// Bulk both ways, then both ends in order.
void talk(Network& network, Network::Site& from, Network::Site& to, Open ends) {
  say(network, from, ends.client, to, ends.server);
  say(network, to, ends.server, from, ends.client);
  REQUIRE(from.router->finish(ends.client, network.now));
  REQUIRE(to.router->finish(ends.server, network.now));
  network.settle();
  REQUIRE(from.router->finished(ends.client));
  REQUIRE(to.router->finished(ends.server));
  from.router->fin_passed_on(ends.client, network.now);
  to.router->fin_passed_on(ends.server, network.now);
  network.settle();
  CHECK(from.router->readable(ends.client) == nullptr);
  CHECK(to.router->readable(ends.server) == nullptr);
}

}  // namespace

TEST_CASE("a reply address tells whose it is", "[router][workers]") {
  CHECK(reply_name(0, "AbC+_1") == "temp.AbC+_1");
  CHECK(worker_of(reply_name(0, "w1AbC")) == 0);
  CHECK(worker_of(reply_name(7, "AbC")) == 7);
  CHECK(worker_of("$management") == 0);
  CHECK(worker_of("temp.w") == 0);
  CHECK(worker_of("temp.w9") == 0);
  CHECK(worker_of("temp.w99999999999.x") == 0);
}

TEST_CASE("a worker's streams go out on its own connection, and their answers come back on it", "[router][workers]") {
  Mill mill{2};
  Network& network = mill.network;
  Network::Site& second = *mill.workers[1];
  const std::size_t first_trunk = network.connect_data(*mill.workers[0], mill.shop);
  const std::size_t second_trunk = network.connect_data(second, mill.shop);
  CHECK(second.take<PeerUp>().size() == 1);
  mill.shop.router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = mill.use(second, "greeting");
  REQUIRE(second.router->reachable(producer));

  for (int i = 0; i < 4; ++i) {
    const std::size_t before = network.carried(second_trunk);
    const std::size_t elsewhere = network.carried(first_trunk) + network.carried(mill.control);
    talk(network, second, mill.shop, open(network, second, producer, mill.shop));
    CHECK(network.carried(second_trunk) - before > 2 * kBulk);
    CHECK(network.carried(first_trunk) + network.carried(mill.control) - elsewhere < kBulk);
  }
  for (Network::Site* worker : mill.workers) CHECK(worker->router->held().deliveries == 0);
  CHECK(mill.shop.router->held().deliveries == 0);
}

TEST_CASE("a worker without a connection of its own goes by the first one", "[router][workers]") {
  Mill mill{3};
  Network& network = mill.network;
  mill.shop.router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = mill.use(*mill.workers[2], "greeting");
  const std::size_t before = network.carried(mill.control);
  talk(network, *mill.workers[2], mill.shop, open(network, *mill.workers[2], producer, mill.shop));
  CHECK(network.carried(mill.control) - before > 2 * kBulk);
  CHECK(mill.workers[0]->router->held().deliveries == 0);
}

TEST_CASE("an answer that comes to another worker finds its own", "[router][workers]") {
  Mill mill{3};
  Network& network = mill.network;
  network.connect_data(*mill.workers[1], mill.shop);  // the only one, so that the shop answers on it
  mill.shop.router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = mill.use(*mill.workers[2], "greeting");
  const std::size_t first = mill.workers[0]->router->counters().deliveries_forwarded;
  talk(network, *mill.workers[2], mill.shop, open(network, *mill.workers[2], producer, mill.shop));
  CHECK(mill.workers[0]->router->counters().deliveries_forwarded == first + 1);  // the way there; the answer goes from worker to worker
  for (Network::Site* worker : mill.workers) CHECK(worker->router->held().deliveries == 0);
}

TEST_CASE("what comes in on a worker's connection is served by the worker", "[router][workers]") {
  Mill mill{2};
  Network& network = mill.network;
  network.connect_data(*mill.workers[0], mill.shop);
  network.connect_data(*mill.workers[1], mill.shop);
  for (Network::Site* worker : mill.workers) worker->router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = mill.use(mill.shop, "greeting");
  std::size_t served[2] = {0, 0};
  for (int i = 0; i < 6; ++i) {
    const StreamId client = mill.shop.router->open_stream(producer, network.now);
    network.settle();
    for (std::size_t w = 0; w < 2; ++w) {
      for (const StreamRequested& request : mill.workers[w]->take<StreamRequested>()) {
        ++served[w];
        REQUIRE(mill.workers[w]->router->accept_stream(request.stream, network.now));
        network.settle();
        talk(network, mill.shop, *mill.workers[w], {client, request.stream});
      }
    }
  }
  CHECK(served[0] == 3);
  CHECK(served[1] == 3);
  CHECK(mill.workers[0]->router->counters().deliveries_forwarded + mill.workers[1]->router->counters().deliveries_forwarded == 12);
}

TEST_CASE("a worker that does not have the address passes it on to the first one", "[router][workers]") {
  Mill mill{2};
  Network& network = mill.network;
  network.connect_data(*mill.workers[1], mill.shop);
  mill.workers[0]->router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = mill.use(mill.shop, "greeting");
  talk(network, mill.shop, *mill.workers[0], open(network, mill.shop, producer, *mill.workers[0]));
  CHECK(mill.workers[1]->router->held().deliveries == 0);

  const ProducerId beside = mill.use(*mill.workers[1], "greeting");
  REQUIRE(mill.workers[1]->router->reachable(beside));
  talk(network, *mill.workers[1], *mill.workers[0], open(network, *mill.workers[1], beside, *mill.workers[0]));
}

TEST_CASE("edges of the site are reached from every worker, and reach it", "[router][workers]") {
  Mill mill{2};
  Network& network = mill.network;
  network.connect_data(*mill.workers[1], mill.shop);
  Network::Site& laptop = network.add("laptop", Mode::edge);
  network.connect(laptop, *mill.workers[0], PeerRole::edge);
  laptop.router->add_consumer("greeting", 0, network.now);
  const ProducerId beside = mill.use(*mill.workers[1], "greeting");
  REQUIRE(mill.workers[1]->router->reachable(beside));
  talk(network, *mill.workers[1], laptop, open(network, *mill.workers[1], beside, laptop));

  const ProducerId far = mill.use(mill.shop, "greeting");
  talk(network, mill.shop, laptop, open(network, mill.shop, far, laptop));  // the shop sends on the worker's connection

  mill.shop.router->add_consumer("answer", 0, network.now);
  const ProducerId of_edge = laptop.router->add_producer("answer", network.now);
  network.advance(3s);
  mill.publish();
  talk(network, laptop, mill.shop, open(network, laptop, of_edge, mill.shop));  // the answer comes in on the worker's connection
  for (Network::Site* worker : mill.workers) CHECK(worker->router->held().deliveries == 0);
}

TEST_CASE("data connections that come in go to the workers in turn", "[router][workers]") {
  Network network;
  const auto workers = network.add_workers("mill", 3);
  Network::Site& shop = network.add("shop", Mode::interior);
  network.connect(shop, *workers[0], PeerRole::inter_router);
  network.advance(3s);
  std::vector<std::size_t> trunks;
  std::vector<std::uint32_t> takers;
  for (int i = 0; i < 4; ++i) {
    trunks.push_back(network.connect_data(shop, *workers[0]));
    for (const PeerMoves& moves : workers[0]->take<PeerMoves>()) {
      takers.push_back(moves.worker);
      network.move(*workers[0], moves.peer, *workers[moves.worker]);
    }
  }
  CHECK(takers == std::vector<std::uint32_t>{1, 2, 1});  // the third stayed with the first worker
  for (Network::Site* worker : workers) {
    worker->router->add_consumer("greeting", 0, network.now);
    worker->router->check_invariants();
  }
  const ProducerId producer = shop.router->add_producer("greeting", network.now);
  network.advance(3s);
  for (std::size_t i = 1; i < 3; ++i) workers[i]->router->set_routes(workers[0]->router->routes(), network.now);
  for (int i = 0; i < 4; ++i) {
    const StreamId client = shop.router->open_stream(producer, network.now);
    network.settle();
    Network::Site* server = nullptr;
    for (Network::Site* worker : workers) {
      for (const StreamRequested& request : worker->take<StreamRequested>()) {
        server = worker;
        REQUIRE(worker->router->accept_stream(request.stream, network.now));
        network.settle();
        talk(network, shop, *worker, {client, request.stream});
      }
    }
    REQUIRE(server != nullptr);
  }
  for (const std::size_t trunk : trunks) CHECK(network.carried(trunk) > kBulk);
}

TEST_CASE("the first words on a connection that moves are not lost", "[router][workers]") {
  Network network;
  const auto workers = network.add_workers("mill", 2);
  Network::Site& shop = network.add("shop", Mode::interior);
  network.connect(shop, *workers[0], PeerRole::inter_router);
  workers[1]->router->add_consumer("greeting", 0, network.now);
  workers[0]->router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = shop.router->add_producer("greeting", network.now);
  network.advance(3s);
  network.connect_data(shop, *workers[0]);
  const auto moves = workers[0]->take<PeerMoves>();
  REQUIRE(moves.size() == 1);
  const StreamId client = shop.router->open_stream(producer, network.now, Slice::copy_of(as_bytes("hello")));
  network.settle();  // begin and attach come to the first worker, who does not look at them
  CHECK(workers[0]->take<StreamRequested>().empty());
  network.move(*workers[0], moves.front().peer, *workers[moves.front().worker]);
  const auto requested = workers[1]->take<StreamRequested>();
  REQUIRE(requested.size() == 1);
  // It has not been told of the network yet: the first one knows the way back.
  REQUIRE(workers[1]->router->accept_stream(requested.front().stream, network.now));
  network.settle();
  CHECK(taken(network, *workers[1], requested.front().stream).size() == 5);
  talk(network, shop, *workers[1], {client, requested.front().stream});
}

TEST_CASE("a connection that ends before it has moved is gone", "[router][workers]") {
  Network network;
  const auto workers = network.add_workers("mill", 2);
  Network::Site& shop = network.add("shop", Mode::interior);
  network.connect(shop, *workers[0], PeerRole::inter_router);
  const std::size_t trunk = network.connect_data(shop, *workers[0]);
  const auto moves = workers[0]->take<PeerMoves>();
  REQUIRE(moves.size() == 1);
  network.cut(trunk);
  CHECK(workers[0]->router->take_peer(moves.front().peer) == nullptr);
  CHECK(workers[0]->router->held().peers == 2);  // the control connection, and the other worker
}

TEST_CASE("a stream in transit goes by one worker, or by two that are not taken for a loop", "[router][workers]") {
  Mill mill{2};
  Network& network = mill.network;
  Network::Site& farm = network.add("farm", Mode::interior);
  network.connect(*mill.workers[0], farm, PeerRole::inter_router);
  const bool trunk_to_farm = GENERATE(true, false);
  CAPTURE(trunk_to_farm);
  network.connect_data(*mill.workers[1], mill.shop);
  if (trunk_to_farm) network.connect_data(*mill.workers[1], farm);
  farm.router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = mill.use(mill.shop, "greeting");
  REQUIRE(mill.shop.router->reachable(producer));
  const std::size_t first = mill.workers[0]->router->counters().deliveries_forwarded;
  talk(network, mill.shop, farm, open(network, mill.shop, producer, farm));
  CHECK(mill.workers[0]->router->counters().deliveries_forwarded - first == (trunk_to_farm ? 0u : 2u));
  for (Network::Site* worker : mill.workers) CHECK(worker->router->held().deliveries == 0);
}

TEST_CASE("a worker's connection that breaks takes its streams along, and no others", "[router][workers]") {
  Mill mill{2};
  Network& network = mill.network;
  Network::Site& second = *mill.workers[1];
  network.connect_data(*mill.workers[0], mill.shop);
  const std::size_t trunk = network.connect_data(second, mill.shop);
  mill.shop.router->add_consumer("greeting", 0, network.now);
  const ProducerId there = mill.use(*mill.workers[0], "greeting");
  const ProducerId here = mill.use(second, "greeting");
  const Open kept = open(network, *mill.workers[0], there, mill.shop);
  const Open lost = open(network, second, here, mill.shop);
  network.cut(trunk);
  const auto failed = second.take<StreamFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed.front().stream == lost.client);
  CHECK(mill.workers[0]->take<StreamFailed>().empty());
  CHECK(mill.shop.take<StreamFailed>().size() == 1);
  talk(network, second, mill.shop, open(network, second, here, mill.shop));  // by the first one now
  say(network, *mill.workers[0], kept.client, mill.shop, kept.server);
}

TEST_CASE("a worker hears when nobody has an address any more", "[router][workers]") {
  Mill mill{2};
  Network& network = mill.network;
  const ConsumerId consumer = mill.shop.router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = mill.use(*mill.workers[1], "greeting");
  REQUIRE(mill.workers[1]->router->reachable(producer));
  mill.workers[1]->take<ReachabilityChanged>();
  CHECK_FALSE(mill.workers[0]->router->routes_changed());
  mill.shop.router->remove_consumer(consumer, network.now);
  network.advance(3s);
  CHECK(mill.workers[0]->router->routes_changed());
  mill.publish();
  const auto changes = mill.workers[1]->take<ReachabilityChanged>();
  REQUIRE(changes.size() == 1);
  CHECK_FALSE(changes.front().reachable);
  const StreamId client = mill.workers[1]->router->open_stream(producer, network.now);
  network.settle();
  const auto failed = mill.workers[1]->take<StreamFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed.front().stream == client);
  CHECK(failed.front().why == StreamFailure::no_provider);
}

TEST_CASE("what is told of a site's connections leaves its workers' own out", "[router][workers]") {
  Mill mill{3};
  CHECK(mill.workers[0]->router->connection_facts().size() == 1);
  CHECK(mill.workers[1]->router->connection_facts().empty());
}
