#include "core/io/timer.h"

#include <chrono>
#include <csignal>
#include <memory>
#include <vector>

#include "core/io/signal.h"
#include "tests/support/catch.h"

namespace van::io {
using namespace std::chrono_literals;

TEST_CASE("a timer never expires before its time", "[io][timer]") {
  Loop loop;
  int expired = 0;
  bool early = false;
  TimePoint due{};
  Timer timer{loop, [&expired, &early, &due] {
                ++expired;
                early = early || Loop::now() < due;
              }};
  for (const Duration delay : {Duration{0}, Duration{1}, Duration{300us}, Duration{1ms}, Duration{1500us}}) {
    due = Loop::now() + delay;
    timer.arm_at(due);
    const int before = expired;
    REQUIRE(loop.run_until([&expired, before] { return expired > before; }));
  }
  CHECK_FALSE(early);
}

TEST_CASE("timers expire in the order of their times, whatever the order of arming", "[io][timer]") {
  Loop loop;
  std::vector<int> order;
  Timer late{loop, [&order] { order.push_back(3); }};
  Timer early{loop, [&order] { order.push_back(1); }};
  Timer middle{loop, [&order] { order.push_back(2); }};
  const TimePoint now = Loop::now();
  late.arm_at(now + 30ms);
  middle.arm_at(now + 40ms);
  early.arm_at(now + 1ms);
  middle.arm_at(now + 15ms);
  REQUIRE(loop.run_until([&order] { return order.size() == 3; }));
  CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("never and cancel both disarm, and a time that is past still counts", "[io][timer]") {
  Loop loop;
  bool expired = false;
  Timer cancelled{loop, [] { FAIL("a cancelled timer expired"); }};
  cancelled.arm(1ms);
  cancelled.cancel();
  CHECK_FALSE(cancelled.armed());
  Timer never{loop, [] { FAIL("never came"); }};
  never.arm(1ms);
  never.arm_at(kNever);
  CHECK_FALSE(never.armed());
  never.arm(Duration::max());
  CHECK_FALSE(never.armed());
  Timer past{loop, [&expired] { expired = true; }};
  past.arm(-1h);
  CHECK(past.armed());
  Timer marker{loop, [] {}};
  marker.arm(5ms);
  REQUIRE(loop.run_until([&marker] { return !marker.armed(); }));
  CHECK(expired);
}

TEST_CASE("a timer may be destroyed or armed again in its own callback", "[io][timer]") {
  Loop loop;
  std::unique_ptr<Timer> once;
  const auto witness = std::make_shared<int>(7);
  bool done = false;
  once = std::make_unique<Timer>(loop, [&once, &done, witness] {
    once.reset();
    done = *witness == 7;
  });
  once->arm(0ms);
  REQUIRE(loop.run_until([&done] { return done; }));

  int runs = 0;
  std::unique_ptr<Timer> again;
  again = std::make_unique<Timer>(loop, [&again, &runs] {
    ++runs;
    again->arm(0ms);
  });
  again->arm(0ms);
  bool posted = false;
  loop.post([&posted] { posted = true; });
  REQUIRE(loop.run_until([&posted, &runs] { return posted && runs > 3; }));  // it starves nobody
}

TEST_CASE("a signal reaches its watcher, which may go away in the callback", "[io][signal]") {
  Loop loop;
  int signals = 0;
  std::unique_ptr<SignalWatcher> watcher;
  SignalWatcher other{loop, SIGUSR1, [&signals] { ++signals; }};
  watcher = std::make_unique<SignalWatcher>(loop, SIGUSR1, [&watcher, &signals] {
    ++signals;
    watcher.reset();
  });
  REQUIRE(::raise(SIGUSR1) == 0);
  REQUIRE(loop.run_until([&signals] { return signals == 2; }));
  REQUIRE(::raise(SIGUSR1) == 0);
  REQUIRE(loop.run_until([&signals] { return signals == 3; }));
}

}  // namespace van::io
