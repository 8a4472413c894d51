#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <spdlog/fwd.h>

#include "core/io/dialer.h"
#include "core/link/node.h"
#include "proxy/endpoint.h"
#include "proxy/tls_files.h"
#include "proxy/tls_handshake.h"

namespace van::proxy {

/// The server behind an exposure, and what a connection to it begins with.
class Target {
 public:
  struct Config {
    Endpoint endpoint = {};
    bool proxy_protocol = false;             ///< each connection begins with proxy_header()
    std::optional<TlsFiles> tls = std::nullopt;  ///< then TLS, verified; not for a path: there is no name to verify
  };
  /// `node`, `loop` and `log` must outlive it, and it those that connect to it.
  Target(link::Node& node, io::Loop& loop, spdlog::logger& log, const Config& config);

  [[nodiscard]] const Endpoint& endpoint() const { return config_.endpoint; }
  [[nodiscard]] bool tls() const { return contexts_ != nullptr; }

  /// One connection being made. Destroying it cancels.
  class Connecting;
  using Done = std::function<void(io::Result<std::unique_ptr<io::Stream>>)>;
  /// `client`: for whom; empty: for nobody. `timeout` is for connecting; a handshake has its own. `done` comes once, never from
  /// inside the call; it may destroy what is returned. Who gets the stream sets its handler at once.
  std::unique_ptr<Connecting> connect(const router::ClientFacts& client, Duration timeout, Done done);

 private:
  link::Node& node_;
  io::Loop& loop_;
  Config config_;
  std::unique_ptr<TlsContexts> contexts_;
};

class Target::Connecting final : private io::StreamHandler {
 public:
  Connecting(Target& target, router::ClientFacts client, Duration timeout, Done done);

 private:
  void connected(io::Result<std::unique_ptr<io::Stream>> result);
  void secure(std::unique_ptr<io::Stream> stream);
  void over(io::Result<std::unique_ptr<io::Stream>> result);
  void on_data(Slice) override {}  // of the stream between its connection and what comes next: it does not read
  void on_end() override {}
  void on_closed(const io::Error&) override {}

  Target& target_;
  router::ClientFacts client_;
  Done done_;
  std::unique_ptr<TlsHandshake> handshake_;
  io::Dialer dialer_;
};

}  // namespace van::proxy
