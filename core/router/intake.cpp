#include "core/router/intake.h"

#include <algorithm>

#include "core/base/limits.h"

namespace van::router {
namespace {

std::size_t pending_limit(const Peer& peer) { return peer.client() ? limits::kClientPendingBytes : limits::kPeerPendingBytes; }

}  // namespace

void Intake::take(Delivery& delivery, std::size_t octets) {
  Peer* peer = core_.peer(delivery.peer);
  if (peer == nullptr) return;
  delivery.pending += octets;
  peer->pending_bytes += octets;
  if (peer->pending_bytes > pending_limit(*peer)) set_paused(*peer, true);
}

void Intake::release(Delivery& delivery, std::size_t octets) {
  const std::size_t released = std::min(octets, delivery.pending);
  delivery.pending -= released;
  Peer* peer = core_.peer(delivery.peer);
  if (peer == nullptr || released == 0) return;
  peer->pending_bytes -= released;
  if (peer->receiving_paused && peer->pending_bytes < pending_limit(*peer) / 2) set_paused(*peer, false);
}

void Intake::set_paused(Peer& peer, bool paused) {
  if (peer.receiving_paused == paused) return;
  peer.receiving_paused = paused;
  core_.touch(peer);
  for (const amqp::SessionId session : peer.data_sessions) peer.connection.set_window_open(session, !paused);
}

}  // namespace van::router
