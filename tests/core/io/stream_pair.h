#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/io/dialer.h"
#include "core/io/file_descriptor.h"
#include "core/io/listener.h"
#include "core/io/loop.h"
#include "core/io/stream.h"
#include "tests/support/catch.h"

namespace van::io::test {

/// Notes what a stream says, and then calls a hook if there is one.
struct Recorder : StreamHandler {
  void on_data(Slice data) override {
    received += as_text(data.view());
    bytes += data.size();
    if (after_data) after_data();
  }
  void on_end() override {
    ++ends;
    if (after_end) after_end();
  }
  void on_drained() override {
    ++drained;
    if (after_drained) after_drained();
  }
  void on_closed(const Error& why) override {
    ++closes;
    error = why;
    if (after_closed) after_closed();
  }
  [[nodiscard]] int calls() const { return ends + drained + closes + static_cast<int>(bytes); }

  std::string received;
  std::size_t bytes = 0;
  int ends = 0;
  int drained = 0;
  int closes = 0;
  std::optional<Error> error;
  std::function<void()> after_data;
  std::function<void()> after_end;
  std::function<void()> after_drained;
  std::function<void()> after_closed;
};

enum class Kind { tcp, local };

/// Two connected streams on one loop, both reading.
struct StreamPair {
  StreamPair(Loop& loop, Kind kind) {
    if (kind == Kind::tcp) {
      connect_tcp(loop);
    } else {
      int fds[2] = {-1, -1};
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
      a = std::move(Stream::adopt(loop, fds[0])).value();
      b = std::move(Stream::adopt(loop, fds[1])).value();
    }
    a->set_handler(at_a);
    b->set_handler(at_b);
    a->read_start();
    b->read_start();
  }

  Recorder at_a;
  Recorder at_b;
  std::unique_ptr<Stream> a;
  std::unique_ptr<Stream> b;

 private:
  void connect_tcp(Loop& loop) {
    const auto accept = [this](std::unique_ptr<Stream> stream) { b = std::move(stream); };
    auto listener = TcpListener::listen(loop, "127.0.0.1", 0, accept);
    REQUIRE(listener);
    const Dialer dialer{loop, HostPort{"127.0.0.1", listener.value()->port()},
                        [this](Result<std::unique_ptr<Stream>> result) { a = std::move(result).value(); }};
    REQUIRE(loop.run_until([this] { return a != nullptr && b != nullptr; }));
  }
};

/// A folder of mode 0700 that is removed with all its files.
class PrivateFolder {
 public:
  PrivateFolder() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string{base != nullptr ? base : "/tmp"} + "/van-io-XXXXXX";
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// A socket with the file `path`, not listening.
FileDescriptor bound_socket(const std::string& path);

inline Slice text(std::string_view bytes) { return Slice::copy_of(as_bytes(bytes)); }

}  // namespace van::io::test
