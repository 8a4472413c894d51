#include "core/link/link_status.h"

#include "core/link/peer_connection.h"

namespace van::link {

std::string_view role_name(router::PeerRole role) {
  switch (role) {
    case router::PeerRole::inter_router: return "inter-router";
    case router::PeerRole::edge: return "edge";
    case router::PeerRole::client: return "client";
  }
  return {};
}

void add_peer_details(const router::Router& router, const PeerConnection& connection, LinkStatus& status) {
  if (const router::PeerInfo* info = router.peer(connection.peer())) {
    status.id = connection.peer();
    status.peer = info->site_name;
    status.peer_id = info->router_id;
    status.peer_access = info->access_id;
    status.cost = info->cost;
  }
  if (const tls::Peer* peer = connection.tls_peer()) {
    status.tls_version = peer->version;
    status.tls_cipher = peer->cipher;
    status.tls_resumed = peer->resumed;
    if (peer->certificate) {
      status.tls_peer = peer->certificate->subject_common_name;
      status.tls_expires = peer->certificate->not_after;
    }
  }
}

std::optional<LinkStatus> incoming_link(const router::Router& router, const PeerConnection& connection, TimePoint since) {
  const router::PeerInfo* info = router.peer(connection.peer());
  if (info == nullptr || info->router_id.empty() || info->data || info->config.role == router::PeerRole::client) return std::nullopt;
  LinkStatus status;
  status.name = info->site_name;
  status.role = info->config.role;
  status.direction = router::Direction::incoming;
  status.state = info->up ? LinkState::up : LinkState::connecting;
  status.remote = connection.remote();
  status.since = since;
  add_peer_details(router, connection, status);
  return status;
}

}  // namespace van::link
