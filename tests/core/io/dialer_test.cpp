#include "core/io/dialer.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "core/io/file_descriptor.h"
#include "core/base/local_socket.h"
#include "core/io/timer.h"
#include "tests/core/io/stream_pair.h"

namespace van::io {
using namespace std::chrono_literals;
using Connected = Result<std::unique_ptr<Stream>>;

namespace {

/// A loopback port where nobody listens: one that was free a moment ago.
std::uint16_t refusing_port(Loop& loop) {
  return std::move(TcpListener::listen(loop, "127.0.0.1", 0, [](std::unique_ptr<Stream>) {})).value()->port();
}

Connected dial(Loop& loop, Target target, Dialer::Options options = {}) {
  std::optional<Connected> result;
  const Dialer dialer{loop, std::move(target), options, [&result](Connected got) {
                        REQUIRE_FALSE(result);
                        result.emplace(std::move(got));
                      }};
  CHECK_FALSE(result);  // never from inside the constructor
  REQUIRE(loop.run_until([&result] { return result.has_value(); }));
  return std::move(*result);
}

}  // namespace

TEST_CASE("a host's name and its address both lead to a connection", "[io][dialer]") {
  Loop loop;
  std::unique_ptr<Stream> accepted;
  auto listener =
      TcpListener::listen(loop, "localhost", 0, [&accepted](std::unique_ptr<Stream> s) { accepted = std::move(s); });
  REQUIRE(listener);
  const std::string host = GENERATE("localhost", "127.0.0.1");
  const auto result = dial(loop, HostPort{host, listener.value()->port()});
  REQUIRE(result);
  CHECK(result.value()->peer_address() == listener.value()->address());
  REQUIRE(loop.run_until([&accepted] { return accepted != nullptr; }));
}

TEST_CASE("localhost is a server on either loopback, and so are names below it", "[io][dialer]") {
  Loop loop;
  const std::string place = GENERATE("127.0.0.1", "::1");
  const std::string host = GENERATE("localhost", "shop.localhost");
  CAPTURE(place, host);
  std::unique_ptr<Stream> accepted;
  auto listener = TcpListener::listen(loop, place, 0, [&accepted](std::unique_ptr<Stream> s) { accepted = std::move(s); });
  if (!listener && place == "::1") return;  // a machine without IPv6
  REQUIRE(listener);
  const auto result = dial(loop, HostPort{host, listener.value()->port()});
  REQUIRE(result);
  CHECK(result.value()->peer_address() == listener.value()->address());
  REQUIRE(loop.run_until([&accepted] { return accepted != nullptr; }));
}

TEST_CASE("nobody listening is refused", "[io][dialer]") {
  Loop loop;
  const auto result = dial(loop, HostPort{"127.0.0.1", refusing_port(loop)});
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Error::Code::refused);
  CHECK(result.error().message.find("connect to 127.0.0.1:") == 0);
}

TEST_CASE("a name that does not resolve is name_not_found", "[io][dialer]") {
  Loop loop;
  SECTION("a label that is too long never leaves the machine") {
    const auto result = dial(loop, HostPort{std::string(70, 'a') + ".invalid", 80});
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Error::Code::name_not_found);
  }
  SECTION("not numeric") {
    const auto result = dial(loop, AddressList{{"localhost"}, 80});
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Error::Code::name_not_found);
  }
  SECTION("no address") {
    const auto result = dial(loop, AddressList{{}, 80});
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Error::Code::name_not_found);
  }
}

TEST_CASE("when the first address refuses the next one is tried at once", "[io][dialer]") {
  Loop loop;
  auto listener = TcpListener::listen(loop, "127.0.0.1", 0, [](std::unique_ptr<Stream>) {});
  REQUIRE(listener);
  const std::uint16_t port = listener.value()->port();
  const auto result = dial(loop, AddressList{{"127.0.0.2", "127.0.0.1"}, port}, {.timeout = 60s, .stagger = 1h});
  REQUIRE(result);
  CHECK(result.value()->peer_address() == listener.value()->address());
}

