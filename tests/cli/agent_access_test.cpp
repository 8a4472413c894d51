#include "cli/agent_access.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "tests/cli/fake_agent.h"
#include "tests/cli/temporary_folder.h"
#include "tests/support/catch.h"

using namespace van;
using namespace std::chrono_literals;
using cli::ExitCode;

namespace {

namespace fs = std::filesystem;

cli::Deadline soon() { return std::chrono::steady_clock::now() + 20s; }
cli::Deadline after(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

/// A profile whose agent is a shell script.
struct Profile {
  explicit Profile(const std::string& script)
      : access{{.paths = {"default", folder.path(), folder.path() / "state", folder.path() / "agent.sock"},
                .start_command = {"/bin/sh", "-c", script, folder.path().string()},  // $0 is the folder
                .variables = {}}} {
    if (::mkfifo((folder.path() / "end").c_str(), 0600) != 0) std::abort();
  }
  /// Lets a script that reads from the pipe `end` go on; waits until it does.
  void end_script() const { std::ofstream{folder.path() / "end"} << "\n"; }

  test::TemporaryFolder folder;
  cli::AgentAccess access;
};

std::string answer_status(const test::FakeAgent::Request&) { return test::http_answer(200, "{}"); }

}  // namespace

TEST_CASE("an agent that answers is not started again", "[cli][agent]") {
  const Profile profile{"touch \"$0/started\""};
  const test::FakeAgent agent{profile.folder.path() / "agent.sock", answer_status};
  CHECK(profile.access.start(soon()).value() == false);
  CHECK_FALSE(fs::exists(profile.folder.path() / "started"));
}

TEST_CASE("an agent is started, and waited for until it answers", "[cli][agent]") {
  // The fake agent listens all the time, but is found only when the script has put its socket in place.
  const Profile profile{"mv \"$0/hidden.sock\" \"$0/agent.sock\"; read end < \"$0/end\""};
  const test::FakeAgent agent{profile.folder.path() / "hidden.sock", answer_status};
  CHECK(profile.access.start(soon()).value() == true);
  profile.end_script();
  CHECK(fs::status(profile.folder.path() / "state").permissions() == fs::perms::owner_all);
}

TEST_CASE("an agent that ends at once is reported with its last words", "[cli][agent]") {
  const Profile profile{"echo early >&2; echo 'vanctl: agent: agent.toml: line 3 is odd' >&2; exit 1"};
  const auto started = profile.access.start(soon());
  REQUIRE_FALSE(started);
  CHECK(started.error().exit == ExitCode::failed);
  CHECK(started.error().message == "the agent did not start: agent.toml: line 3 is odd");
}

TEST_CASE("an agent that ends without a word is reported with its status", "[cli][agent]") {
  const Profile profile{"exit 9"};
  const auto started = profile.access.start(soon());
  REQUIRE_FALSE(started);
  CHECK(started.error().message == "the agent did not start: it ended with status 9");
}

TEST_CASE("an agent that never answers is a timeout", "[cli][agent]") {
  const Profile profile{"read end < \"$0/end\""};
  const auto started = profile.access.start(after(0ms));
  profile.end_script();
  REQUIRE_FALSE(started);
  CHECK(started.error().exit == ExitCode::timeout);
}

TEST_CASE("of two agents started at once the one that lives counts", "[cli][agent]") {
  const Profile profile{"mv \"$0/hidden.sock\" \"$0/agent.sock\"; exit 6"};  // 6: the profile is taken
  const test::FakeAgent agent{profile.folder.path() / "hidden.sock", answer_status};
  CHECK(profile.access.start(soon()).has_value());
}

TEST_CASE("a state folder that can't be made is a failure", "[cli][agent]") {
  const Profile profile{"exit 0"};
  std::ofstream{profile.folder.path() / "state"} << "a file";
  fs::permissions(profile.folder.path() / "state", fs::perms::none);
  const auto started = profile.access.start(soon());
  REQUIRE_FALSE(started);
  CHECK(started.error().exit == ExitCode::failed);
}

TEST_CASE("stop is not done while the process that answered lives", "[cli][agent]") {
  const Profile profile{""};
  const test::FakeAgent agent{profile.folder.path() / "agent.sock", answer_status};
  const auto stopped = profile.access.stop(after(50ms));  // the fake agent lives in this very process
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().exit == ExitCode::timeout);
}
