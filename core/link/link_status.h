#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/id.h"
#include "core/router/router.h"

namespace van::link {

class PeerConnection;

using ConnectorId = Id<struct ConnectorTag>;
using ListenerId = Id<struct ListenerTag>;

enum class LinkState { up, connecting, standby, down };

struct LinkStatus {
  ConnectorId connector;  ///< none for incoming links
  router::PeerId id;      ///< of its connection; none while it has none
  std::string name;       ///< the connector's, or the peer's site name
  std::string peer;       ///< site name of the peer; empty while unknown
  std::string peer_id;    ///< its router id
  std::string peer_access;  ///< what its telemetry calls the listener that we came in by; empty when it did not tell
  router::PeerRole role = router::PeerRole::edge;
  router::Direction direction = router::Direction::outgoing;
  LinkState state = LinkState::down;
  std::uint32_t cost = 1;
  std::string remote;  ///< "host:port"
  std::optional<TimePoint> since;  ///< of the state
  std::string error;   ///< last reason of failure; empty when up
  bool refused = false;  ///< the peer (or we) refused for a reason that waiting does not mend: certificate, SASL, policy
  std::string tls_version, tls_cipher, tls_peer;  ///< empty while not connected
  std::optional<std::chrono::system_clock::time_point> tls_expires;  ///< of the peer's certificate
  bool tls_resumed = false;  ///< the certificate was verified when an earlier connection was made
  std::string correlator;    ///< ours to interiors, of a site with workers: what its data connections have to name. Another one each time
};

std::string_view role_name(router::PeerRole role);  ///< for logs

/// Adds what `connection` says of the other end: its router, once that has spoken, and TLS.
void add_peer_details(const router::Router& router, const PeerConnection& connection, LinkStatus& status);
/// A link that came in, whose state is so since `since`. nullopt when it is none to another site, or its router has not spoken yet.
std::optional<LinkStatus> incoming_link(const router::Router& router, const PeerConnection& connection, TimePoint since);

}  // namespace van::link
