#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/amqp/connection.h"
#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/slice.h"
#include "core/router/addresses.h"
#include "core/router/control_links.h"
#include "core/router/core.h"
#include "core/router/forwarder.h"
#include "core/router/link_setup.h"
#include "core/router/peer.h"
#include "core/router/router.h"
#include "core/router/streams.h"
#include "core/router/uplinks.h"
#include "core/routing/control_plane.h"

namespace van::router {

/// Puts the parts of a router together: the only place where events of the engines and of the control plane are looked at. A call of
/// Router sets Core::now, gives its command to a part, and has settle() do what follows.
class Router::Impl {
 public:
  Impl(Config config, Rng rng, TimePoint now);

  PeerId add_peer(PeerConfig config);
  PeerId adopt_peer(std::unique_ptr<Peer> peer);
  void close_peer(PeerId id);
  /// After each input and command: engines' events, what follows from them, and what is to be told to others.
  void settle();
  void handle_deadline();
  [[nodiscard]] TimePoint next_deadline() const;

  [[nodiscard]] routing::ControlPlane* plane() { return plane_ ? &*plane_ : nullptr; }  ///< null on edges, and for all workers but the first one

  Core core_;
  std::optional<routing::ControlPlane> plane_;
  Addresses addresses_;
  Forwarder forwarder_;
  Streams streams_;
  ControlLinks control_;
  LinkSetup setup_;
  Uplinks uplinks_;
  std::map<PeerId, SliceQueue> closing_;  ///< last words of connections that have ended

 private:
  void drain(PeerId id);
  void handle(Peer& peer, amqp::Opened& opened) { setup_.opened(peer, opened.peer); }
  void handle(Peer& peer, amqp::SessionBegun& begun) {
    if (begun.by_peer) setup_.session_begun(peer, begun.session);
  }
  void handle(Peer& peer, amqp::SessionEnded& ended) { setup_.session_ended(peer, ended.session); }
  void handle(Peer& peer, amqp::Attached& attached) { setup_.attached(peer, attached); }
  void handle(Peer& peer, amqp::Detached& detached) { setup_.detached(peer, detached.link); }
  void handle(Peer& peer, amqp::CreditChanged& changed) {
    if (PeerLink* link = peer.link(changed.link)) forwarder_.outbox().link_ready(peer, *link);
  }
  void handle(Peer& peer, amqp::TransferReceived& transfer) {
    if (PeerLink* link = peer.link(transfer.link)) forwarder_.transfer(peer, *link, std::move(transfer));
  }
  void handle(Peer& peer, amqp::DeliveryUpdated& update) { forwarder_.updated(peer, update); }
  void handle(Peer& peer, amqp::SessionWritable& writable) { forwarder_.outbox().window_opened(peer, writable.session); }
  void handle(Peer& peer, amqp::Closed& closed);

  void drain_plane();
  void neighbour_up(const routing::event::NeighbourUp& up);
  void neighbour_down(const std::string& router_id);
  /// Tells the network, the peers and the local users what has changed about addresses.
  void sync_changed();

  std::uint32_t last_peer_ = 0;
};

}  // namespace van::router
