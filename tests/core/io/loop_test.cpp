#include "core/io/loop.h"

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "core/io/deferred.h"
#include "core/io/timer.h"
#include "tests/support/catch.h"

namespace van::io {
using namespace std::chrono_literals;

TEST_CASE("an idle loop makes no turns", "[io][loop]") {
  Loop loop;
  bool expired = false;
  Timer timer{loop, [&expired] { expired = true; }};
  timer.arm(300ms);
  const std::size_t before = loop.turns();
  REQUIRE(loop.run_until([&expired] { return expired; }));
  // One turn waits for the timer; a wait may come back a little early, and is then resumed.
  CHECK(loop.turns() - before <= 4);
}

TEST_CASE("a loop whose deferred task was cancelled goes back to sleep", "[io][loop]") {
  Loop loop;
  bool expired = false;
  bool ran = false;
  Deferred deferred{loop, [&ran] { ran = true; }};
  deferred.schedule();
  deferred.cancel();
  Timer timer{loop, [&expired] { expired = true; }};
  timer.arm(100ms);
  const std::size_t before = loop.turns();
  REQUIRE(loop.run_until([&expired] { return expired; }));
  CHECK_FALSE(ran);
  CHECK(loop.turns() - before <= 5);
}

TEST_CASE("tasks posted from other threads all run on the loop thread, each thread's in order", "[io][loop]") {
  constexpr int kThreads = 4;
  constexpr int kTasks = 2000;
  Loop loop;
  const std::thread::id loop_thread = std::this_thread::get_id();
  std::vector<std::vector<int>> seen(kThreads);
  int total = 0;
  bool elsewhere = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&loop, &seen, &total, &elsewhere, loop_thread, thread] {
      for (int i = 0; i < kTasks; ++i) {
        loop.post([&seen, &total, &elsewhere, loop_thread, thread, i] {
          seen[static_cast<std::size_t>(thread)].push_back(i);
          elsewhere = elsewhere || std::this_thread::get_id() != loop_thread;
          ++total;
        });
      }
    });
  }
  REQUIRE(loop.run_until([&total] { return total == kThreads * kTasks; }));
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(elsewhere);
  for (const auto& numbers : seen) {
    bool in_order = numbers.size() == kTasks;
    for (int i = 0; in_order && i < kTasks; ++i) in_order = numbers[static_cast<std::size_t>(i)] == i;
    CHECK(in_order);
  }
}

TEST_CASE("stop ends run, also when it came first", "[io][loop]") {
  Loop loop;
  loop.stop();
  loop.run();
  int turns = 0;
  loop.post([&loop, &turns] {
    ++turns;
    loop.stop();
  });
  loop.run();
  CHECK(turns == 1);
  loop.stop();
  CHECK_FALSE(loop.run_until([] { return false; }));
}

TEST_CASE("deferred tasks run at the end of the turn, and what they defer a turn later", "[io][loop]") {
  Loop loop;
  std::vector<int> order;
  loop.post([&loop, &order] {
    loop.defer([&loop, &order] {
      order.push_back(2);
      loop.defer([&loop, &order] {
        order.push_back(4);
        loop.stop();
      });
      order.push_back(3);
    });
    order.push_back(1);
  });
  loop.run();
  CHECK(order == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("a Deferred runs once a turn, and not after it is gone", "[io][deferred]") {
  Loop loop;
  int runs = 0;
  int others = 0;
  std::optional<Deferred> other;
  Deferred first{loop, [&runs, &other] {
                   ++runs;
                   other.reset();
                 }};
  other.emplace(loop, [&others] { ++others; });
  first.schedule();
  first.schedule();
  other->schedule();
  bool done = false;
  loop.post([&done] { done = true; });
  REQUIRE(loop.run_until([&done] { return done; }));
  CHECK(runs == 1);
  CHECK(others == 0);
}

TEST_CASE("a Deferred may destroy itself in its own task", "[io][deferred]") {
  Loop loop;
  const auto witness = std::make_shared<int>(1);
  std::unique_ptr<Deferred> deferred;
  bool done = false;
  deferred = std::make_unique<Deferred>(loop, [&deferred, &done, witness] {
    deferred.reset();
    done = *witness == 1;
  });
  deferred->schedule();
  REQUIRE(loop.run_until([&done] { return done; }));
  CHECK(witness.use_count() == 1);
}

TEST_CASE("what is posted or deferred when the loop ends is dropped unrun", "[io][loop]") {
  const auto witness = std::make_shared<int>(0);
  {
    Loop loop;
    loop.post([witness] { ++*witness; });
    loop.defer([witness] { ++*witness; });
    CHECK(witness.use_count() == 3);
  }
  CHECK(*witness == 0);
  CHECK(witness.use_count() == 1);
}

}  // namespace van::io
