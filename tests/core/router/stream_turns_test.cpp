#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/core/router/network.h"
#include "tests/core/router/streams.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::router;
using test::Network;
using test::Open;
using test::text;

namespace {

/// Streams through one link to a receiver that is not ours, which says nothing but what has been taken, in large steps.
struct Strangers {
  static constexpr std::uint64_t kStep = 521'216;  // data-plane 4.1
  Network network;
  Network::Site* site;
  Network::Site* laptop;
  std::vector<Open> streams;
  std::vector<std::uint64_t> sent;

  explicit Strangers(int count = 8) {
    network.strangers = true;
    site = &network.add("site", Mode::interior);
    laptop = &network.add("laptop", Mode::edge);
    network.connect(*laptop, *site, PeerRole::edge);
    site->router->add_consumer("upload", 0, network.now);
    const ProducerId producer = laptop->router->add_producer("upload", network.now);
    network.advance(5s);
    for (int i = 0; i < count; ++i) streams.push_back(open(network, *laptop, producer, *site));
    sent.resize(streams.size());
  }
  /// As much as each may send, in turn.
  void send(std::uint64_t most = 100'000'000) {
    for (bool more = true; more;) {
      more = false;
      for (std::size_t i = 0; i < streams.size(); ++i) {
        const std::size_t count = std::min<std::size_t>({laptop->router->writable(streams[i].client), 32'000, most - sent[i]});
        if (count == 0) continue;
        REQUIRE(laptop->router->write(streams[i].client, text(std::string(count, 'x')), network.now));
        sent[i] += count;
        more = true;
      }
      network.settle();
    }
  }
  [[nodiscard]] std::uint64_t waits(std::size_t i) { return site->router->readable(streams[i].server)->bytes(); }
  bool take(std::size_t i, std::uint64_t most) {
    SliceQueue& readable = *site->router->readable(streams[i].server);
    const std::size_t count = std::min<std::size_t>(readable.bytes(), most);
    if (count == 0) return false;
    readable.consume(count);
    site->router->octets_taken(streams[i].server, count, network.now);
    network.settle();
    return true;
  }
};

}  // namespace

TEST_CASE("a few streams at a time are far ahead of a receiver that is not ours, in turn", "[router][stream][turns]") {
  Strangers net;
  net.send();
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < net.streams.size(); ++i) {
    all += net.waits(i);
    if (i < 5) CHECK(net.waits(i) >= Strangers::kStep);
    else CHECK(net.waits(i) <= 130'000);
  }
  CHECK(all < 4u << 20);  // data-plane 4.5

  // The receiver catches up with one: another's turn.
  net.laptop->take<StreamWritable>();
  REQUIRE(net.take(0, 600'000));
  const auto writable = net.laptop->take<StreamWritable>();
  REQUIRE(std::ranges::any_of(writable, [&](const StreamWritable& event) { return event.stream == net.streams[5].client; }));
  net.send();
  CHECK(net.waits(5) >= Strangers::kStep);
  CHECK(net.waits(6) <= 130'000);

  // The others do not move: they lose their turns to those that wait.
  net.network.advance(600ms);
  net.send();
  CHECK(net.waits(6) >= Strangers::kStep);
  CHECK(net.waits(7) >= Strangers::kStep);
}

TEST_CASE("who does not use its turn in time gets another one", "[router][stream][turns]") {
  Strangers net{12};
  net.send();
  net.network.advance(600ms);  // 5 to 9 have turns, and their owners are slow to ask
  net.network.advance(600ms);  // 10 and 11 have two of them
  net.send();
  net.network.advance(600ms);
  net.send();
  for (std::size_t i = 5; i < net.streams.size(); ++i) CHECK(net.waits(i) >= Strangers::kStep);
}

TEST_CASE("all that many streams have for a receiver that is not ours comes to it", "[router][stream][turns]") {
  Strangers net;
  constexpr std::uint64_t kAll = 3'000'000;
  std::vector<std::uint64_t> got(net.streams.size());
  const auto done = [&] { return std::ranges::all_of(got, [](std::uint64_t octets) { return octets == kAll; }); };
  for (int turn = 0; !done() && turn < 1000; ++turn) {
    net.send(kAll);
    bool moved = false;
    for (std::size_t i = 0; i < net.streams.size(); ++i) {
      // A real receiver takes all and reports when half a megabyte is together.
      const std::uint64_t waits = net.waits(i);
      if (waits < Strangers::kStep && got[i] + waits < kAll) continue;
      moved |= net.take(i, waits);
      got[i] += waits;
    }
    if (!moved) net.network.advance(100ms);
  }
  CHECK(done());
}
