#include "cli/system.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/cli/fake_agent.h"
#include "tests/cli/temporary_folder.h"
#include "tests/support/catch.h"

using namespace van;
using namespace std::chrono_literals;
using cli::SystemError;

namespace {

namespace fs = std::filesystem;

cli::Deadline soon() { return std::chrono::steady_clock::now() + 20s; }
cli::Deadline now() { return std::chrono::steady_clock::now(); }

std::string content_of(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}
void put(const fs::path& path, std::string_view content) { std::ofstream{path, std::ios::binary} << content; }
fs::perms mode_of(const fs::path& path) { return fs::status(path).permissions(); }
std::size_t entries_of(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator{folder}, fs::directory_iterator{}));
}
constexpr fs::perms kOwnerOnly = fs::perms::owner_read | fs::perms::owner_write;

}  // namespace

TEST_CASE("a private file is readable by its owner only, also when it replaces another", "[cli][system]") {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path() / "token.yaml";
  REQUIRE(cli::write_private_file(file, "one"));
  CHECK(content_of(file) == "one");
  CHECK(mode_of(file) == kOwnerOnly);

  fs::permissions(file, fs::perms::all);
  REQUIRE(cli::write_private_file(file, "two"));
  CHECK(content_of(file) == "two");
  CHECK(mode_of(file) == kOwnerOnly);
  CHECK(entries_of(folder.path()) == 1);
}

TEST_CASE("a private file is written through a symbolic link, not over it", "[cli][system]") {
  const test::TemporaryFolder folder;
  put(folder.path() / "real", "old");
  fs::create_symlink("real", folder.path() / "link");
  REQUIRE(cli::write_private_file(folder.path() / "link", "new"));
  CHECK(fs::is_symlink(folder.path() / "link"));
  CHECK(content_of(folder.path() / "real") == "new");
}

TEST_CASE("a file that can't be written leaves no trace", "[cli][system]") {
  const test::TemporaryFolder folder;
  const auto missing = cli::write_private_file(folder.path() / "no" / "file", "x");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == SystemError::Code::not_found);
  CHECK_FALSE(cli::write_private_file(folder.path(), "x"));
  CHECK(entries_of(folder.path()) == 0);
}

TEST_CASE("a device is written to as it is", "[cli][system]") {
  CHECK(cli::write_private_file("/dev/null", "x"));
#if defined(__linux__)
  const auto full = cli::write_private_file("/dev/full", "x");
  REQUIRE_FALSE(full);
  CHECK(full.error().code == SystemError::Code::other);
#endif
}

TEST_CASE("a file is read up to its limit, and refused beyond it", "[cli][system]") {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path() / "file";
  put(file, std::string(1000, 'x'));
  CHECK(cli::read_file(file, 1000).value().size() == 1000);
  CHECK(cli::read_file(file, 999).error().code == SystemError::Code::closed);
  CHECK(cli::read_file(folder.path() / "none", 10).error().code == SystemError::Code::not_found);
  CHECK(cli::read_file(folder.path(), 10).error().code == SystemError::Code::other);
}

TEST_CASE("a private folder is made with its parents", "[cli][system]") {
  const test::TemporaryFolder folder;
  const fs::path deep = folder.path() / "a" / "b";
  REQUIRE(cli::make_private_folder(deep));
  CHECK(mode_of(deep) == fs::perms::owner_all);
  CHECK(cli::make_private_folder(deep));
  put(folder.path() / "file", "");
  CHECK_FALSE(cli::make_private_folder(folder.path() / "file" / "below"));
}

TEST_CASE("nobody at a socket is told apart from other errors", "[cli][system]") {
  const test::TemporaryFolder folder;
  CHECK(cli::LocalStream::connect(folder.path() / "none.sock", soon()).error().code == SystemError::Code::not_found);
  CHECK(cli::LocalStream::connect(folder.path() / "none" / "none.sock", soon()).error().code ==
        SystemError::Code::not_found);
  const fs::path left = folder.path() / "left.sock";
  const fs::path kept = folder.path() / "kept.sock";
  {
    const test::FakeAgent agent{left, [](const auto&) { return std::string{}; }};
    fs::create_hard_link(left, kept);
  }
  CHECK(cli::LocalStream::connect(kept, soon()).error().code ==
        SystemError::Code::not_found);  // the file of a dead agent
}

TEST_CASE("a socket path longer than a socket address is reached", "[cli][system]") {
  const test::TemporaryFolder folder;
  const test::FakeAgent agent{folder.path() / "s", [](const auto&) { return std::string{"hello"}; }};
  const fs::path deep = folder.path() / std::string(100, 'd') / std::string(100, 'e');
  fs::create_directories(deep);
  fs::rename(folder.path() / "s", deep / "agent.sock");

  auto stream = cli::LocalStream::connect(deep / "agent.sock", soon());
  REQUIRE(stream);
  CHECK(stream->peer_pid() == ::getpid());
  REQUIRE(stream->write("GET / HTTP/1.1\r\n\r\n", soon()));
  std::string text;
  char block[3];
  for (;;) {
    const auto count = stream->read(block, soon());
    REQUIRE(count);
    if (*count == 0) break;
    text.append(block, *count);
  }
  CHECK(text == "hello");
}

TEST_CASE("a read gives up at its deadline", "[cli][system]") {
  const test::TemporaryFolder folder;
  const test::FakeAgent agent{folder.path() / "s", [](const auto&) { return std::string{}; }};
  auto stream = cli::LocalStream::connect(folder.path() / "s", soon());
  REQUIRE(stream);
  char block[1];
  CHECK(stream->read(block, now()).error().code == SystemError::Code::timeout);
}

TEST_CASE("a background process gets its variables, its own session and a new error file", "[cli][system]") {
  const test::TemporaryFolder folder;
  const fs::path errors = folder.path() / "errors";
  put(errors, "old\n");
  fs::permissions(errors, kOwnerOnly);
  auto process =
      cli::BackgroundProcess::start({.command = {"/bin/sh", "-c", "echo \"$VANCTL_TEST $(pwd)\" >&2; exit 3"},
                                     .error_file = errors,
                                     .variables = {"VANCTL_TEST=yes"}});
  REQUIRE(process);
  CHECK(cli::ProcessWatch{process->pid()}.wait_gone(soon()));
  CHECK(process->poll_exit() == 3);
  CHECK(process->poll_exit() == 3);
  CHECK(content_of(errors) == "yes /\n");
}

TEST_CASE("a program that is not there ends with 127 and says why", "[cli][system]") {
  const test::TemporaryFolder folder;
  auto process = cli::BackgroundProcess::start(
      {.command = {(folder.path() / "none").string()}, .error_file = folder.path() / "errors", .variables = {}});
  REQUIRE(process);
  CHECK(cli::ProcessWatch{process->pid()}.wait_gone(soon()));
  CHECK(process->poll_exit() == 127);
  CHECK_FALSE(content_of(folder.path() / "errors").empty());
}

TEST_CASE("a process that lives is not gone", "[cli][system]") {
  CHECK_FALSE(cli::ProcessWatch{::getpid()}.wait_gone(now()));
}
