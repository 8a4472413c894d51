#include "core/io/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

#include "tests/core/io/stream_pair.h"

namespace van::io {
using test::PrivateFolder;

namespace {

std::string contents(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

Command shell(const std::string& script, const std::string& output_path = {}) {
  return {.program = "sh", .arguments = {"-c", script}, .environment = {}, .output_path = output_path};
}

}  // namespace

TEST_CASE("a child's end is reported with its code, and its output is in the file", "[io][process]") {
  Loop loop;
  const PrivateFolder folder;
  const std::string log = folder.file("log");
  std::optional<Child::Exit> exit;
  Command command = shell("read line; echo \"out $NAME$line\"; echo err >&2; exit 3", log);
  command.environment = {"NAME=value", "PATH=/usr/bin:/bin"};
  const auto child = Child::spawn(loop, command, [&exit](Child::Exit got) { exit = got; });
  REQUIRE(child);
  CHECK(child.value()->running());
  REQUIRE(loop.run_until([&exit] { return exit.has_value(); }));
  CHECK(exit->code == 3);
  CHECK(exit->signal == 0);
  CHECK_FALSE(child.value()->running());
  CHECK(contents(log) == "out value\nerr\n");
}

TEST_CASE("a child can be told to end, with what it started", "[io][process]") {
  Loop loop;
  std::optional<Child::Exit> exit;
  const auto child = Child::spawn(loop, shell("cat /dev/zero >/dev/null"), [&exit](Child::Exit got) { exit = got; });
  REQUIRE(child);
  child.value()->kill(SIGTERM);
  REQUIRE(loop.run_until([&exit] { return exit.has_value(); }));
  CHECK(exit->signal == SIGTERM);
  child.value()->kill(SIGTERM);  // nothing any more
}

TEST_CASE("a child may be destroyed while it runs and in its callback", "[io][process]") {
  Loop loop;
  SECTION("while it runs") {
    auto child = Child::spawn(loop, shell("cat /dev/zero >/dev/null"), [](Child::Exit) { FAIL("called back"); });
    REQUIRE(child);
    const int pid = child.value()->pid();
    child.value().reset();
    CHECK(::kill(pid, 0) != 0);  // it is gone, and no zombie
  }
  SECTION("in its callback") {
    std::unique_ptr<Child> child;
    bool done = false;
    child = std::move(Child::spawn(loop, shell("exit 0"), [&child, &done](Child::Exit) {
              child.reset();
              done = true;
            })).value();
    REQUIRE(loop.run_until([&done] { return done; }));
  }
}

TEST_CASE("a program that is not there is not_found", "[io][process]") {
  Loop loop;
  const Command command{.program = "/nonexistent/program", .arguments = {}, .environment = {}, .output_path = {}};
  const auto child = Child::spawn(loop, command, [](Child::Exit) { FAIL("called back"); });
  REQUIRE_FALSE(child);
  CHECK(child.error().code == Error::Code::not_found);
  const auto detached = spawn_detached(command);
  REQUIRE_FALSE(detached);
  CHECK(detached.error().code == Error::Code::not_found);
}

TEST_CASE("a background process has a session, no input and its output in the file", "[io][process]") {
  const Loop loop;  // ignores SIGPIPE, which the process must not inherit
  const PrivateFolder folder;
  const std::string log = folder.file("log");
  const auto pid = spawn_detached(shell("cat; sed -n 's/^SigIgn:[^0-9]*//p' /proc/self/status", log));
  REQUIRE(pid);
  CHECK(::getsid(pid.value()) == pid.value());
  int status = 0;
  REQUIRE(::waitpid(pid.value(), &status, 0) == pid.value());
  CHECK(WEXITSTATUS(status) == 0);
  const unsigned long long ignored = std::stoull(contents(log), nullptr, 16);
  CHECK((ignored >> (SIGPIPE - 1) & 1) == 0);
}

TEST_CASE("an output file that can't be opened is an error", "[io][process]") {
  Loop loop;
  CHECK_FALSE(spawn_detached(shell("exit 0", "/nonexistent/folder/log")));
  CHECK_FALSE(Child::spawn(loop, shell("exit 0", "/nonexistent/folder/log"), [](Child::Exit) {}));
}

}  // namespace van::io
