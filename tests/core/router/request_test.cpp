// Requests that go as one complete message (docs/protocol.md, "Requests").
#include <chrono>
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

/// A client's laptop, a site, and a provider's laptop.
struct Way {
  Network network;
  Network::Site& user = network.add("user", Mode::edge);
  Network::Site& site = network.add("site", Mode::interior);
  Network::Site& provider = network.add("provider", Mode::edge);
  std::size_t user_wire = network.connect(user, site, PeerRole::edge);
  std::size_t provider_wire = 0;
  ProducerId producer;

  explicit Way(bool strangers = false) {
    network.strangers = strangers;
    provider_wire = network.connect(provider, site, PeerRole::edge);
    provider.router->add_consumer("greeting", 0, network.now);
    producer = user.router->add_producer("greeting", network.now);
    network.advance(3s);
    REQUIRE(user.router->reachable(producer));
  }
  StreamId ask() {
    const StreamId client = user.router->open_stream(producer, network.now, text("question"), {}, true);
    network.settle();
    return client;
  }
  StreamId asked() { return asked(provider); }
  static StreamId asked(Network::Site& where) {
    const auto requested = where.take<StreamRequested>();
    REQUIRE(requested.size() == 1);
    return requested.front().stream;
  }
  void answer(StreamId server, bool whole = true) {
    REQUIRE(provider.router->accept_stream(server, network.now, text("answer"), whole));
    network.settle();
  }
  void end(Network::Site& at, StreamId stream) {
    REQUIRE(at.router->finished(stream));
    at.router->fin_passed_on(stream, network.now);
    network.settle();
  }
  [[nodiscard]] std::size_t streams() const { return user.router->held().streams + provider.router->held().streams; }
  [[nodiscard]] std::size_t deliveries() const { return user.router->held().deliveries + site.router->held().deliveries + provider.router->held().deliveries; }
};

}  // namespace

TEST_CASE("a request's end is told when the answer has ended, and not before", "[router][request]") {
  Way way;
  const std::size_t links = way.user.router->held().links + way.site.router->held().links + way.provider.router->held().links;
  const StreamId client = way.ask();
  const StreamId server = way.asked();
  CHECK(taken(way.network, way.provider, server) == "question");
  CHECK_FALSE(way.provider.router->finished(server));
  way.answer(server);
  CHECK(way.provider.router->finished(server));
  CHECK(taken(way.network, way.user, client) == "answer");
  CHECK(way.user.router->finish(client, way.network.now));  // nothing to be told any more
  way.end(way.user, client);
  way.end(way.provider, server);
  CHECK(way.streams() == 0);
  CHECK(way.deliveries() == 0);
  CHECK(way.user.router->held().links + way.site.router->held().links + way.provider.router->held().links == links);
  CHECK(way.user.take<StreamFailed>().empty());
  CHECK(way.provider.take<StreamFailed>().empty());
}

TEST_CASE("a request's end is told to a provider that does not end by itself", "[router][request]") {
  Way way;
  const StreamId client = way.ask();
  const StreamId server = way.asked();
  CHECK(taken(way.network, way.provider, server) == "question");
  way.answer(server, false);
  CHECK(taken(way.network, way.user, client) == "answer");
  CHECK_FALSE(way.provider.router->finished(server));
  REQUIRE(way.user.router->finish(client, way.network.now));
  way.network.settle();
  way.end(way.provider, server);
  REQUIRE(way.provider.router->finish(server, way.network.now));
  way.network.settle();
  way.end(way.user, client);
  CHECK(way.streams() == 0);
  CHECK(way.deliveries() == 0);
  CHECK(way.user.take<StreamFailed>().empty());
  CHECK(way.provider.take<StreamFailed>().empty());
}

TEST_CASE("a provider hears when a request's client has gone, or its link", "[router][request]") {
  const bool link = GENERATE(false, true);
  const bool answering = GENERATE(false, true);
  CAPTURE(link, answering);
  Way way;
  const StreamId client = way.ask();
  const StreamId server = way.asked();
  if (answering) way.answer(server, false);
  if (link) way.network.cut(way.user_wire);
  else REQUIRE(way.user.router->reset(client, way.network.now));
  way.network.settle();
  CHECK(way.provider.take<StreamFailed>().size() == 1);
  CHECK(way.user.take<StreamFailed>().size() == (link ? 1u : 0u));
  CHECK(way.streams() == 0);
  CHECK(way.deliveries() == 0);
}

TEST_CASE("a request that is taken back at once leaves nothing behind, whether it was asked or not", "[router][request]") {
  Way way;
  way.network.hold(way.user_wire, true);
  const StreamId client = way.user.router->open_stream(way.producer, way.network.now, text("question"), {}, true);
  REQUIRE(way.user.router->reset(client, way.network.now));
  way.network.hold(way.user_wire, false);
  CHECK(way.provider.take<StreamRequested>().size() == way.provider.take<StreamFailed>().size());
  CHECK(way.streams() == 0);
  CHECK(way.deliveries() == 0);
}

TEST_CASE("a request counts for its provider until it is answered", "[router][request]") {
  Way way;
  Network::Site& other = way.network.add("other", Mode::edge);
  way.network.connect(other, way.site, PeerRole::edge);
  other.router->add_consumer("greeting", 1, way.network.now);
  way.network.advance(3s);
  const StreamId first = way.ask();
  const StreamId server = way.asked();
  way.ask();  // with one request it is as cheap as the other, which costs more itself
  way.asked();
  way.ask();
  way.asked(other);
  taken(way.network, way.provider, server);
  way.answer(server);
  taken(way.network, way.user, first);
  way.end(way.user, first);
  way.end(way.provider, server);
  way.ask();
  CHECK(way.asked());  // two at that one, one at the dearer one
}

TEST_CASE("a request that one target refuses goes to another provider", "[router][request]") {
  Way way;
  Network::Site& other = way.network.add("other", Mode::edge);
  way.network.connect(other, way.site, PeerRole::edge);
  other.router->add_consumer("greeting", 5, way.network.now);
  way.network.advance(3s);
  way.ask();
  REQUIRE(way.provider.router->refuse_stream(way.asked(), way.network.now));
  way.network.settle();
  const StreamId server = way.asked(other);
  CHECK(taken(way.network, other, server) == "question");
  CHECK_FALSE(other.router->finished(server));
  CHECK(way.user.take<StreamFailed>().empty());
}

TEST_CASE("where a provider may be a real router a request is a stream like others", "[router][request]") {
  Way way{true};
  const StreamId client = way.ask();
  const StreamId server = way.asked();
  way.answer(server, false);
  CHECK(taken(way.network, way.provider, server) == "question");
  CHECK_FALSE(way.provider.router->finished(server));
  REQUIRE(way.user.router->finish(client, way.network.now));
  way.network.settle();
  CHECK(way.provider.router->finished(server));
}

TEST_CASE("what a provider may have taken up is not told as refused, which would be asked again", "[router][request]") {
  Way way;
  const StreamId client = way.ask();
  const StreamId server = way.asked();
  const bool accepted = GENERATE(false, true);
  if (accepted) {
    REQUIRE(way.provider.router->accept_stream(server, way.network.now));
    way.network.hold(way.user_wire, true);  // the answer's head does not come
    REQUIRE(way.provider.router->reset(server, way.network.now));
    way.network.hold(way.user_wire, false);
  } else {
    way.network.cut(way.provider_wire);
  }
  const auto failed = way.user.take<StreamFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed.front().stream == client);
  CHECK(failed.front().why == StreamFailure::reset);
}
