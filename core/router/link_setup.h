#pragma once

#include <string>

#include "core/router/addresses.h"
#include "core/router/client_links.h"
#include "core/router/core.h"
#include "core/router/forwarder.h"
#include "core/routing/control_plane.h"

namespace van::router {

class Uplinks;

/// Opens and answers the links of each kind of connection (control-plane 2); those of an edge's uplink are opened by Uplinks.
class LinkSetup {
 public:
  LinkSetup(Core& core, Addresses& addresses, Forwarder& forwarder, routing::ControlPlane* plane)
      : core_{core}, addresses_{addresses}, forwarder_{forwarder}, plane_{plane}, clients_{core, addresses, plane} {}

  void connect(Uplinks& uplinks) { uplinks_ = &uplinks; }  ///< once, before anything else

  /// What we say in our open (control-plane 1.5, 1.6).
  static amqp::Connection::Config engine_config(const Config& config, const PeerConfig& peer);

  void opened(Peer& peer, const amqp::OpenInfo& open);
  void attached(Peer& peer, const amqp::Attached& attached);
  void session_begun(Peer& peer, amqp::SessionId session);
  /// The link has ended; its deliveries are told. The entry is erased.
  void detached(Peer& peer, amqp::LinkId link);
  void session_ended(Peer& peer, amqp::SessionId session);
  /// All links end with the connection; another uplink takes over where there is one (control-plane 5.4).
  void connection_ended(Peer& peer);

  PeerLink& attach(Peer& peer, amqp::SessionId session, amqp::LinkRole role, LinkKind kind, const amqp::Terminus& source,
                   const amqp::Terminus& target, std::uint32_t credit, amqp::Map properties = {});
  /// Ends a link of ours: what is under way on it is told, the entry erased.
  void detach(Peer& peer, amqp::LinkId link);

  /// Interior mode: tells attached edges whether their producers of `key` reach anybody (control-plane 5.2).
  void sync_tracking(const routing::AddressKey& key);
  void sync_clients(const routing::AddressKey& key) { clients_.sync(key); }

 private:
  void open_inter_router_links(Peer& peer);
  void data_connection_opened(Peer& peer);

  void answered(Peer& peer, PeerLink& link, const amqp::Attached& attached);
  void requested(Peer& peer, const amqp::Attached& attached);
  void requested_inter_router(Peer& peer, const amqp::Attached& attached, bool router, bool router_data);
  void requested_by_edge(Peer& peer, const amqp::Attached& attached);
  PeerLink& accept(Peer& peer, const amqp::Attached& attached, LinkKind kind, std::uint32_t credit);
  void refuse(Peer& peer, const amqp::Attached& attached, std::string_view condition, std::string description);
  void control_link_changed(Peer& peer);
  void edge_links_changed(Peer& peer);
  void forget(Peer& peer, PeerLink& link);

  Core& core_;
  Addresses& addresses_;
  Forwarder& forwarder_;
  routing::ControlPlane* plane_;
  ClientLinks clients_;
  Uplinks* uplinks_ = nullptr;
};

}  // namespace van::router
