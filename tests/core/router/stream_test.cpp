#include <algorithm>
#include <chrono>

#include "core/base/limits.h"
#include "tests/core/router/network.h"
#include "tests/core/router/scripted_peer.h"
#include "tests/core/router/streams.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::router;
using test::Network;
using test::Open;
using test::text;

namespace {

/// A laptop on a site: one exposes, the other uses.
struct Pair {
  Network network;
  Network::Site& site = network.add("site", Mode::interior);
  Network::Site& laptop = network.add("laptop", Mode::edge);
  std::size_t wire = network.connect(laptop, site, PeerRole::edge);

  /// The laptop exposes it, the site uses it.
  ProducerId greeting() {
    laptop.router->add_consumer("greeting", 0, network.now);
    const ProducerId producer = site.router->add_producer("greeting", network.now);
    network.advance(1s);
    return producer;
  }
};

}  // namespace

TEST_CASE("a provider hears what the stand-in knows of the client", "[router][stream]") {
  Pair pair;
  const ProducerId producer = pair.greeting();
  const auto heard = [&](const ClientFacts& told) {
    pair.site.router->open_stream(producer, pair.network.now, {}, told);
    pair.network.settle();
    return pair.laptop.router->client_of(pair.laptop.take<StreamRequested>().at(0).stream);
  };
  const ClientFacts all = heard({.from = "192.0.2.1:40000", .to = "[::1]:80", .alpn = "h2"});
  CHECK(all.from == "192.0.2.1:40000");
  CHECK(all.to == "[::1]:80");
  CHECK(all.alpn == "h2");
  CHECK(heard({}).from.empty());
  CHECK(heard({.from = std::string(kClientFactBytes, 'x')}).from.size() == kClientFactBytes);
  CHECK(heard({.from = std::string(kClientFactBytes + 1, 'x')}).from.empty());
  CHECK(pair.laptop.router->client_of(StreamId{999}).from.empty());
}

TEST_CASE("a stream between a laptop and its site carries both directions and ends in each by itself", "[router][stream]") {
  const bool laptop_exposes = GENERATE(true, false);
  CAPTURE(laptop_exposes);
  Pair pair;
  Network& network = pair.network;
  auto& provider = laptop_exposes ? pair.laptop : pair.site;
  auto& user = laptop_exposes ? pair.site : pair.laptop;
  provider.router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = user.router->add_producer("greeting", network.now);
  network.advance(3s);
  REQUIRE(user.router->reachable(producer));

  const Open stream = open(network, user, producer, provider);
  REQUIRE(user.router->write(stream.client, text("hello"), network.now));
  network.settle();
  CHECK(taken(network, provider, stream.server) == "hello");
  CHECK_FALSE(provider.router->finished(stream.server));
  REQUIRE(user.router->finish(stream.client, network.now));
  network.settle();
  CHECK(provider.router->finished(stream.server));
  provider.router->fin_passed_on(stream.server, network.now);
  REQUIRE(provider.router->write(stream.server, text("good day"), network.now));
  REQUIRE(provider.router->finish(stream.server, network.now));
  network.settle();
  CHECK(taken(network, user, stream.client) == "good day");
  CHECK(user.router->finished(stream.client));
  user.router->fin_passed_on(stream.client, network.now);
  network.settle();
  CHECK(user.router->readable(stream.client) == nullptr);  // the ids are gone
  CHECK(provider.router->readable(stream.server) == nullptr);
  CHECK(user.take<StreamFailed>().empty());
  CHECK(provider.take<StreamFailed>().empty());
}

TEST_CASE("what is written before the answer comes ahead of it, its end does not", "[router][stream]") {
  Pair pair;
  Network& network = pair.network;
  const ProducerId producer = pair.greeting();
  const StreamId client = pair.site.router->open_stream(producer, network.now);
  REQUIRE(pair.site.router->write(client, text("early"), network.now));
  REQUIRE(pair.site.router->finish(client, network.now));
  network.settle();
  const StreamId server = pair.laptop.take<StreamRequested>().at(0).stream;
  CHECK(taken(network, pair.laptop, server) == "early");
  REQUIRE(pair.laptop.router->accept_stream(server, network.now));
  CHECK_FALSE(pair.laptop.router->finished(server));
  network.settle();
  CHECK(pair.laptop.router->finished(server));
}

TEST_CASE("what a client has said before its stream begins goes with the head", "[router][stream]") {
  Pair pair;
  Network& network = pair.network;
  const ProducerId producer = pair.greeting();
  const std::string first(kFirstOctets, 'x');
  const StreamId client = pair.site.router->open_stream(producer, network.now, text(first));
  REQUIRE(pair.site.router->write(client, text("later"), network.now));
  network.settle();
  const StreamId server = pair.laptop.take<StreamRequested>().at(0).stream;
  REQUIRE(pair.laptop.router->accept_stream(server, network.now));
  CHECK(taken(network, pair.laptop, server) == first + "later");
}

