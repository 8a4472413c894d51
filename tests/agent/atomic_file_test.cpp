#include "agent/atomic_file.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/agent/temporary_folder.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::TemporaryFolder;
using test::write_file;

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}
std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator{folder}, fs::directory_iterator{}));
}

/// No file can grow beyond this many bytes while it lives: the same errors come back as from a disk that is full.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    previous_action_ = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &previous_) == 0);
    const rlimit small{.rlim_cur = bytes, .rlim_max = previous_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &previous_);
    std::signal(SIGXFSZ, previous_action_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  rlimit previous_{};
  void (*previous_action_)(int) = nullptr;
};

TEST_CASE("a file is replaced as a whole, for its owner only, and nothing is left beside it", "[agent][file]") {
  const TemporaryFolder folder;
  REQUIRE(replace_file(folder / "f", "one"));
  CHECK(content_of(folder / "f") == "one");
  CHECK(mode_of(folder / "f") == 0600);
  fs::permissions(folder / "f", fs::perms::all);
  REQUIRE(replace_file(folder / "f", "the second"));
  CHECK(content_of(folder / "f") == "the second");
  CHECK(mode_of(folder / "f") == 0600);
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("when the disk is full the old content stays, whole", "[agent][file]") {
  const TemporaryFolder folder;
  REQUIRE(replace_file(folder / "f", "old"));
  {
    const SmallDisk disk{1000};
    const auto replaced = replace_file(folder / "f", std::string(5000, 'n'));
    REQUIRE_FALSE(replaced);
    CHECK(replaced.error().code == Error::Code::failed);
    CHECK(replaced.error().message.find((folder / "f").string()) != std::string::npos);
    CHECK(replaced.error().hint.find("free some space") != std::string::npos);
  }
  CHECK(content_of(folder / "f") == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("what a crash left behind does not disturb", "[agent][file]") {
  const TemporaryFolder folder;
  write_file(folder / "f.new", "half of someth");
  REQUIRE(replace_file(folder / "f", "whole"));
  CHECK(content_of(folder / "f") == "whole");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a link that somebody put in the way is not followed", "[agent][file]") {
  const TemporaryFolder folder;
  write_file(folder / "other", "precious");
  fs::create_symlink(folder / "other", folder / "f.new");
  REQUIRE(replace_file(folder / "f", "new"));
  CHECK(content_of(folder / "other") == "precious");
}

TEST_CASE("a file in a folder that is not there, or in the place of a folder, is an error", "[agent][file]") {
  const TemporaryFolder folder;
  CHECK_FALSE(replace_file(folder / "no/f", "x"));
  fs::create_directory(folder / "d");
  write_file(folder / "d/inside", "x");
  CHECK_FALSE(replace_file(folder / "d", "x"));
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a file that is absent is no error, one that is too large is", "[agent][file]") {
  const TemporaryFolder folder;
  CHECK(read_file(folder / "f", 10).value() == std::nullopt);
  write_file(folder / "f", std::string(10, 'x'));
  CHECK(read_file(folder / "f", 10).value() == std::string(10, 'x'));
  CHECK_FALSE(read_file(folder / "f", 9));
}

TEST_CASE("a copy keeps the old content when the file is replaced", "[agent][file]") {
  const TemporaryFolder folder;
  for (const char* content : {"one", "two", "three"}) {
    if (fs::exists(folder / "f")) REQUIRE(keep_copy(folder / "f", folder / "f.bak"));
    REQUIRE(replace_file(folder / "f", content));
  }
  CHECK(content_of(folder / "f") == "three");
  CHECK(content_of(folder / "f.bak") == "two");
  REQUIRE(keep_copy(folder / "f", folder / "f.bak"));
  REQUIRE(keep_copy(folder / "f", folder / "f.bak"));
  CHECK(content_of(folder / "f.bak") == "three");
  CHECK(entries(folder.path()) == 2);
  CHECK_FALSE(keep_copy(folder / "absent", folder / "x"));
}

TEST_CASE("private folders are made with all that is above them, and made private", "[agent][file]") {
  const TemporaryFolder folder;
  REQUIRE(make_private_folder(folder / "a/b/c"));
  CHECK(mode_of(folder / "a") == 0700);
  CHECK(mode_of(folder / "a/b/c") == 0700);
  fs::permissions(folder / "a/b", fs::perms::owner_all | fs::perms::group_all | fs::perms::others_all);
  REQUIRE(make_private_folder(folder / "a/b"));
  CHECK(mode_of(folder / "a/b") == 0700);
  write_file(folder / "file", "x");
  CHECK_FALSE(make_private_folder(folder / "file"));
  CHECK_FALSE(make_private_folder(folder / "file/below"));
}

TEST_CASE("removing what is not there is fine", "[agent][file]") {
  const TemporaryFolder folder;
  CHECK(remove_file(folder / "f"));
  write_file(folder / "f", "x");
  CHECK(remove_file(folder / "f"));
  CHECK(entries(folder.path()) == 0);
}

}  // namespace
}  // namespace van::agent
