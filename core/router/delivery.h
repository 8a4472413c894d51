#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/amqp/connection.h"
#include "core/amqp/message.h"
#include "core/router/peer.h"
#include "core/routing/address.h"

namespace van::router {

inline amqp::DeliveryState rejected(std::string_view condition, std::string description) {
  return amqp::Rejected{amqp::Error{std::string{condition}, std::move(description), {}}};
}

/// One place where a copy of a delivery can go: a consumer or endpoint of ours, an attached edge's proxy (peer and proxy), or
/// a peer on the way (peer alone).
struct Destination {
  ConsumerId consumer{};
  PeerId peer{};
  amqp::LinkId proxy{};
  EndpointId endpoint{};
  friend bool operator==(const Destination&, const Destination&) = default;
};

/// One copy of a delivery: to a peer's link, or to a local stream end.
struct Out {
  PeerId peer;
  amqp::LinkId link;            ///< where it is queued or sent
  amqp::DeliveryId delivery;    ///< none until begun
  StreamId stream;              ///< local end instead of a peer
  SliceQueue pending;           ///< to be sent
  bool all_queued = false;      ///< nothing more will be added to pending
  bool sent = false;            ///< the final transfer is out (or given to the stream)
  bool done = false;            ///< sent and settled, aborted or lost: nothing refers to it any more
  std::size_t queued_bytes = 0; ///< its part of PeerLink::queued_bytes while it waits there
  std::string counted;          ///< address key under which it counts as outstanding; empty: it does not
  Destination counted_for;      ///< the proxy is another link than `link` when the copy is streamed
};

/// What decides where a message goes.
struct Routing {
  std::string to;
  std::uint8_t priority = 4;  ///< control-plane 4.10
  bool streaming = false;
};

/// What a delivery with the flag "resend released" needs to try again (control-plane 4.9).
struct Resend {
  routing::AddressKey key;
  Routing routing;
  SliceQueue octets;               ///< all that came, without annotations
  std::vector<Destination> tried;  ///< they released it
};

/// One message on its way through this router, from a peer's link or a local stream.
struct Delivery {
  DeliveryNo no;
  // Source: a peer's link, or a local stream end.
  PeerId peer;
  amqp::LinkId link;
  amqp::DeliveryId delivery;
  StreamId stream;

  bool presettled = false;
  bool complete = false;     ///< all octets have come
  bool finished = false;     ///< towards the source nothing is left to do: settled, or the source is gone
  bool routed = false;
  bool dropping = false;     ///< failed: what still comes is thrown away, settled at the end
  bool multicast = false;
  bool datagram = false;     ///< of our own: dropped, and not others before it, where too much waits
  bool sender_settled = false;    ///< by the sender, before or after its end
  bool receiver_settled = false;  ///< maybe before the end: the source hears of it at its end (data-plane 3.6)
  std::optional<amqp::DeliveryState> outcome;  ///< the last state from the receiving side, for the end
  SliceQueue head;           ///< what came before it was routed
  std::size_t pending = 0;   ///< octets held here that count for the source peer
  amqp::RouterAnnotations annotations;
  std::string target;        ///< target address of the link it came on; empty on anonymous links
  std::vector<Out> outs;
  std::unique_ptr<Resend> resend;  ///< while a released copy may go to another destination
  /// The copy that an anycast delivery is on now; nullptr before it is routed.
  [[nodiscard]] Out* last_out() { return outs.empty() ? nullptr : &outs.back(); }
  [[nodiscard]] const Out* last_out() const { return outs.empty() ? nullptr : &outs.back(); }
};

}  // namespace van::router
