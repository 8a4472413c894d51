#include "core/io/listener.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "core/io/file_descriptor.h"
#include "core/base/local_socket.h"
#include "core/io/timer.h"
#include "tests/core/io/stream_pair.h"

namespace van::io {
using namespace std::chrono_literals;
using test::PrivateFolder;

namespace {

void ignore(std::unique_ptr<Stream>) {}

/// One connection to `target`, a word each way.
void check_conversation(Loop& loop, Target target, std::unique_ptr<Stream>& accepted) {
  std::unique_ptr<Stream> client;
  const Dialer dialer{loop, std::move(target), [&client](Result<std::unique_ptr<Stream>> result) {
                        REQUIRE(result);
                        client = std::move(result).value();
                      }};
  REQUIRE(loop.run_until([&client, &accepted] { return client != nullptr && accepted != nullptr; }));
  test::Recorder at_client;
  test::Recorder at_server;
  client->set_handler(at_client);
  accepted->set_handler(at_server);
  client->read_start();
  accepted->read_start();
  client->write(test::text("ping"));
  accepted->write(test::text("pong"));
  REQUIRE(loop.run_until([&at_client, &at_server] { return at_client.bytes == 4 && at_server.bytes == 4; }));
  CHECK(at_server.received == "ping");
  CHECK(at_client.received == "pong");
  accepted.reset();
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info.st_mode;
}

/// What a crashed process leaves: a bound socket file that nobody accepts on.
void leave_stale(const std::string& path) {
  { const FileDescriptor socket = test::bound_socket(path); }
  REQUIRE(S_ISSOCK(mode_of(path)));
}

}  // namespace

TEST_CASE("a port is ours alone while we listen, and free afterwards", "[io][listener]") {
  Loop loop;
  auto first = TcpListener::listen(loop, "127.0.0.1", 0, ignore);
  REQUIRE(first);
  const std::uint16_t port = first.value()->port();
  CHECK(port != 0);
  CHECK(first.value()->address() == "127.0.0.1:" + std::to_string(port));
  auto second = TcpListener::listen(loop, "127.0.0.1", port, ignore);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Error::Code::address_in_use);
  first.value().reset();
  CHECK(TcpListener::listen(loop, "127.0.0.1", port, ignore));
}

TEST_CASE("a port with connections that linger can be had again at once", "[io][listener]") {
  Loop loop;
  std::unique_ptr<Stream> accepted;
  auto listener =
      TcpListener::listen(loop, "127.0.0.1", 0, [&accepted](std::unique_ptr<Stream> s) { accepted = std::move(s); });
  const std::uint16_t port = listener.value()->port();
  check_conversation(loop, HostPort{"127.0.0.1", port}, accepted);  // the server closes first: TIME_WAIT is its
  listener.value().reset();
  CHECK(TcpListener::listen(loop, "127.0.0.1", port, ignore));
}

TEST_CASE("an address that is not this machine's, or none, is an error", "[io][listener]") {
  Loop loop;
  const auto named = TcpListener::listen(loop, "example.invalid", 0, ignore);
  REQUIRE_FALSE(named);
  CHECK(named.error().code == Error::Code::name_not_found);
  const auto foreign = TcpListener::listen(loop, "192.0.2.1", 0, ignore);  // RFC 5737: nobody's
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().code == Error::Code::unreachable);
}

TEST_CASE("a listener may be destroyed in its callback, and is silent then", "[io][listener]") {
  Loop loop;
  std::unique_ptr<TcpListener> listener;
  int accepted = 0;
  listener = std::move(TcpListener::listen(loop, "127.0.0.1", 0, [&listener, &accepted](std::unique_ptr<Stream>) {
               ++accepted;
               listener.reset();
             })).value();
  int results = 0;
  const auto count = [&results](Result<std::unique_ptr<Stream>>) { ++results; };
  const HostPort target{"127.0.0.1", listener->port()};
  const Dialer one{loop, target, count};
  const Dialer two{loop, target, count};
  REQUIRE(loop.run_until([&results, &accepted] { return results == 2 && accepted > 0; }));
  CHECK(accepted == 1);
}

TEST_CASE("without file descriptors a listener pauses, and accepts when there are some again", "[io][listener]") {
  Loop loop;
  std::unique_ptr<Stream> accepted;
  auto listener =
      TcpListener::listen(loop, "127.0.0.1", 0, [&accepted](std::unique_ptr<Stream> s) { accepted = std::move(s); });
  REQUIRE(listener);
  std::unique_ptr<Stream> client;
  const Dialer dialer{loop, HostPort{"127.0.0.1", listener.value()->port()},
                      [&client](Result<std::unique_ptr<Stream>> result) { client = std::move(result).value(); }};
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  bool later = false;
  Timer timer{loop, [&later] { later = true; }};
  timer.arm(150ms);  // more than one pause of 100 ms
  const std::size_t turns = loop.turns();
  const bool ran = loop.run_until([&later] { return later; });
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(ran);
  CHECK(accepted == nullptr);
  CHECK(loop.turns() - turns < 20);
  REQUIRE(loop.run_until([&accepted] { return accepted != nullptr; }));
}