TEST_CASE("a provider may read before it accepts, and answer with all it has to say in one complete message", "[router][stream]") {
  const bool laptop_exposes = GENERATE(true, false);
  CAPTURE(laptop_exposes);
  Pair pair;
  Network& network = pair.network;
  auto& provider = laptop_exposes ? pair.laptop : pair.site;
  auto& user = laptop_exposes ? pair.site : pair.laptop;
  provider.router->add_consumer("greeting", 0, network.now);
  const ProducerId producer = user.router->add_producer("greeting", network.now);
  network.advance(3s);
  const StreamId client = user.router->open_stream(producer, network.now, text("question"));
  network.settle();
  const StreamId server = provider.take<StreamRequested>().at(0).stream;
  CHECK(taken(network, provider, server) == "question");

  const std::size_t links = provider.router->held().links;
  REQUIRE(provider.router->accept_stream(server, network.now, text("answer"), true));
  network.settle();
  CHECK(provider.router->held().links == links);  // on a link that is there already
  CHECK(taken(network, user, client) == "answer");
  CHECK(user.router->finished(client));
  CHECK_FALSE(provider.router->write(server, text("more"), network.now));
  user.router->fin_passed_on(client, network.now);
  REQUIRE(user.router->finish(client, network.now));
  network.settle();
  CHECK(provider.router->finished(server));
  provider.router->fin_passed_on(server, network.now);
  network.settle();
  CHECK(user.router->held().streams + provider.router->held().streams == 0);
  CHECK(user.take<StreamFailed>().empty());
  CHECK(provider.take<StreamFailed>().empty());
}

TEST_CASE("a client is heard no further than a bound before the answer arrives", "[router][stream]") {
  Pair pair;
  Network& network = pair.network;
  const ProducerId producer = pair.greeting();
  const StreamId client = pair.site.router->open_stream(producer, network.now);
  std::size_t written = 0;
  while (const std::size_t room = pair.site.router->writable(client)) {
    const std::size_t count = std::min<std::size_t>(room, 10'000);
    REQUIRE(pair.site.router->write(client, text(std::string(count, 'x')), network.now));
    written += count;
    REQUIRE(written <= 64 * 1024);
  }
  CHECK(written == 64 * 1024);
  network.settle();
  const StreamId server = pair.laptop.take<StreamRequested>().at(0).stream;
  REQUIRE(pair.laptop.router->accept_stream(server, network.now));
  network.settle();
  REQUIRE(pair.site.take<StreamWritable>().size() == 1);
  CHECK(pair.site.router->writable(client) > 0);
  CHECK(taken(network, pair.laptop, server).size() == written);
}

TEST_CASE("a target that refuses ends the client's stream at once", "[router][stream]") {
  Pair pair;
  Network& network = pair.network;
  const ProducerId producer = pair.greeting();
  const StreamId client = pair.site.router->open_stream(producer, network.now);
  network.settle();
  REQUIRE(pair.laptop.router->refuse_stream(pair.laptop.take<StreamRequested>().at(0).stream, network.now));
  network.settle();
  const auto failed = pair.site.take<StreamFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].stream == client);
  CHECK(failed[0].why == StreamFailure::refused);
}

TEST_CASE("an address that nobody provides fails at once on every router", "[router][stream]") {
  Pair pair;
  Network& network = pair.network;
  for (auto* from : {&pair.site, &pair.laptop}) {
    const ProducerId producer = from->router->add_producer("nobody", network.now);
    network.settle();
    CHECK_FALSE(from->router->reachable(producer));
    from->router->open_stream(producer, network.now);
    network.settle();
    const auto failed = from->take<StreamFailed>();
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].why == StreamFailure::no_provider);
  }
}

TEST_CASE("a reset at one end is a reset at the other", "[router][stream]") {
  const bool by_client = GENERATE(true, false);
  CAPTURE(by_client);
  Pair pair;
  Network& network = pair.network;
  const ProducerId producer = pair.greeting();
  const Open stream = open(network, pair.site, producer, pair.laptop);
  auto& breaks = by_client ? pair.site : pair.laptop;
  auto& hears = by_client ? pair.laptop : pair.site;
  REQUIRE(breaks.router->reset(by_client ? stream.client : stream.server, network.now));
  network.settle();
  const auto failed = hears.take<StreamFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].stream == (by_client ? stream.server : stream.client));
  CHECK(failed[0].why == StreamFailure::reset);
  CHECK(breaks.take<StreamFailed>().empty());
  // and the link serves the next stream
  open(network, pair.site, producer, pair.laptop);
}

