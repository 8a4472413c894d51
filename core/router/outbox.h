#pragma once

#include <optional>

#include "core/router/core.h"
#include "core/router/deliveries.h"

namespace van::router {

/// Sends queued copies on the links of a peer: one delivery at a time on a link, links in turn, no more than the peer's socket,
/// session window and credit take. Keeps the pool of streaming links (data-plane 1.1).
class Outbox {
 public:
  /// What the sending of a copy means to its delivery.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void sent(Delivery& delivery, Out& out, std::size_t octets) = 0;  ///< some went out
    virtual void completed(Delivery& delivery, Out& out) = 0;                 ///< the final transfer went out
  };

  Outbox(Core& core, Deliveries& deliveries, Observer& observer)
      : core_{core}, deliveries_{deliveries}, observer_{observer} {}

  /// The connection that carries a stream for `to` towards a peer: itself, or its router's data connections in turn (data-plane
  /// 1.2); for a reply to one of the peer's workers, those of that worker.
  Peer& carrier(Peer& peer, const std::string& to);
  /// A sender link for one streaming delivery: from the pool, or a new one, in the session that all of them share.
  amqp::LinkId streaming_link(Peer& peer);
  /// The link for a complete message of this priority (control-plane 2.2); none when the peer has none.
  [[nodiscard]] static amqp::LinkId priority_link(const Peer& peer, std::uint8_t priority);

  void submit(Peer& peer, amqp::LinkId link, OutRef ref);  ///< queues a copy; its Out has peer and link set
  void more(Out& out);                                     ///< its pending bytes or its end have come
  /// Ends a copy that is not completely sent: aborted on the wire, or just taken off the queue. Out is done.
  void cancel(Out& out);

  // ---- What may let waiting copies go on ----
  void link_ready(Peer& peer, PeerLink& link);  ///< attached, credit
  void window_opened(Peer& peer, amqp::SessionId session);
  void output_drained(Peer& peer);
  void forget_link(Peer& peer, PeerLink& link);  ///< it is gone; its copies are the caller's to fail

 private:
  static void count_queued(Peer& peer, PeerLink& link, Out& out, std::size_t octets);
  void make_ready(Peer& peer, PeerLink& link);
  void pump(Peer& peer);
  void serve(Peer& peer, PeerLink& link);
  /// Sends from the copy at the front; false when the link has to wait.
  bool serve_front(Peer& peer, PeerLink& link);
  void front_done(Peer& peer, PeerLink& link);

  Core& core_;
  Deliveries& deliveries_;
  Observer& observer_;
};

}  // namespace van::router
