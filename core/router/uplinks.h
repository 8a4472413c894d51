#pragma once

#include <string>

#include "core/router/addresses.h"
#include "core/router/core.h"
#include "core/router/forwarder.h"
#include "core/router/link_setup.h"

namespace van::router {

/// Edge mode: which of several uplinks carries the site's traffic, and what is opened on it for that (control-plane 2.5, 5).
///
/// The cheapest is the active one; among equal ones the one that answers clearly sooner. The others stand by: open, without
/// sessions. When the active one is lost the best of the others takes over at once. When a better one has come back it takes
/// over, too, once it has stayed for a while: its links and proxies are opened first, and those of the old one end when the
/// network has had time to learn of the new place; running streams stay where they are.
class Uplinks {
 public:
  Uplinks(Core& core, Addresses& addresses, Forwarder& forwarder, LinkSetup& setup)
      : core_{core}, addresses_{addresses}, forwarder_{forwarder}, setup_{setup} {}

  void opened(Peer& peer);
  void links_changed(Peer& peer);  ///< its links to and from us are attached, or not any more
  void ended(Peer& peer);
  /// Uplinks in use gain and lose proxies as `key` gains and loses local consumers and producers.
  void sync(const routing::AddressKey& key);

  void handle_deadline();
  [[nodiscard]] TimePoint next_deadline() const { return std::min(reconsider_at_, switch_at_); }

 private:
  [[nodiscard]] Peer* best() const;
  void reconsider();
  void use(Peer& peer);
  void activate(Peer& peer);
  void stand_by(Peer& peer);
  void open_links(Peer& peer);
  void sync(Peer& peer, const routing::AddressKey& key);
  void attach_consumer_proxy(Peer& peer, const std::string& address, std::uint32_t cost);
  void attach_producer_proxy(Peer& peer, const std::string& address);
  void mark_all_changed();

  Core& core_;
  Addresses& addresses_;
  Forwarder& forwarder_;
  LinkSetup& setup_;
  PeerId next_;                       ///< takes over from the active one at switch_at_
  TimePoint active_since_;
  TimePoint reconsider_at_ = kNever;  ///< a better one may begin to take over
  TimePoint switch_at_ = kNever;
};

}  // namespace van::router
