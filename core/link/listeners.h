#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "core/base/expected.h"
#include "core/io/error.h"
#include "core/io/listener.h"
#include "core/io/loop.h"
#include "core/io/stream.h"
#include "core/link/connections.h"
#include "core/link/link_status.h"
#include "core/router/router.h"
#include "core/tls/context.h"

namespace van::link {

struct ListenerConfig {
  std::string host;  ///< address to bind
  std::uint16_t port = 0;  ///< 0: the system picks one
  router::PeerRole role = router::PeerRole::edge;
  std::shared_ptr<tls::Context> tls;  ///< server context; null: plain TCP (tests)
  std::string access_id = {};  ///< what telemetry calls the listener; told to who comes in by it
};

struct ClientCounts {
  std::size_t connected = 0;
  std::uint64_t accepted = 0;  ///< since it was added, as the others
  std::uint64_t octets_in = 0, octets_out = 0;  ///< of their sockets, as we see them
};

/// The places where others come in: sites through sockets that it listens on, clients as connections that it is handed. At most 256
/// of them are not peers yet, in all; of clients, limits::kClients come in by one place at a time. More are closed.
class Listeners {
 public:
  /// All must outlive it.
  Listeners(io::Loop& loop, Connections& connections) : loop_{loop}, connections_{connections} {}

  Expected<ListenerId, io::Error> add(ListenerConfig config);
  ListenerId add_client_port();
  void remove(ListenerId id);  ///< closes what came in by it, too
  [[nodiscard]] std::uint16_t port(ListenerId id) const { return listeners_.at(id).socket->port(); }  ///< of one with a socket
  [[nodiscard]] const std::string& address(ListenerId id) const { return listeners_.at(id).socket->address(); }  ///< the same: "127.0.0.1:5432"
  void accept(ListenerId id, std::unique_ptr<io::Stream> stream);
  [[nodiscard]] ClientCounts clients(ListenerId id) const;
  void count_gone(const Connections::Held& gone);  ///< its octets stay counted

 private:
  struct Listener {
    ListenerConfig config;
    std::unique_ptr<io::TcpListener> socket;  ///< none where clients come in
    std::uint64_t accepted = 0;
    PeerConnection::Octets octets;  ///< of those that have ended
  };
  io::Loop& loop_;
  Connections& connections_;
  std::uint32_t last_id_ = 0;
  std::map<ListenerId, Listener> listeners_;
};

}  // namespace van::link
