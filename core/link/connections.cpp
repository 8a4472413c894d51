#include "core/link/connections.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "core/io/network_monitor.h"

namespace van::link {
namespace {

/// The address in "192.0.2.1:80" or "[2001:db8::1]:80" that an interface must have for the socket to work; empty when that can't
/// be said: all of 127/8 is local, link-local addresses need their scope.
std::string interface_of(const std::string& socket) {
  const std::size_t colon = socket.rfind(':');
  if (colon == std::string::npos) return {};
  for (const std::string_view special : {"127.", "unix:", "[fe80:", "[::ffff:"}) {
    if (socket.starts_with(special)) return {};
  }
  return socket.starts_with('[') ? socket.substr(1, colon - 2) : socket.substr(0, colon);
}

}  // namespace

PeerConnection& Connections::hold(std::unique_ptr<io::Stream> stream, std::shared_ptr<tls::Context> tls, router::PeerConfig peer, Source source) {
  return hold(std::make_unique<PeerConnection>(loop_, handshakes_, std::move(stream), std::move(tls), router_, std::move(peer), owner_), source);
}

PeerConnection& Connections::adopt(std::unique_ptr<io::Stream> stream, MovingConnection& moving) {
  return hold(std::make_unique<PeerConnection>(loop_, handshakes_, std::move(stream), moving, router_, owner_), {});
}

PeerConnection& Connections::hold(std::unique_ptr<PeerConnection> connection, Source source) {
  PeerConnection* key = connection.get();
  held_[key] = Held{std::move(connection), source.connector, source.listener, io::Loop::now()};
  pump_.schedule();
  return *key;
}

Connections::Held* Connections::held(router::PeerId peer) {
  PeerConnection* connection = of_peer(peer);
  return connection == nullptr ? nullptr : &held_.at(connection);
}

void Connections::close(PeerConnection& connection) {
  held_.at(&connection).connector = {};
  if (connection.peer() && router_.peer(connection.peer()) != nullptr) router_.close_peer(connection.peer(), io::Loop::now());
  else discard(connection);
  pump_.schedule();
}

void Connections::discard(PeerConnection& connection) {
  discarded_.push_back(&connection);
  pump_.schedule();
}

void Connections::abandon_stranded() {
  const std::vector<std::string> here = io::interface_addresses();
  if (here.empty()) return;  // the system does not tell
  std::vector<PeerConnection*> stranded;
  for (const auto& [key, held] : held_) {
    const std::string local = interface_of(key->local());
    if (!local.empty() && std::ranges::find(here, local) == here.end()) stranded.push_back(key);
  }
  for (PeerConnection* connection : stranded) connection->abandon("the local address of the link is gone");
}

std::vector<Connections::Held> Connections::take_finished() {
  for (const auto& [connection, held] : held_) {
    if (connection->finished()) discarded_.push_back(connection);
  }
  std::vector<Held> finished;
  for (PeerConnection* connection : std::exchange(discarded_, {})) {
    if (auto found = held_.extract(connection)) finished.push_back(std::move(found.mapped()));
  }
  return finished;
}

std::size_t Connections::count(ListenerId listener) const {
  return static_cast<std::size_t>(std::ranges::count_if(held_, [listener](const auto& entry) { return entry.second.listener == listener; }));
}

PeerConnection::Octets Connections::octets(ListenerId listener) const {
  PeerConnection::Octets octets;
  for (const auto& [connection, held] : held_) {
    if (held.listener == listener) octets += connection->octets();
  }
  return octets;
}

void Connections::close_all(ListenerId listener) {
  for (auto& [connection, held] : held_) {
    if (held.listener == listener) close(*connection);
  }
}

std::size_t Connections::unfinished_handshakes() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(held_, [](const auto& entry) { return entry.second.listener && !entry.second.connection->peer(); }));
}

std::vector<LinkStatus> Connections::incoming_links() const {
  std::vector<LinkStatus> links;
  for (const auto& [connection, held] : held_) {
    if (!held.listener) continue;
    if (auto link = incoming_link(router_, *connection, held.since)) links.push_back(*std::move(link));
  }
  return links;
}

}  // namespace van::link
