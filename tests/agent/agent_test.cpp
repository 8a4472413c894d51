#include "agent/agent.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <nlohmann/json.hpp>

#include "core/io/dialer.h"
#include "core/io/timer.h"
#include "tests/agent/http_client.h"
#include "tests/agent/temporary_folder.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::HttpClient;
using test::TemporaryFolder;
using test::write_file;

ProfilePaths paths_in(const fs::path& folder) {
  return {.profile = "p", .config_folder = folder, .state_folder = folder / "p", .control_socket = folder / "p" / "agent.sock"};
}

/// An agent in a process of its own.
class Process {
 public:
  explicit Process(const ProfilePaths& paths) : errors_{paths.config_folder / "errors"} {
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    const int errors = ::open(errors_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (errors < 0 || ::dup2(errors, STDERR_FILENO) < 0) ::_exit(99);
    ::_exit(run_agent({.paths = paths, .quiet = true}));
  }
  ~Process() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int signum) const { ::kill(pid_, signum); }
  /// Waits for its end. The exit code, or minus the signal.
  int wait() {
    int status = 0;
    REQUIRE(::waitpid(std::exchange(pid_, 0), &status, 0) > 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  [[nodiscard]] std::string errors() const { return content_of(errors_); }

 private:
  fs::path errors_;
  pid_t pid_ = 0;
};

/// Connects as soon as somebody listens.
std::unique_ptr<HttpClient> connect(io::Loop& loop, const fs::path& socket) {
  std::unique_ptr<HttpClient> client;
  std::unique_ptr<io::Dialer> dialer;
  std::unique_ptr<io::Timer> again;
  const auto dial = [&] {
    dialer = std::make_unique<io::Dialer>(loop, io::LocalPath{socket.string()}, [&](io::Result<std::unique_ptr<io::Stream>> stream) {
      if (stream) {
        client = std::make_unique<HttpClient>(*std::move(stream));
      } else {
        again->arm(std::chrono::milliseconds{1});
      }
    });
  };
  again = std::make_unique<io::Timer>(loop, dial);
  dial();
  loop.run_until([&] { return client != nullptr; });
  return client;
}

TEST_CASE("an agent answers on its socket, which is its owner's alone, and ends when told to", "[agent][process]") {
  const TemporaryFolder folder;
  const ProfilePaths paths = paths_in(folder.path());
  Process process{paths};
  io::Loop loop;
  const auto client = connect(loop, paths.control_socket);
  struct stat status {};
  REQUIRE(::stat(paths.control_socket.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  REQUIRE(::stat(paths.state_folder.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);

  SECTION("by the API, after the answer") {
    client->request("POST", "/v1/agent/stop");
    loop.run_until([&] { return client->ended; });
    CHECK(client->take().first == 200);
  }
  SECTION("by SIGTERM") { process.signal(SIGTERM); }
  SECTION("by SIGINT") { process.signal(SIGINT); }
  CHECK(process.wait() == 0);
  CHECK_FALSE(fs::exists(paths.control_socket));
  CHECK(content_of(paths.log_file()).find("fast AES-GCM active") != std::string::npos);
  CHECK(content_of(paths.log_file()).find("agent ended") != std::string::npos);
}

TEST_CASE("a path that is too long for a socket address works", "[agent][process]") {
  const TemporaryFolder folder;
  const ProfilePaths paths = paths_in(folder / std::string(100, 'a') / std::string(100, 'b'));
  fs::create_directories(paths.config_folder);
  Process process{paths};
  io::Loop loop;
  const auto client = connect(loop, paths.control_socket);
  client->request("GET", "/v1/status");
  loop.run_until([&] { return client->answers() == 1; });
  CHECK(client->take().first == 200);
  process.signal(SIGTERM);
  CHECK(process.wait() == 0);
}

TEST_CASE("a profile has one agent, also after one was killed", "[agent][process]") {
  const TemporaryFolder folder;
  const ProfilePaths paths = paths_in(folder.path());
  Process first{paths};
  io::Loop loop;
  static_cast<void>(connect(loop, paths.control_socket));
  Process second{paths};
  CHECK(second.wait() == 6);
  CHECK(second.errors().find("runs already") != std::string::npos);
  first.signal(SIGKILL);
  CHECK(first.wait() == -SIGKILL);
  CHECK(fs::exists(paths.control_socket));
  Process third{paths};
  static_cast<void>(connect(loop, paths.control_socket));
  third.signal(SIGTERM);
  CHECK(third.wait() == 0);
}

TEST_CASE("a damaged file keeps the agent from starting, says where, and stays as it is", "[agent][process]") {
  const TemporaryFolder folder;
  const ProfilePaths paths = paths_in(folder.path());
  fs::create_directory(paths.state_folder);
  fs::path file;
  SECTION("state") { file = paths.state_file(); }
  SECTION("configuration") { file = paths.config_file(); }
  write_file(file, "version = 1\nnonsense\n");
  Process process{paths};
  CHECK(process.wait() == 1);
  const std::string errors = process.errors();
  CAPTURE(errors);
  CHECK(errors.starts_with("vanctl: agent: "));
  CHECK(errors.find(file.string()) != std::string::npos);
  CHECK(errors.find("line 2") != std::string::npos);
  CHECK(errors.find('\n') == errors.size() - 1);
  CHECK(content_of(file) == "version = 1\nnonsense\n");
}

}  // namespace
}  // namespace van::agent
