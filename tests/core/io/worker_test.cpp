#include "core/io/worker.h"

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "core/io/timer.h"
#include "tests/support/catch.h"

using namespace van;

TEST_CASE("work runs on another thread in order, and its end is told on the loop's", "[worker]") {
  io::Loop loop;
  io::Worker worker{loop};
  const auto here = std::this_thread::get_id();
  std::vector<int> order;
  std::vector<std::unique_ptr<io::Worker::Task>> tasks;
  int told = 0;
  for (int i = 0; i < 20; ++i) {
    tasks.push_back(worker.run(
        [&, i] {
          CHECK(std::this_thread::get_id() != here);
          order.push_back(i);
        },
        [&, i] {
          CHECK(std::this_thread::get_id() == here);
          CHECK(i == told);
          ++told;
          tasks[static_cast<std::size_t>(i)].reset();
        }));
  }
  REQUIRE(loop.run_until([&] { return told == 20; }));
  CHECK(order.size() == 20);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("who does not wait any longer is not told", "[worker]") {
  io::Loop loop;
  io::Worker worker{loop};
  std::promise<void> go;
  bool told_first = false, told_second = false;
  auto first = worker.run([&] { go.get_future().wait(); }, [&] { told_first = true; });
  const auto second = worker.run([] {}, [&] { told_second = true; });
  first.reset();
  go.set_value();
  REQUIRE(loop.run_until([&] { return told_second; }));
  CHECK_FALSE(told_first);
}

TEST_CASE("a worker that ends waits for what is under way and drops the rest", "[worker]") {
  io::Loop loop;
  std::atomic<bool> begun = false, ended = false, dropped = true;
  {
    io::Worker worker{loop};
    const auto first = worker.run(
        [&] {
          begun = true;
          begun.notify_one();
          ended = true;
        },
        [] { FAIL("nobody turns the loop"); });
    begun.wait(false);
    const auto second = worker.run([&] { dropped = false; }, [] { FAIL("nobody turns the loop"); });
  }
  CHECK(ended);
}

TEST_CASE("a worker without work has no thread to wait for", "[worker]") {
  io::Loop loop;
  const io::Worker worker{loop};
}
