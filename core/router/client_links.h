#pragma once

#include <string>

#include "core/router/addresses.h"
#include "core/router/core.h"
#include "core/routing/control_plane.h"

namespace van::router {

/// The links of clients: applications that speak AMQP with us as they would with a real router's listener of role `normal`
/// (data-plane 6.1). A receiver is a consumer of its address, which the network is told; a sender has credit while somebody consumes
/// what it sends to, and one without address always.
class ClientLinks {
 public:
  ClientLinks(Core& core, Addresses& addresses, routing::ControlPlane* plane) : core_{core}, addresses_{addresses}, plane_{plane} {}

  static amqp::Connection::Config engine_config(const Config& config);

  void session_begun(Peer& peer, amqp::SessionId session);  ///< more than limits::kClientSessions: ended again
  /// Answers an attach. Above limits::kClientLinks it is refused.
  void requested(Peer& peer, const amqp::Attached& attached);
  void forgotten(const Peer& peer, const PeerLink& link);  ///< before its entry goes
  /// Gives credit to senders to `key` as it gets its first consumer, and takes it back as it loses the last.
  void sync(const routing::AddressKey& key);

 private:
  void receiver(Peer& peer, const amqp::Attached& attached);
  void sender(Peer& peer, const amqp::Attached& attached);
  PeerLink& accept(Peer& peer, const amqp::Attached& attached, LinkKind kind, const amqp::Terminus& ours);
  void refuse(Peer& peer, const amqp::Attached& attached, std::string_view condition, std::string description);
  [[nodiscard]] bool reachable(const routing::AddressKey& key) const;
  [[nodiscard]] std::string own_prefix() const;

  Core& core_;
  Addresses& addresses_;
  routing::ControlPlane* plane_;
};

}  // namespace van::router