TEST_CASE("a local socket talks, is its user's alone, and goes with its listener", "[io][listener]") {
  Loop loop;
  const PrivateFolder folder;
  const std::string path = folder.file("agent.sock");
  const mode_t before = ::umask(0);  // even so
  std::unique_ptr<Stream> accepted;
  auto listener =
      LocalListener::listen(loop, path, [&accepted](std::unique_ptr<Stream> s) { accepted = std::move(s); });
  CHECK(::umask(before) == 0);  // and the process's is as it was
  REQUIRE(listener);
  CHECK(mode_of(path) == (S_IFSOCK | 0600));
  check_conversation(loop, LocalPath{path}, accepted);
  listener.value().reset();
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a socket path may be longer than a socket address", "[io][listener]") {
  Loop loop;
  const PrivateFolder folder;
  const std::string deep = folder.file(std::string(100, 'a') + "/" + std::string(100, 'b'));
  REQUIRE(std::filesystem::create_directories(deep));
  const std::string path = deep + "/agent.sock";
  std::unique_ptr<Stream> accepted;
  const auto accept = [&accepted](std::unique_ptr<Stream> s) { accepted = std::move(s); };
  {
    const auto listener = LocalListener::listen(loop, path, accept);
    REQUIRE(listener);
    check_conversation(loop, LocalPath{path}, accepted);
    const auto second = LocalListener::listen(loop, path, accept);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Error::Code::address_in_use);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  leave_stale(path);
  CHECK(LocalListener::listen(loop, path, accept));
}

TEST_CASE("a stale socket file is replaced, a living one and any other file are not", "[io][listener]") {
  Loop loop;
  const PrivateFolder folder;
  const std::string path = folder.file("agent.sock");
  SECTION("stale") {
    leave_stale(path);
    std::unique_ptr<Stream> accepted;
    const auto listener =
        LocalListener::listen(loop, path, [&accepted](std::unique_ptr<Stream> s) { accepted = std::move(s); });
    REQUIRE(listener);
    check_conversation(loop, LocalPath{path}, accepted);
  }
  SECTION("living") {
    const auto first = LocalListener::listen(loop, path, ignore);
    REQUIRE(first);
    const auto second = LocalListener::listen(loop, path, ignore);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Error::Code::address_in_use);
    CHECK(S_ISSOCK(mode_of(path)));
  }
  SECTION("a file") {
    ::close(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
    const auto listener = LocalListener::listen(loop, path, ignore);
    REQUIRE_FALSE(listener);
    CHECK(listener.error().code == Error::Code::address_in_use);
    CHECK(S_ISREG(mode_of(path)));
  }
  SECTION("no folder") {
    const auto listener = LocalListener::listen(loop, folder.file("none/agent.sock"), ignore);
    REQUIRE_FALSE(listener);
    CHECK(listener.error().code == Error::Code::not_found);
  }
}

TEST_CASE("a listener leaves a socket file that is not its own any more", "[io][listener]") {
  Loop loop;
  const PrivateFolder folder;
  const std::string path = folder.file("agent.sock");
  auto first = LocalListener::listen(loop, path, ignore);
  REQUIRE(first);
  REQUIRE(::rename(path.c_str(), folder.file("moved").c_str()) == 0);
  leave_stale(path);
  first.value().reset();
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("a path that can't be a socket's is an error", "[io][local_address]") {
  CHECK_FALSE(local_socket(""));
  CHECK_FALSE(local_socket(std::string{"a\0b", 3}));
  const auto name = local_socket("/" + std::string(200, 'n'));
  REQUIRE_FALSE(name);
  CHECK(name.error() == ENAMETOOLONG);
  const auto fits = local_socket("/" + std::string(106, 'n'));
  REQUIRE(fits);
  CHECK(fits.value().path() == "/" + std::string(106, 'n'));
}

TEST_CASE("a port that several loops share is refused to others", "[io][listener]") {
  Loop loop;
  const auto first = std::move(TcpListener::listen(loop, "127.0.0.1", 0, ignore, Sharing::first)).value();
  const auto second = TcpListener::listen(loop, "127.0.0.1", first->port(), ignore, Sharing::joins);
  REQUIRE(second);
  CHECK((*second)->port() == first->port());
  for (const auto sharing : {Sharing::alone, Sharing::first}) {
    const auto stranger = TcpListener::listen(loop, "127.0.0.1", first->port(), ignore, sharing);
    REQUIRE_FALSE(stranger);
    CHECK(stranger.error().code == Error::Code::address_in_use);
  }
}

}  // namespace van::io
