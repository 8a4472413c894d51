#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/router/addresses.h"
#include "core/router/core.h"
#include "core/router/deliveries.h"
#include "core/router/intake.h"
#include "core/router/outbox.h"
#include "core/router/outstanding.h"
#include "core/routing/control_plane.h"

namespace van::router {

class Streams;

/// Takes deliveries from links and local streams, finds where they go, passes their octets on as they come, and their states
/// back (control-plane 4.4 to 4.9; data-plane 3).
class Forwarder final : private Outbox::Observer {
 public:
  /// Takes whole messages that are not application data: router protocol, tracking updates, mesh ids.
  class Inbox {
   public:
    virtual ~Inbox() = default;
    /// `bytes`: the message. The delivery is settled by the forwarder.
    virtual void message_received(Peer& peer, PeerLink& link, ByteView bytes) = 0;
  };

  Forwarder(Core& core, Addresses& addresses)
      : core_{core}, addresses_{addresses}, intake_{core}, outstanding_{core, addresses}, outbox_{core, deliveries_, *this} {}
  void connect(Streams& streams, Inbox& inbox) {  ///< once, before anything else
    streams_ = &streams;
    inbox_ = &inbox;
  }

  // ---- From the engines ----
  void transfer(Peer& peer, PeerLink& link, amqp::TransferReceived&& transfer);
  void updated(Peer& peer, const amqp::DeliveryUpdated& update);
  /// The link is gone (its own end, its session's or the connection's): what is incomplete on it ends (data-plane 3.5).
  void link_lost(Peer& peer, PeerLink& link);
  void connection_lost(Peer& peer);  ///< the same for all links of a peer
  Outbox& outbox() { return outbox_; }
  [[nodiscard]] std::size_t deliveries() const { return deliveries_.size(); }
  void collect() { deliveries_.collect(); }  ///< at the end of each call of the router: frees what has ended

  /// Queues a message of our own on a link of a peer.
  void send_message(Peer& peer, amqp::LinkId link, Bytes message, bool settled);
  /// Sends a whole message of our own, settled, to wherever `to` leads; `message` is without router annotations. False: nobody
  /// has the address.
  bool originate_message(const std::string& to, std::uint8_t priority, Bytes message);
  [[nodiscard]] bool room_for(const std::string& to);  ///< multicast addresses only; true for others
  /// The same, as Router::send_datagram().
  Router::Sent originate_datagram(const std::string& to, Slice message);

  // ---- From local streams ----
  /// Begins a delivery of a stream to address `to`; `head` is what follows the router annotations. Streams::updated() may be
  /// called before this returns (nobody has the address). `whole`: nothing follows, so it goes as a complete message (data-plane 1.1).
  DeliveryNo originate(StreamId stream, std::uint32_t flags, const std::string& to, const Bytes& head, bool whole = false);
  void append(DeliveryNo no, Slice octets);
  void finish(DeliveryNo no);
  void end_request(DeliveryNo no);  ///< of a delivery with kOneRequest: its client's direction has ended
  void abort(DeliveryNo no);
  [[nodiscard]] std::size_t pending(DeliveryNo no) const;
  /// Whether its sender asked for another destination to be tried when one releases it (control-plane 4.9).
  [[nodiscard]] bool resends_released(DeliveryNo no) const;
  [[nodiscard]] std::uint32_t flags(DeliveryNo no) const;  ///< of its router annotations
  /// The state of a delivery that a stream receives.
  void report(DeliveryNo no, amqp::DeliveryState state, bool settled);

 private:
  /// The receiver wants everything settled: it is accepted once it is sent (data-plane 1.6).
  [[nodiscard]] bool settles(const Out& out);
  /// A client that gives no credit has so much waiting for it that no more is kept.
  [[nodiscard]] static bool queue_full(const Peer* peer);
  void held_for_client(Delivery& delivery, const Out& out);
  void sent(Delivery& delivery, Out& out, std::size_t octets) override;
  void completed(Delivery& delivery, Out& out) override;

  static bool full(const PeerLink& link);
  /// The link that takes whole messages to `to`.
  static amqp::LinkId message_link(const Peer& peer, const Destination& to, std::uint8_t priority);
  void make_room(PeerLink& link);
  void out_lost(OutRef ref);
  void take(Delivery& delivery, Slice octets, bool last);
  void source_complete(Delivery& delivery);
  void source_broken(Delivery& delivery, bool aborted);
  void try_route(Delivery& delivery);
  void deliver_to_inbox(Delivery& delivery, Peer& peer, PeerLink& link);
  void route(Delivery& delivery, const Routing& routing);
  void route_local(Delivery& delivery, const routing::AddressKey& key, const Routing& routing);
  void route_mobile(Delivery& delivery, const routing::AddressKey& key, const Routing& routing);
  void send_to(Delivery& delivery, const std::vector<Destination>& destinations, const std::string& count_as, const Routing& routing);
  void start_out(Delivery& delivery, std::uint32_t index, const Destination& to, const Routing& routing);
  [[nodiscard]] bool from_uplink(const Delivery& delivery);
  [[nodiscard]] Origin origin_of(const Delivery& delivery);
  [[nodiscard]] amqp::RouterAnnotations annotations_for(const Delivery& delivery, const Peer& next) const;
  [[nodiscard]] bool from_sibling(const Delivery& delivery);
  void distribute(Delivery& delivery, const Slice& octets);
  void source_settled(Delivery& delivery, const std::optional<amqp::DeliveryState>& state);
  void settle_out(Out& out, const std::optional<amqp::DeliveryState>& state);
  void complete_stream(Delivery& delivery, Out& out);
  void give_to_endpoint(Delivery& delivery, std::uint32_t index, EndpointId endpoint);
  /// Another destination for what one released; false when there is none.
  bool try_again(Delivery& delivery, std::uint32_t index, const std::optional<amqp::DeliveryState>& state);
  /// Nobody takes it, or it is wrong: thrown away, and the source told so.
  void refuse(Delivery& delivery, amqp::DeliveryState state);
  void receiver_state(Delivery& delivery, std::uint32_t index, std::optional<amqp::DeliveryState> state, bool settled);
  void multicast_state(Delivery& delivery, const std::optional<amqp::DeliveryState>& state);
  void tell_source(Delivery& delivery, std::optional<amqp::DeliveryState> state, bool settled);
  void erase_if_done(Delivery& delivery);

  Core& core_;
  Addresses& addresses_;
  Streams* streams_ = nullptr;
  Inbox* inbox_ = nullptr;
  Intake intake_;
  Outstanding outstanding_;
  Deliveries deliveries_;
  Outbox outbox_;
};

}  // namespace van::router
