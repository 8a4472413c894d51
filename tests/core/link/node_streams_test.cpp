#include "core/base/limits.h"
#include "tests/core/io/stream_pair.h"
#include "tests/core/link/site.h"

namespace van::link {
using io::test::text;
using router::StreamFailure;
using router::StreamId;
using test::Pair;
using test::run_turns;
using test::run_until;

namespace {

/// One end of a stream; takes what comes at once, unless it stalls, and notes all that it hears.
struct End : StreamHandler {
  explicit End(Node& on_node) : node{on_node} {}
  void on_stream_opened() override {
    ++opened;
    take();
  }
  void on_stream_readable() override {
    ++readable;
    take();
  }
  void on_stream_writable() override { ++writable; }
  void on_stream_failed(StreamFailure reason) override {
    ++failures;
    why = reason;
    if (after_failed) after_failed();
  }
  void take() {
    SliceQueue* queue = stalled ? nullptr : node.readable(stream);
    if (queue == nullptr) return;
    const Bytes bytes = queue->peek(queue->bytes());
    queue->clear();
    received += as_text(bytes);
    node.octets_taken(stream, bytes.size());
    if (ended || !node.finished(stream)) return;
    ended = true;
    node.fin_passed_on(stream);
  }
  [[nodiscard]] int calls() const { return opened + readable + writable + failures; }

  Node& node;
  StreamId stream;
  std::string received;
  int opened = 0, readable = 0, writable = 0, failures = 0;
  bool ended = false, stalled = false;
  std::optional<StreamFailure> why;
  std::function<void()> after_failed;
};

struct Provider : ConsumerHandler {
  void on_stream_requested(StreamId stream) override { requested.push_back(stream); }
  std::vector<StreamId> requested;
};

struct User : ProducerHandler {
  void on_reachability(bool reachable) override { changes.push_back(reachable); }
  std::vector<bool> changes;
};

/// "greeting" is provided by the site and used by the laptop on it.
struct Service : Pair {
  Provider provider;
  User user;
  router::ConsumerId consumer = mill->add_consumer("greeting", 0, provider);
  router::ProducerId producer = laptop->add_producer("greeting", user);