TEST_CASE("when all addresses fail the first failure is the result", "[io][dialer]") {
  Loop loop;
  const auto result = dial(loop, AddressList{{"127.0.0.2", "127.0.0.3"}, refusing_port(loop)});
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Error::Code::refused);
  CHECK(result.error().message.find("127.0.0.2") != std::string::npos);
}

TEST_CASE("a listener that is busy is waited for, no longer than the time-out", "[io][dialer]") {
  Loop loop;
  const test::PrivateFolder folder;
  const std::string path = folder.file("busy");
  const FileDescriptor listening = test::bound_socket(path);
  REQUIRE(::listen(listening.get(), 1) == 0);
  std::vector<FileDescriptor> waiting;  // until the backlog is full
  const auto address = local_socket(path);
  REQUIRE(address);
  do {
    REQUIRE(waiting.size() < 100);
    waiting.emplace_back(::socket(AF_UNIX, SOCK_STREAM, 0));
    ::fcntl(waiting.back().get(), F_SETFL, O_NONBLOCK);
  } while (::connect(waiting.back().get(), address.value().get(), address.value().size()) == 0);
  REQUIRE(errno == EAGAIN);

  const auto late = dial(loop, LocalPath{path}, {.timeout = 30ms});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Error::Code::timed_out);

  Timer server{loop, [&listening] { ::close(::accept(listening.get(), nullptr, nullptr)); }};
  server.arm(15ms);
  CHECK(dial(loop, LocalPath{path}, {.timeout = 60s}));
}

TEST_CASE("a dialer that is destroyed calls nobody", "[io][dialer]") {
  Loop loop;
  auto listener = TcpListener::listen(loop, "127.0.0.1", 0, [](std::unique_ptr<Stream>) {});
  const Target target = GENERATE_REF(
      values<Target>({HostPort{"localhost", listener.value()->port()}, HostPort{"127.0.0.1", listener.value()->port()},
                      HostPort{"127.0.0.1", 1}, AddressList{{"x"}, 1}, LocalPath{"/nonexistent/socket"}}));
  {
    const Dialer dialer{loop, target, [](Connected) { FAIL("a cancelled dialer called back"); }};
  }
  Timer timer{loop, [&loop] { loop.stop(); }};
  timer.arm(10ms);
  loop.run();
}

TEST_CASE("a dialer may be destroyed in its callback", "[io][dialer]") {
  Loop loop;
  auto listener = TcpListener::listen(loop, "127.0.0.1", 0, [](std::unique_ptr<Stream>) {});
  const std::uint16_t port = GENERATE_REF(values<std::uint16_t>({listener.value()->port(), refusing_port(loop)}));
  const auto witness = std::make_shared<int>(1);
  std::unique_ptr<Dialer> dialer;
  bool done = false;
  dialer = std::make_unique<Dialer>(loop, HostPort{"127.0.0.1", port}, [&dialer, &done, witness](Connected) {
    dialer.reset();
    done = *witness == 1;
  });
  REQUIRE(loop.run_until([&done] { return done; }));
}

TEST_CASE("no socket file is not_found, an abandoned one is refused", "[io][dialer]") {
  Loop loop;
  const test::PrivateFolder folder;
  const auto missing = dial(loop, LocalPath{folder.file("none")});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Error::Code::not_found);
  { const FileDescriptor left = test::bound_socket(folder.file("left")); }
  const auto abandoned = dial(loop, LocalPath{folder.file("left")});
  REQUIRE_FALSE(abandoned);
  CHECK(abandoned.error().code == Error::Code::refused);
  const auto no_folder = dial(loop, LocalPath{folder.file(std::string(150, 'd') + "/none")});
  REQUIRE_FALSE(no_folder);
  CHECK(no_folder.error().code == Error::Code::not_found);
}

}  // namespace van::io
