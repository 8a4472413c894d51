#include "core/router/send_window.h"

#include <deque>

#include "tests/support/catch.h"

using namespace van;
using namespace std::chrono_literals;
using router::SendWindow;

namespace {

/// A bottleneck of so many octets a second between two ends, the receiver of which takes everything at once and reports.
struct Path {
  double rate;
  Duration one_way;
  std::uint32_t holds = limits::kStreamWindowMax;

  SendWindow window{};
  TimePoint now{1s};
  std::uint64_t delivered = 0;
  std::uint64_t waiting_max = 0;  ///< octets before the bottleneck, since it was set to 0

  /// Sends as much as the window lets it for so long; nothing more than `app_rate` octets a second where that is not 0.
  void run(Duration duration, double app_rate = 0) {
    constexpr Duration kStep = 20us;
    double app_room = 0;
    for (const TimePoint end = now + duration; now < end; now += kStep) {
      const double step = std::chrono::duration<double>(kStep).count();
      while (!reports.empty() && reports.front().first <= now) {
        window.report(reports.front().second, holds, now);
        reports.pop_front();
      }
      app_room += app_rate * step;
      std::size_t count = window.room();
      if (app_rate > 0) count = std::min(count, static_cast<std::size_t>(app_room));
      app_room -= static_cast<double>(count);
      waiting += count;
      for (; count > 0; count -= std::min<std::size_t>(count, 65536)) window.count_sent(std::min<std::size_t>(count, 65536), now);  // as it is read
      waiting_max = std::max(waiting_max, waiting);
      credit += rate * step;
      const auto served = std::min<std::uint64_t>(waiting, static_cast<std::uint64_t>(credit));
      credit = waiting == served ? 0 : credit - static_cast<double>(served);
      waiting -= served;
      delivered += served;
      if (delivered >= reported + limits::kStreamReportOctets) {
        reported = delivered;
        reports.emplace_back(now + 2 * one_way, delivered);
      }
    }
  }

  [[nodiscard]] double product() const { return rate * std::chrono::duration<double>(2 * one_way).count(); }

  std::uint64_t waiting = 0, reported = 0;
  double credit = 0;
  std::deque<std::pair<TimePoint, std::uint64_t>> reports{};
};

/// Octets per second that come through within so long.
double throughput(Path& path, Duration duration) {
  const std::uint64_t before = path.delivered;
  path.run(duration);
  return static_cast<double>(path.delivered - before) / std::chrono::duration<double>(duration).count();
}

}  // namespace

TEST_CASE("a receiver that does not say what it would hold gets the window of real routers", "[window]") {
  Path path{.rate = 125e6, .one_way = 50ms, .holds = 0};
  path.run(5s);
  CHECK(path.window.size() == limits::kStreamWindow);
  CHECK(throughput(path, 2s) < 1.1 * limits::kStreamWindow / 0.1);
}

TEST_CASE("the window follows a long path until the path is full", "[window]") {
  Path path{.rate = 125e6, .one_way = 50ms};
  path.run(1s);
  CHECK(throughput(path, 5s) > 0.97 * path.rate);
  CHECK(static_cast<double>(path.window.size()) > path.product());
}

TEST_CASE("on a short path little waits, and the path is full all the same", "[window]") {
  Path path{.rate = 1e9, .one_way = 200us};
  path.run(1s);
  path.waiting_max = 0;
  CHECK(throughput(path, 25s) > 0.95 * path.rate);  // over two times of measuring anew
  CHECK(static_cast<double>(path.waiting_max) < 2.5 * path.product());
}

TEST_CASE("what waits does not make the window grow for ever", "[window]") {
  Path path{.rate = 20e6, .one_way = 10ms};  // 400 kB fit on the path
  path.run(1s);
  for (int i = 0; i < 10; ++i) {
    path.run(7s);
    CHECK(static_cast<double>(path.window.size()) < 3.5 * path.product());
  }
}

TEST_CASE("a path that has become longer is found out", "[window]") {
  Path path{.rate = 125e6, .one_way = 5ms};
  path.run(3s);
  path.one_way = 40ms;
  path.run(15s);
  CHECK(throughput(path, 3s) > 0.9 * path.rate);
}

TEST_CASE("a receiver that has become slow gets a small window", "[window]") {
  Path path{.rate = 125e6, .one_way = 50ms};
  path.run(3s);
  path.rate = 1e6;
  path.run(60s);
  CHECK(path.window.size() <= 3 * limits::kStreamWindowMin);
}

TEST_CASE("a sender that has little to say keeps its window", "[window]") {
  Path path{.rate = 125e6, .one_way = 50ms};
  path.run(3s);
  path.run(500ms, 1e5);
  CHECK(throughput(path, 1s) > 0.8 * path.rate);
}

TEST_CASE("what the receiver would hold bounds the window", "[window]") {
  Path path{.rate = 125e6, .one_way = 50ms, .holds = 2u << 20};
  path.run(3s);
  CHECK(path.window.size() == 2u << 20);
  path.holds = 1u << 20;
  path.run(1s);
  CHECK(path.window.size() == 1u << 20);
}

TEST_CASE("reports that can't be are ignored", "[window]") {
  SendWindow window;
  window.count_sent(1000, TimePoint{1s});
  window.report(1001, 0, TimePoint{1s});
  CHECK(window.room() == limits::kStreamWindow - 1000);
  window.report(600, 0, TimePoint{1s});
  window.report(500, 0, TimePoint{1s});
  CHECK(window.room() == limits::kStreamWindow - 400);
  window.report(600, 1, TimePoint{1s});  // nobody holds so little
  CHECK(window.size() == limits::kStreamWindowMin);
}
