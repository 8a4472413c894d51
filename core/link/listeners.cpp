#include "core/link/listeners.h"

#include <utility>

#include "core/base/limits.h"

namespace van::link {
namespace {

constexpr std::size_t kUnfinishedHandshakes = 256;

}  // namespace

Expected<ListenerId, io::Error> Listeners::add(ListenerConfig config) {
  const ListenerId id{++last_id_};
  auto socket = io::TcpListener::listen(loop_, config.host, config.port, [this, id](std::unique_ptr<io::Stream> stream) { accept(id, std::move(stream)); });
  if (!socket) return Unexpected{socket.error()};
  listeners_[id] = Listener{std::move(config), std::move(*socket), 0, {}};
  return id;
}

ListenerId Listeners::add_client_port() {
  const ListenerId id{++last_id_};
  listeners_[id].config.role = router::PeerRole::client;
  return id;
}

void Listeners::remove(ListenerId id) {
  listeners_.erase(id);
  connections_.close_all(id);
}

void Listeners::accept(ListenerId id, std::unique_ptr<io::Stream> stream) {
  if (connections_.unfinished_handshakes() >= kUnfinishedHandshakes) return;  // closed: they may come again
  Listener& listener = listeners_.at(id);
  const ListenerConfig& config = listener.config;
  if (config.role == router::PeerRole::client && connections_.count(id) >= limits::kClients) return;
  ++listener.accepted;
  router::PeerConfig peer{.role = config.role,
                          .direction = router::Direction::incoming,
                          .external = config.tls != nullptr,
                          .access_id = config.access_id};
  connections_.hold(std::move(stream), config.tls, std::move(peer), {.listener = id}).start();
}

ClientCounts Listeners::clients(ListenerId id) const {
  const Listener& listener = listeners_.at(id);
  PeerConnection::Octets octets = listener.octets;
  octets += connections_.octets(id);
  return {.connected = connections_.count(id), .accepted = listener.accepted, .octets_in = octets.in, .octets_out = octets.out};
}

void Listeners::count_gone(const Connections::Held& gone) {
  const auto found = listeners_.find(gone.listener);
  if (found != listeners_.end()) found->second.octets += gone.connection->octets();
}

}  // namespace van::link
