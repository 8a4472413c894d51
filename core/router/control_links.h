#pragma once

#include "core/amqp/message.h"
#include "core/router/addresses.h"
#include "core/router/core.h"
#include "core/router/forwarder.h"
#include "core/routing/control_plane.h"

namespace van::router {

/// Reads the messages that routers send each other: router protocol (consumed here, or forwarded to other neighbours,
/// control-plane 3.2), reachability updates for an edge's producers (5.2), mesh ids (5.3).
class ControlLinks final : public Forwarder::Inbox {
 public:
  ControlLinks(Core& core, Addresses& addresses, Forwarder& forwarder, routing::ControlPlane* plane)
      : core_{core}, addresses_{addresses}, forwarder_{forwarder}, plane_{plane} {}

  void message_received(Peer& peer, PeerLink& link, ByteView bytes) override;
  void send_pending();  ///< what the control plane has to say

 private:
  void router_protocol(Peer& peer, ByteView bytes);
  void forward(const amqp::MessageHeader& header, ByteView bytes, std::span<const routing::LinkNo> links);
  void tracking_update(Peer& peer, ByteView bytes);
  void mesh_id(Peer& peer, ByteView bytes);

  Core& core_;
  Addresses& addresses_;
  Forwarder& forwarder_;
  routing::ControlPlane* plane_;
};

}  // namespace van::router
