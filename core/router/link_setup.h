#pragma once

#include <string>

#include "core/router/addresses.h"
#include "core/router/core.h"
#include "core/router/forwarder.h"
#include "core/routing/control_plane.h"

namespace van::router {

/// Opens and answers the links of each kind of connection (control-plane 2), and keeps an edge's proxies in step with its
/// local addresses.
class LinkSetup {
 public:
  LinkSetup(Core& core, Addresses& addresses, Forwarder& forwarder, routing::ControlPlane* plane)
      : core_{core}, addresses_{addresses}, forwarder_{forwarder}, plane_{plane} {}

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

  /// Edge mode: the active uplink gets and loses proxies as `key` gains and loses local consumers and producers.
  void sync_uplink(const routing::AddressKey& key);
  /// Interior mode: tells attached edges whether their producers of `key` reach anybody (control-plane 5.2).
  void sync_tracking(const routing::AddressKey& key);

 private:
  PeerLink& attach(Peer& peer, amqp::SessionId session, amqp::LinkRole role, LinkKind kind, const amqp::Terminus& source,
                   const amqp::Terminus& target, std::uint32_t credit, amqp::Map properties = {});
  void open_inter_router_links(Peer& peer);
  void activate_uplink(Peer& peer);
  void announce_mesh(Peer& peer);
  void attach_consumer_proxy(Peer& peer, const std::string& address, std::uint32_t cost);
  void attach_producer_proxy(Peer& peer, const std::string& address);
  void drop_proxy(Peer& peer, amqp::LinkId link);

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
};

}  // namespace van::router
