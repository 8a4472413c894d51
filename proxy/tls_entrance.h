#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/link/node.h"
#include "proxy/protocol.h"
#include "proxy/tls_files.h"
#include "proxy/tls_handshake.h"

namespace van::proxy {

/// What clients agree on with a stand-in of this protocol (RFC 7301): as Skupper's, tcp is content with HTTP of any version, the old
/// one first, because what is behind it may speak only that.
std::vector<std::string> alpn_of(Protocol protocol);

/// Terminates TLS for the clients of a stand-in. Who does not get through the handshake is dropped, and so is, at once, who comes
/// while kHandshakesMax are under way.
class TlsEntrance {
 public:
  static constexpr std::size_t kHandshakesMax = 256;
  using OnSecured = std::function<void(Secured)>;

  /// `node`, `loop` and `log` must outlive it. `on_secured` may not destroy it.
  TlsEntrance(link::Node& node, io::Loop& loop, spdlog::logger& log, const TlsFiles& files, Protocol protocol, OnSecured on_secured);

  void accept(std::unique_ptr<io::Stream> client);

 private:
  void done(std::uint64_t number, io::Result<Secured> result);

  link::Node& node_;
  io::Loop& loop_;
  spdlog::logger& log_;
  TlsContexts contexts_;
  std::vector<std::string> alpn_;
  OnSecured on_secured_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<TlsHandshake>> handshakes_;
};

}  // namespace van::proxy
