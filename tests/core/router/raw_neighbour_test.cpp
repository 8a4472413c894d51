#include "tests/core/router/raw_neighbour.h"

#include <chrono>

#include "core/base/limits.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::router;
using test::RawNeighbour;

namespace {

/// A router with two neighbours that are on each other's way.
struct Between {
  TimePoint now{};
  Router router{{.mode = Mode::interior, .id = "middle", .site_id = "id", .site_name = "middle", .instance = 1}, Rng{1}, now};
  RawNeighbour left{router, "left", RawNeighbour::Connection::control, now};
  RawNeighbour right;
  std::int64_t told = 0;  ///< updates of left

  /// `credit`: what right gives on its control link.
  explicit Between(std::uint32_t credit = 100) : right{router, "right", RawNeighbour::Connection::control, now, credit} {
    for (int second = 0; second < 3; ++second) {
      left.introduce("middle", now);
      right.introduce("middle", now);
      advance(1s);
    }
  }
  void advance(Duration duration) {
    const TimePoint end = now + duration;
    while (router.next_deadline() < end) {
      now = std::max(now, router.next_deadline());
      router.handle_deadline(now);
      pump();
    }
    now = end;
  }
  void pump() {
    left.pump(now);
    right.pump(now);
  }
};

routing::Mau update(std::int64_t sequence, const std::string& address, bool early = false) {
  return {.id = "left",
          .mobile_seq = sequence,
          .content = routing::Mau::Differential{.add = {{.key = *routing::AddressKey::mobile(address), .early = early}}, .del = {}}};
}

/// The bytes of a good update with its one descriptor list turned into something else of the same length.
Bytes malformed(Bytes good, std::uint8_t constructor) {
  const std::string_view text{reinterpret_cast<const char*>(good.data()), good.size()};
  const std::size_t key = text.find("Mgreeting");
  REQUIRE(key != std::string_view::npos);
  const std::size_t descriptor = key - 2 - 3;  // list8, size, count; then str8, length
  REQUIRE(good[descriptor] == 0xc0);
  good[descriptor] = constructor;
  return good;
}

}  // namespace

TEST_CASE("an address update passes on to the other neighbour, a malformed one does not", "[router][raw]") {
  // A real router that reads a descriptor which is no list, or an empty one, ends (control-plane 7, pitfall 1): not through us.
  Between between;
  REQUIRE(between.right.heard("HELLO", "middle") > 0);
  between.left.say(update(1, "greeting"), routing::destination::multicast, between.now);
  between.pump();
  CHECK(between.right.heard("MAU", "left") == 1);

  const Bytes good = encode_control_message(update(2, "greeting"), std::string{routing::destination::multicast}, "0/left");
  between.left.say(malformed(good, 0xa0), between.now);  // a binary of that size
  between.left.say(malformed(good, 0xa1), between.now);  // a string
  const Bytes answer = encode_control_message(update(2, "greeting"), routing::destination::mobile_of("right"), "0/left");
  between.left.say(malformed(answer, 0xa1), between.now);
  between.pump();
  CHECK(between.right.heard("MAU", "left") == 1);
  CHECK(between.right.unreadable == 0);
}

TEST_CASE("router protocol that waits for a neighbour's credit is kept up to a number of octets", "[router][raw]") {
  Between between{0};
  const auto tell = [&](int times, int addresses) {
    for (; times != 0; --times) {
      routing::Mau mau = update(++between.told, "a");
      auto& add = std::get<routing::Mau::Differential>(mau.content).add;
      for (int i = 1; i < addresses; ++i) add.push_back({.key = *routing::AddressKey::mobile(std::string(200, 'a') + std::to_string(i)), .early = true});
      between.left.say(mau, routing::destination::multicast, between.now);
    }
    return between.router.held().queued;
  };
  const std::size_t before = between.router.held().queued;
  CHECK(tell(1000, 1) == before + 1000);  // more than a real router keeps, for they are small
  const std::size_t most = tell(1000, 50);
  CHECK(most < limits::kControlQueueBytes / (50 * 200) + 1);
  CHECK(most > limits::kLinkCredit);
  CHECK(tell(1000, 50) == most);
}

TEST_CASE("streams go to a neighbour's data connections, in turn, and to its control connection without them", "[router][raw]") {
  Between between;
  between.left.say(update(1, "greeting"), routing::destination::multicast, between.now);
  const ProducerId producer = between.router.add_producer("greeting", between.now);
  between.advance(2s);
  REQUIRE(between.router.reachable(producer));
  between.router.open_stream(producer, between.now);
  between.pump();
  CHECK(between.left.deliveries == 1);
  {
    RawNeighbour one{between.router, "left", RawNeighbour::Connection::data, between.now};
    RawNeighbour two{between.router, "left", RawNeighbour::Connection::data, between.now};
    RawNeighbour other{between.router, "right", RawNeighbour::Connection::data, between.now};
    for (int i = 0; i < 6; ++i) between.router.open_stream(producer, between.now);
    between.pump();
    one.pump(between.now);
    two.pump(between.now);
    other.pump(between.now);
    CHECK(between.left.deliveries == 1);
    CHECK(one.deliveries == 3);
    CHECK(two.deliveries == 3);
    CHECK(other.opened.empty());
    one.hang_up(between.now);
    two.hang_up(between.now);
  }
  between.pump();
  between.router.open_stream(producer, between.now);
  between.pump();
  CHECK(between.left.deliveries == 2);
}

TEST_CASE("a client's first words wait for the answer of a provider that may be a real router", "[router][raw]") {
  // Such a one loses what it is told, and what its server answers to it, in the moment in which it connects (docs/protocol.md, "Early octets").
  Between between;
  const ProducerId producer = between.router.add_producer("greeting", between.now);
  const auto said = [&](std::int64_t sequence, bool early) {
    between.left.say(update(sequence, "greeting", early), routing::destination::multicast, between.now);
    between.left.introduce("middle", between.now);
    between.advance(2s);
    between.left.octets.clear();
    const StreamId client = between.router.open_stream(producer, between.now, Slice::copy_of(as_bytes("first words, ")));
    REQUIRE(between.router.write(client, Slice::copy_of(as_bytes("then more")), between.now));
    between.pump();
    CHECK(between.left.octets.find("greeting") != std::string::npos);  // the head
    return between.left.octets.find("first words, ") != std::string::npos && between.left.octets.ends_with("then more");
  };
  CHECK_FALSE(said(1, false));
  CHECK(between.left.octets.find("words") == std::string::npos);
  CHECK(said(2, true));
  CHECK_FALSE(said(3, false));  // another provider there
}