TEST_CASE("a stream ends at both ends when its link breaks", "[router][stream]") {
  Pair pair;
  Network& network = pair.network;
  const ProducerId producer = pair.greeting();
  open(network, pair.site, producer, pair.laptop);
  network.cut(pair.wire);
  CHECK(pair.site.take<StreamFailed>().size() == 1);
  CHECK(pair.laptop.take<StreamFailed>().size() == 1);
  CHECK_FALSE(pair.site.router->reachable(producer));
  CHECK(pair.site.take<PeerClosed>().size() == 1);
  // joined again, everything works again
  network.connect(pair.laptop, pair.site, PeerRole::edge);
  network.advance(1s);
  CHECK(pair.site.router->reachable(producer));
  open(network, pair.site, producer, pair.laptop);
}

TEST_CASE("a silent peer is given up within the idle time-out, and its streams end", "[router][stream]") {
  Pair pair;
  Network& network = pair.network;
  const ProducerId producer = pair.greeting();
  open(network, pair.site, producer, pair.laptop);
  network.hold(pair.wire, true);
  network.advance(17s);
  CHECK(pair.site.take<StreamFailed>().size() == 1);
  CHECK(pair.laptop.take<StreamFailed>().size() == 1);
}

TEST_CASE("a reader that takes nothing stops its own sender at the window and slows no other stream", "[router][stream]") {
  Pair pair;
  Network& network = pair.network;
  pair.laptop.router->add_consumer("bulk", 0, network.now);
  const ProducerId producer = pair.site.router->add_producer("bulk", network.now);
  network.advance(1s);
  const Open stalled = open(network, pair.site, producer, pair.laptop);
  const Open flowing = open(network, pair.site, producer, pair.laptop);
  const Slice block = Slice::copy_of(Bytes(50'000, 7));

  std::size_t sent = 0;
  while (pair.laptop.router->writable(stalled.server) > 0) {
    REQUIRE(pair.laptop.router->write(stalled.server, block, network.now));
    sent += block.size();
    network.settle();
    REQUIRE(sent < 2'000'000);
  }
  CHECK(sent >= 1'042'432);
  CHECK(pair.site.router->readable(stalled.client)->bytes() == sent);

  std::size_t passed = 0;
  for (int turn = 0; turn < 200; ++turn) {
    REQUIRE(pair.laptop.router->writable(flowing.server) > 0);
    REQUIRE(pair.laptop.router->write(flowing.server, block, network.now));
    network.settle();
    passed += taken(network, pair.site, flowing.client).size();
  }
  CHECK(passed == 200 * block.size());

  pair.laptop.take<StreamWritable>();
  CHECK(taken(network, pair.site, stalled.client).size() == sent);
  CHECK(pair.laptop.take<StreamWritable>().size() == 1);
  CHECK(pair.laptop.router->writable(stalled.server) > 0);
}

TEST_CASE("who ignores the window loses its stream, and only that", "[router][stream]") {
  Pair pair;
  Network& network = pair.network;
  const bool strangers = GENERATE(false, true);
  if (strangers) {
    network.cut(pair.wire);
    network.strangers = true;
    pair.wire = network.connect(pair.laptop, pair.site, PeerRole::edge);
  }
  pair.site.router->add_consumer("upload", 0, network.now);
  const ProducerId producer = pair.laptop.router->add_producer("upload", network.now);
  network.advance(5s);
  const Open rude = open(network, pair.laptop, producer, pair.site);
  const Open other = open(network, pair.laptop, producer, pair.site);
  const std::size_t bound = strangers ? limits::kStreamPendingBytes : limits::kWideStreamPendingBytes;
  const Slice piece = text(std::string(1 << 20, 'x'));
  for (std::size_t sent = 0; sent < bound; sent += piece.size()) {
    CHECK(pair.site.take<StreamFailed>().empty());
    REQUIRE(pair.laptop.router->write(rude.client, piece, network.now));
    network.settle();
  }
  REQUIRE(pair.laptop.router->write(rude.client, text("one too many"), network.now));
  network.settle();
  const auto failed = pair.site.take<StreamFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].stream == rude.server);
  CHECK(failed[0].why == StreamFailure::reset);
  REQUIRE(pair.laptop.take<StreamFailed>().size() == 1);
  REQUIRE(pair.laptop.router->write(other.client, text("goes on"), network.now));
  network.settle();
  CHECK(taken(network, pair.site, other.server) == "goes on");
}

