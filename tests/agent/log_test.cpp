#include "agent/log.h"

#include <sys/stat.h>

#include <thread>

#include "agent/log_follower.h"
#include "core/link/log.h"
#include "tests/agent/temporary_folder.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

using test::content_of;
using test::TemporaryFolder;

TEST_CASE("a line goes to the file and to the ring, with its component", "[agent][log]") {
  const TemporaryFolder folder;
  {
    const auto logs = Logs::open({.file = folder / "agent.log"});
    REQUIRE(logs);
    (*logs)->component("site").info("site created name={}", "mill");
    (*logs)->component("link").debug("not at this level");
    REQUIRE((*logs)->ring().lines().size() == 1);
    CHECK((*logs)->ring().lines().front().text.ends_with("Z info  site  site created name=mill"));
  }
  CHECK(content_of(folder / "agent.log").ends_with("site created name=mill\n"));
  struct stat status {};
  REQUIRE(::stat((folder / "agent.log").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("what another thread logs comes to the log on the log's own", "[agent][log]") {
  const TemporaryFolder folder;
  const auto logs = Logs::open({.file = folder / "agent.log"});
  REQUIRE(logs);
  io::Loop loop;
  const auto logger = (*logs)->component_elsewhere("link", loop);
  std::thread{[&logger] {
    logger->debug("not at this level");
    logger->warn("link {} {{}}", "down");
  }}.join();
  CHECK((*logs)->ring().lines().empty());
  loop.run_until([&logs] { return !(*logs)->ring().lines().empty(); });
  REQUIRE((*logs)->ring().lines().size() == 1);
  const std::string& text = (*logs)->ring().lines().front().text;
  INFO(text);
  CHECK(text.ends_with("Z warning link  link down {}"));
}

TEST_CASE("the log on the disk has a bound", "[agent][log]") {
  const TemporaryFolder folder;
  const auto logs = Logs::open({.file = folder / "agent.log", .file_bytes = 4096, .files = 2});
  REQUIRE(logs);
  for (int i = 0; i < 1000; ++i) (*logs)->component("site").info("line {} of many", i);
  std::uintmax_t bytes = 0;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator{folder.path()}) {
    bytes += entry.file_size();
    ++files;
  }
  CHECK(files == 3);
  CHECK(bytes <= 3 * 4096);
}

TEST_CASE("a log file that can't be opened is an error", "[agent][log]") {
  const TemporaryFolder folder;
  const auto logs = Logs::open({.file = folder / "absent/agent.log"});
  REQUIRE_FALSE(logs);
  CHECK(logs.error().code == Error::Code::failed);
}

TEST_CASE("the ring forgets its oldest lines, by count and by bytes", "[agent][log]") {
  LogRing ring;
  for (std::size_t i = 0; i < LogRing::kLinesMax + 5; ++i) ring.add(spdlog::level::info, std::to_string(i));
  CHECK(ring.lines().size() == LogRing::kLinesMax);
  CHECK(ring.lines().front().text == "5");
  CHECK(ring.last_number() == LogRing::kLinesMax + 5);
  for (int i = 0; i < 200; ++i) ring.add(spdlog::level::info, std::string(100'000, 'x'));
  CHECK(ring.lines().size() == LogRing::kBytesMax / LogRing::kLineBytesMax);
}

TEST_CASE("the last lines are those of the level and above, the newest last", "[agent][log]") {
  LogRing ring;
  ring.add(spdlog::level::info, "a");
  ring.add(spdlog::level::warn, "b");
  ring.add(spdlog::level::info, "c");
  ring.add(spdlog::level::err, "d");
  CHECK(ring.last(2, spdlog::level::trace) == std::vector<std::string>{"c", "d"});
  CHECK(ring.last(9, spdlog::level::warn) == std::vector<std::string>{"b", "d"});
  CHECK(ring.last(0, spdlog::level::trace).empty());
}

TEST_CASE("a follower begins with the last lines and gives each later one once", "[agent][log]") {
  LogRing ring;
  for (const char* line : {"a", "b", "c"}) ring.add(spdlog::level::info, line);
  LogFollower follower{ring, 2, spdlog::level::info};
  int woken = 0;
  follower.set_wake([&] { ++woken; });
  CHECK(follower.pull(1000) == "b\nc\n");
  CHECK(follower.pull(1000).empty());
  ring.add(spdlog::level::debug, "hidden");
  ring.add(spdlog::level::warn, "d");
  CHECK(woken == 2);
  CHECK(follower.pull(1000) == "d\n");
  CHECK(follower.pull(1000).empty());
}

TEST_CASE("a follower takes no more than it is asked for, and goes on where it was", "[agent][log]") {
  LogRing ring;
  for (int i = 0; i < 5; ++i) ring.add(spdlog::level::info, "line");
  LogFollower follower{ring, 5, spdlog::level::info};
  std::string all;
  for (int i = 0; i < 5; ++i) {
    const std::string part = follower.pull(1);
    CHECK(part == "line\n");
    all += part;
  }
  CHECK(follower.pull(1).empty());
}

TEST_CASE("a follower that is too slow is told how much it missed", "[agent][log]") {
  LogRing ring;
  ring.add(spdlog::level::info, "first");
  LogFollower follower{ring, 10, spdlog::level::info};
  for (std::size_t i = 0; i < LogRing::kLinesMax + 2; ++i) ring.add(spdlog::level::info, "x");
  CHECK(follower.pull(30).starts_with("... 3 lines were dropped ...\n"));
}

TEST_CASE("a follower that is gone is not woken", "[agent][log]") {
  LogRing ring;
  {
    LogFollower follower{ring, 1, spdlog::level::info};
    follower.set_wake([] { FAIL("woken after its end"); });
  }
  ring.add(spdlog::level::info, "a");
}

TEST_CASE("levels have the names of the configuration", "[agent][log]") {
  CHECK(log_level("warn").value() == spdlog::level::warn);
  CHECK_FALSE(log_level("loud"));
}

}  // namespace
}  // namespace van::agent
