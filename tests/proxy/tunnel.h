#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/io/dialer.h"
#include "core/io/listener.h"
#include "proxy/tcp_exposure.h"
#include "proxy/tcp_stand_in.h"
#include "tests/agent/temporary_folder.h"
#include "tests/core/io/stream_pair.h"
#include "tests/core/link/site.h"

namespace van::proxy::test {

using io::test::Recorder;
using io::test::text;
using link::test::closed_port;
using link::test::run_turns;
using link::test::run_until;

/// A local socket, with what it heard.
struct Socket {
  Recorder heard;
  std::unique_ptr<io::Stream> stream;

  void take(std::unique_ptr<io::Stream> connected) {
    stream = std::move(connected);
    stream->set_handler(heard);
    stream->read_start();
  }
  void write(std::string_view words) const {
    if (stream) stream->write(text(words));
  }
  [[nodiscard]] bool reset() const { return heard.error && heard.error->code == io::Error::Code::reset; }
  [[nodiscard]] bool over() const { return heard.ends + heard.closes > 0; }
};

/// A local server that keeps all its connections.
class Server {
 public:
  Server(io::Loop& loop, const Endpoint& local) {
    const auto accept = [this](std::unique_ptr<io::Stream> stream) {
      sockets.push_back(std::make_unique<Socket>());
      sockets.back()->take(std::move(stream));
      if (on_accept) on_accept(*sockets.back());
    };
    if (local.is_path()) {
      unix_ = std::move(io::LocalListener::listen(loop, local.path, accept)).value();
    } else {
      tcp_ = std::move(io::TcpListener::listen(loop, local.host, local.port, accept)).value();
    }
  }
  void stop() {
    sockets.clear();
    tcp_.reset();
    unix_.reset();
  }
  [[nodiscard]] Endpoint endpoint() const {
    return tcp_ ? Endpoint{.host = "127.0.0.1", .port = tcp_->port(), .path = {}}
                : Endpoint{.host = {}, .port = 0, .path = unix_->path()};
  }
  std::vector<std::unique_ptr<Socket>> sockets;
  std::function<void(Socket&)> on_accept;

 private:
  std::unique_ptr<io::TcpListener> tcp_;
  std::unique_ptr<io::LocalListener> unix_;
};

/// A client's socket; over at once when the other end reset it while it connected.
inline std::unique_ptr<Socket> connect(io::Loop& loop, const Endpoint& to) {
  auto socket = std::make_unique<Socket>();
  io::Target target = io::HostPort{to.host, to.port};
  if (to.is_path()) target = io::LocalPath{to.path};
  const io::Dialer dialer{loop, std::move(target), [&socket](io::Result<std::unique_ptr<io::Stream>> result) {
                            if (!result) return socket->heard.on_closed(result.error());
                            socket->take(*std::move(result));
                          }};
  REQUIRE(run_until(loop, [&socket] { return socket->stream != nullptr || socket->over(); }));
  return socket;
}

enum class Kind { tcp, local };

/// A server beside a site is put into the network, and a laptop on that site has a stand-in for it.
class Tunnel {
 public:
  explicit Tunnel(Kind kind = Kind::tcp)
      : server{pair.loop, endpoint(kind, "server")},
        exposure{std::make_unique<TcpExposure>(Parts{*pair.mill, pair.loop, log}, ExposureConfig{.address = "greeting", .target = server.endpoint(), .cost = 0})} {
    auto opened = TcpStandIn::open({*pair.laptop, pair.loop, log}, {.address = "greeting", .local = endpoint(kind, "stand-in")});
    REQUIRE(opened);
    stand_in = *std::move(opened);
    REQUIRE(run_until(pair.loop, [this] { return stand_in->reachable(); }));
  }

  std::unique_ptr<Socket> connect() { return test::connect(pair.loop, stand_in->local()); }
  /// A client and the server's end of its connection.
  struct Ends {
    std::unique_ptr<Socket> client;
    Socket& server;
  };
  Ends open() {
    const std::size_t before = server.sockets.size();
    auto client = connect();
    REQUIRE(run([&] { return server.sockets.size() > before; }));
    return {std::move(client), *server.sockets.back()};
  }
  bool run(const std::function<bool()>& done) { return run_until(pair.loop, done); }
  /// Both ends have let go of all connections.
  bool run_until_idle() {
    return run([this] { return exposure->idle() && stand_in->counters().in_flight == 0; });
  }

  van::test::TemporaryFolder folder;
  spdlog::logger log{"proxy"};  // without sinks
  link::test::Pair pair;
  Server server;
  std::unique_ptr<TcpExposure> exposure;
  std::unique_ptr<TcpStandIn> stand_in;

 private:
  [[nodiscard]] Endpoint endpoint(Kind kind, std::string_view name) const {
    if (kind == Kind::tcp) return {.host = "127.0.0.1", .port = 0, .path = {}};
    return {.host = {}, .port = 0, .path = (folder / name).string()};
  }
};

}  // namespace van::proxy::test