  Service() {
    REQUIRE(run_until(loop, [this] { return !user.changes.empty(); }));
  }
  StreamId request(End& client) {
    const std::size_t before = provider.requested.size();
    client.stream = laptop->open_stream(producer, client);
    REQUIRE(run_until(loop, [&] { return provider.requested.size() > before; }));
    return provider.requested.back();
  }
  void open(End& client, End& server) {
    server.stream = request(client);
    mill->attach_stream(server.stream, server);
    REQUIRE(mill->accept_stream(server.stream));
    REQUIRE(run_until(loop, [&client] { return client.opened == 1; }));
  }
};

}  // namespace

TEST_CASE("a user hears when somebody begins to provide an address, and when nobody does any more", "[link][stream]") {
  Service f;
  CHECK(f.user.changes == std::vector<bool>{true});
  CHECK(f.laptop->reachable(f.producer));
  f.mill->remove_consumer(f.consumer);
  REQUIRE(run_until(f.loop, [&f] { return f.user.changes.size() == 2; }));
  CHECK(f.user.changes.back() == false);
  CHECK_FALSE(f.laptop->reachable(f.producer));
  f.mill->add_consumer("greeting", 0, f.provider);
  REQUIRE(run_until(f.loop, [&f] { return f.laptop->reachable(f.producer); }));
  f.laptop->remove_producer(f.producer);
  f.laptop->remove_connector(f.connector);
  const std::size_t heard = f.user.changes.size();
  run_turns(f.loop);
  CHECK(f.user.changes.size() == heard);
}

TEST_CASE("a stream carries octets both ways, and each direction ends by itself", "[link][stream]") {
  Service f;
  End client{*f.laptop};
  End server{*f.mill};
  f.open(client, server);
  CHECK(f.laptop->write(client.stream, text("hello")));
  REQUIRE(run_until(f.loop, [&server] { return server.received == "hello"; }));
  CHECK_FALSE(server.ended);
  CHECK(f.laptop->finish(client.stream));
  CHECK(f.laptop->writable(client.stream) == 0);
  REQUIRE(run_until(f.loop, [&server] { return server.ended; }));
  CHECK_FALSE(client.ended);
  CHECK(f.mill->write(server.stream, text("good day")));
  CHECK(f.mill->finish(server.stream));
  REQUIRE(run_until(f.loop, [&client] { return client.ended; }));
  CHECK(client.received == "good day");
  run_turns(f.loop);
  CHECK(f.laptop->readable(client.stream) == nullptr);  // the ids are gone
  CHECK(f.mill->readable(server.stream) == nullptr);
  CHECK(client.failures + server.failures == 0);
}

TEST_CASE("a stream on one node needs no link", "[link][stream]") {
  io::Loop loop;
  test::Site mill{loop, "mill", router::Mode::interior};
  Provider provider;
  User user;
  mill->add_consumer("greeting", 0, provider);
  const router::ProducerId producer = mill->add_producer("greeting", user);
  End client{*mill};
  End server{*mill};
  client.stream = mill->open_stream(producer, client);
  CHECK(provider.requested.empty());  // not from inside the call
  REQUIRE(run_until(loop, [&] { return provider.requested.size() == 1; }));
  server.stream = provider.requested[0];
  mill->attach_stream(server.stream, server);
  REQUIRE(mill->accept_stream(server.stream));
  REQUIRE(mill->write(server.stream, text("good day")));
  REQUIRE(run_until(loop, [&client] { return client.received == "good day"; }));
}

TEST_CASE("a stream that cannot begin fails with the reason", "[link][stream]") {
  Service f;
  End client{*f.laptop};
  SECTION("the provider refuses it") {
    CHECK(f.mill->refuse_stream(f.request(client)));
    REQUIRE(run_until(f.loop, [&client] { return client.failures == 1; }));
    CHECK(client.why == StreamFailure::refused);
  }
  SECTION("nobody provides the address") {
    User other;
    const router::ProducerId nobody = f.laptop->add_producer("nobody", other);
    client.stream = f.laptop->open_stream(nobody, client);
    CHECK(client.failures == 0);  // not from inside the call
    REQUIRE(run_until(f.loop, [&client] { return client.failures == 1; }));
    CHECK(client.why == StreamFailure::no_provider);
  }
  SECTION("the provider has gone by the time the request arrives") {
    client.stream = f.laptop->open_stream(f.producer, client);
    f.mill->remove_consumer(f.consumer);
    REQUIRE(run_until(f.loop, [&client] { return client.failures == 1; }));
    CHECK(client.why == StreamFailure::no_provider);
    CHECK(f.provider.requested.empty());
  }
  run_turns(f.loop);
  CHECK(client.calls() == 1);
  CHECK_FALSE(f.laptop->write(client.stream, text("too late")));
}

TEST_CASE("a reset at either end is heard as a reset at the other, and only there", "[link][stream]") {
  Service f;
  End client{*f.laptop};
  End server{*f.mill};
  f.open(client, server);
  const bool by_client = GENERATE(true, false);
  CAPTURE(by_client);
  End& from = by_client ? client : server;
  End& to = by_client ? server : client;
  SECTION("while both directions run") {}
  SECTION("after the direction of the one that resets has ended") {
    from.node.finish(from.stream);
    REQUIRE(run_until(f.loop, [&to] { return to.ended; }));
  }
  SECTION("after the other direction has ended") {
    to.node.finish(to.stream);
    REQUIRE(run_until(f.loop, [&from] { return from.ended; }));
  }
  CHECK(from.node.reset(from.stream));
  REQUIRE(run_until(f.loop, [&to] { return to.failures == 1; }));
  CHECK(to.why == StreamFailure::reset);
  run_turns(f.loop);
  CHECK(from.failures == 0);
  CHECK_FALSE(to.node.reset(to.stream));  // gone
}

TEST_CASE("streams end as lost at both ends when their link goes", "[link][stream]") {
  Service f;
  End client{*f.laptop};
  End server{*f.mill};
  f.open(client, server);
  SECTION("in order, by the connector") { f.laptop->remove_connector(f.connector); }
  SECTION("in order, by the listener") { f.mill->remove_listener(f.listener); }
  REQUIRE(run_until(f.loop, [&] { return client.failures == 1 && server.failures == 1; }));
  CHECK(client.why == StreamFailure::lost);
  CHECK(server.why == StreamFailure::lost);
}

TEST_CASE("streams end as lost when the node at the other end vanishes", "[link][stream]") {
  Service f;
  End client{*f.laptop};
  End server{*f.mill};
  f.open(client, server);
  SECTION("the provider") {
    f.mill.vanish();
    REQUIRE(run_until(f.loop, [&] { return client.failures == 1; }));
    CHECK(client.why == StreamFailure::lost);
    CHECK(server.failures == 0);
    CHECK(f.user.changes == std::vector<bool>{true, false});
  }
  SECTION("the user") {
    f.laptop.vanish();
    REQUIRE(run_until(f.loop, [&] { return server.failures == 1; }));
    CHECK(server.why == StreamFailure::lost);
    CHECK(client.failures == 0);
  }
}

TEST_CASE("a handler that was released is not called any more", "[link][stream]") {
  Service f;
  End client{*f.laptop};
  End server{*f.mill};
  f.open(client, server);
  SECTION("for what comes") {
    f.laptop->release_stream(client.stream);
    const int calls = client.calls();
    f.mill->write(server.stream, text("anybody there?"));
    f.mill->reset(server.stream);
    run_turns(f.loop, 50);
    CHECK(client.calls() == calls);
  }
  SECTION("by another handler that hears of the same loss") {
    End second{*f.laptop};
    End second_server{*f.mill};
    f.open(second, second_server);
    const auto release = [&f, &client, &second] {
      f.laptop->release_stream(client.stream);
      f.laptop->release_stream(second.stream);
    };
    client.after_failed = second.after_failed = release;
    f.mill.vanish();
    REQUIRE(run_until(f.loop, [&] { return client.failures + second.failures > 0; }));
    run_turns(f.loop);
    CHECK(client.failures + second.failures == 1);
  }
  SECTION("although its request is on the way") {
    Provider late;
    f.mill->remove_consumer(f.consumer);
    const router::ConsumerId other = f.mill->add_consumer("greeting", 0, late);
    End third{*f.laptop};
    third.stream = f.laptop->open_stream(f.producer, third);
    f.laptop->release_stream(third.stream);
    f.mill->remove_consumer(other);
    run_turns(f.loop, 50);
    CHECK(late.requested.empty());
    CHECK(third.calls() == 0);
  }
}

TEST_CASE("an address that is withdrawn lets its streams run, and refuses new ones", "[link][stream]") {
  Service f;
  End client{*f.laptop};
  End server{*f.mill};
  f.open(client, server);
  f.mill->remove_consumer(f.consumer);
  REQUIRE(run_until(f.loop, [&f] { return !f.laptop->reachable(f.producer); }));
  f.laptop->write(client.stream, text("still there?"));
  REQUIRE(run_until(f.loop, [&server] { return server.received == "still there?"; }));
  End late{*f.laptop};
  late.stream = f.laptop->open_stream(f.producer, late);
  REQUIRE(run_until(f.loop, [&late] { return late.failures == 1; }));
  CHECK(late.why == StreamFailure::no_provider);
  CHECK(f.provider.requested.size() == 1);
  CHECK(client.failures == 0);
}

TEST_CASE("a sender may write one window ahead of a reader that stalls, and is told when it may go on",
          "[link][stream]") {
  Service f;
  End client{*f.laptop};
  End server{*f.mill};
  f.open(client, server);
  server.stalled = true;
  REQUIRE(f.laptop->writable(client.stream) == limits::kStreamWindow);
  std::string sent;
  while (f.laptop->writable(client.stream) > 0) {
    const std::string piece(std::min<std::size_t>(f.laptop->writable(client.stream), 50'000),
                            static_cast<char>('a' + sent.size() / 50'000 % 26));
    REQUIRE(f.laptop->write(client.stream, text(piece)));
    sent += piece;
  }
  CHECK(sent.size() >= limits::kStreamWindow);
  CHECK(sent.size() < limits::kStreamWindow + 50'000);  // the last write may overshoot it
  REQUIRE(run_until(f.loop, [&] {
    const SliceQueue* waiting = f.mill->readable(server.stream);
    return waiting != nullptr && waiting->bytes() == sent.size();
  }));
  run_turns(f.loop);
  CHECK(client.writable == 0);
  server.stalled = false;
  server.take();
  CHECK(server.received == sent);
  REQUIRE(run_until(f.loop, [&client] { return client.writable == 1; }));
  CHECK(f.laptop->writable(client.stream) >= limits::kStreamWindowMin);  // it follows the path by now
}

}  // namespace van::link