TEST_CASE("two laptops reach each other over two sites, whatever the pieces are in which bytes arrive", "[router][stream]") {
  const auto seed = GENERATE(range<std::uint64_t>(1, 6));
  CAPTURE(seed);
  Network network{seed};
  auto& a = network.add("site-a", Mode::interior);
  auto& b = network.add("site-b", Mode::interior);
  auto& first = network.add("first", Mode::edge);
  auto& second = network.add("second", Mode::edge);
  network.connect(b, a, PeerRole::inter_router);
  network.connect(first, a, PeerRole::edge);
  network.connect(second, b, PeerRole::edge);
  first.router->add_consumer("one", 0, network.now);
  const ProducerId producer = second.router->add_producer("one", network.now);
  network.advance(6s);
  REQUIRE(second.router->reachable(producer));

  const Open stream = open(network, second, producer, first);
  Rng rng{seed};
  std::string sent, received;
  for (int turn = 0; turn < 100; ++turn) {
    std::string piece(1 + rng.below(60'000), ' ');
    for (char& c : piece) c = static_cast<char>(rng.next());
    sent += piece;
    REQUIRE(second.router->write(stream.client, text(piece), network.now));
    network.settle();
    received += taken(network, first, stream.server);
  }
  REQUIRE(second.router->finish(stream.client, network.now));
  network.settle();
  received += taken(network, first, stream.server);
  CHECK(first.router->finished(stream.server));
  CHECK(received == sent);
  const auto nodes = a.router->nodes();
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0].site_name == "site-b");
  CHECK(nodes[0].hops == 1);
  CHECK(nodes[1].site_name == "first");
}

TEST_CASE("what comes to a router for the second time goes no further", "[router]") {
  Pair pair;
  pair.laptop.router->add_consumer("greeting", 0, pair.network.now);
  pair.network.advance(3s);
  test::ScriptedPeer peer{pair.network, pair.site};
  peer.send_stream({.ingress = "0/site", .trace = {"0/site"}}, "greeting", "amqp:/_topo/0/site/temp.x", "again");
  REQUIRE(peer.state.has_value());
  CHECK(std::holds_alternative<amqp::Released>(*peer.state));
  CHECK(pair.laptop.take<StreamRequested>().empty());
}

TEST_CASE("a stream that nobody takes leaves nothing behind", "[router][stream]") {
  Pair pair;
  for (auto* from : {&pair.site, &pair.laptop}) {
    const ProducerId producer = from->router->add_producer("nobody", pair.network.now);
    pair.network.advance(3s);
    const std::size_t before = from->router->held().deliveries;
    from->router->open_stream(producer, pair.network.now);
    pair.network.settle();
    CHECK(from->take<StreamFailed>().size() == 1);
    CHECK(from->router->held().deliveries == before);
  }
}

TEST_CASE("octets that waited for a link that broke do not count any more", "[router][stream]") {
  Pair pair;
  auto& client = pair.network.add("client", Mode::edge);
  pair.network.connect(client, pair.site, PeerRole::edge);
  pair.laptop.router->add_consumer("greeting", 0, pair.network.now);
  const ProducerId producer = client.router->add_producer("greeting", pair.network.now);
  pair.network.advance(3s);
  const Open stream = open(pair.network, client, producer, pair.laptop);
  pair.network.hold(pair.wire, true);
  REQUIRE(client.router->write(stream.client, Slice::copy_of(Bytes(1'000'000, 1)), pair.network.now));
  REQUIRE(client.router->finish(stream.client, pair.network.now));
  pair.network.settle();
  REQUIRE(pair.site.router->held().pending_bytes > 0);
  pair.network.cut(pair.wire);
  CHECK(client.take<StreamFailed>().size() == 1);
  CHECK(pair.site.router->held().pending_bytes == 0);
}

TEST_CASE("a client whose answer can't reach it hears so, also after its own end", "[router][stream]") {
  Pair pair;
  pair.laptop.router->add_consumer("greeting", 0, pair.network.now);
  pair.network.advance(3s);
  test::ScriptedPeer client{pair.network, pair.site};
  client.send_stream({}, "greeting", "amqp:/_topo/0/nowhere/temp.x", "hello");
  const StreamId server = pair.laptop.take<StreamRequested>().at(0).stream;
  REQUIRE(pair.laptop.router->accept_stream(server, pair.network.now));
  // The site's word that nobody is there is still on its way when the client's end has been passed on.
  SliceQueue* readable = pair.laptop.router->readable(server);
  REQUIRE(readable != nullptr);
  const std::size_t octets = readable->bytes();
  readable->clear();
  pair.laptop.router->octets_taken(server, octets, pair.network.now);
  REQUIRE(pair.laptop.router->finished(server));
  pair.laptop.router->fin_passed_on(server, pair.network.now);
  client.settle();
  CHECK(pair.laptop.take<StreamFailed>().size() == 1);
  REQUIRE(client.state.has_value());
  CHECK(std::holds_alternative<amqp::Modified>(*client.state));
}
