#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/amqp/connection.h"
#include "core/base/fifo.h"
#include "core/base/id.h"
#include "core/router/facts.h"
#include "core/routing/address.h"

namespace van::router {

using DeliveryNo = Id<struct DeliveryNoTag, std::uint64_t>;  ///< one message on its way through this router
/// One copy of a delivery on its way out.
struct OutRef {
  DeliveryNo delivery;
  std::uint32_t index = 0;  ///< into Delivery::outs
  friend bool operator==(const OutRef&, const OutRef&) = default;
};

struct PeerLink {
  amqp::LinkId id;
  amqp::SessionId session;
  amqp::LinkRole role = amqp::LinkRole::sender;
  LinkKind kind = LinkKind::streaming;
  bool attached = false;     ///< the peer's attach was seen and its terminus is there
  std::string address;       ///< proxies: plain text, without class letter
  std::optional<routing::AddressKey> key;  ///< a client's: of that address; none for a sender whose messages say where they go
  bool settles = false;      ///< a client's receiver takes everything settled (data-plane 1.6)
  std::uint32_t cost = 0;    ///< consumer proxies: the exposure's own cost
  std::uint32_t outstanding = 0;  ///< consumer proxies, downlinks: unsettled deliveries sent to that consumer
  bool bound = false;        ///< producer proxies: some consumer was told reachable (control-plane 5.1, 5.2); a client's: has credit
  bool near = false;         ///< producer proxies: one of them is on the interior itself or its edges (ours only)
  bool early = false;        ///< producer proxies: all of them are routers of ours (ours only)
  // sender: deliveries that wait, the first may be under way
  Fifo<OutRef> queue;
  std::size_t queued_bytes = 0;  ///< of the queue, when they were put there
  bool in_ready = false;     ///< stands in Peer::ready
  // receiver: the delivery that is not complete yet
  DeliveryNo incoming;
};

/// One connection to another router, or of a client, with its links.
struct Peer {
  Peer(PeerId peer_id, PeerConfig peer_config, amqp::Connection engine)
      : id{peer_id}, config{peer_config}, connection{std::move(engine)} {
    info.config = std::move(peer_config);
  }

  PeerId id;
  PeerConfig config;
  PeerInfo info;
  amqp::Connection connection;
  TimePoint added;
  Duration opening{};            ///< from `added` until the peer's open came: some round trips
  bool data_connection = false;  ///< an inter-router connection for streams alone (control-plane 1.9), or a sibling's
  bool moves = false;            ///< PeerMoves was given: what still comes is for the other worker
  std::uint32_t worker = 0;      ///< of the peer's, which holds this data connection, as it said
  bool trunking = false;         ///< the peer may be sent streams over its data connections
  std::size_t data_turn = 0;     ///< which of them is next
  bool opened = false;
  bool links_up = false;         ///< control links (inter-router) or the set of links (edge) are there
  bool touched = false;          ///< stands in Core::touched
  bool output_listed = false;    ///< stands in Core::outputs

  std::unordered_map<amqp::LinkId, PeerLink> links;
  amqp::LinkId control_out, control_in;
  std::array<amqp::LinkId, 10> priority_out{};
  std::size_t priority_out_count = 0, priority_in_count = 0;
  amqp::LinkId uplink, downlink, tracking, mesh_discovery;
  std::string mesh_id;  ///< of an edge that is attached to us
  std::unordered_map<std::string, amqp::LinkId> consumer_proxies, producer_proxies;  ///< by address

  amqp::SessionId core_session, main_session, streaming_session;
  std::vector<amqp::SessionId> data_sessions;  ///< those that carry payload towards us
  std::deque<amqp::LinkId> idle_streaming;  ///< attached senders without a delivery, oldest first
  std::deque<amqp::LinkId> ready;           ///< senders that may have something to send, in turn
  std::unordered_map<amqp::SessionId, std::vector<amqp::LinkId>> window_blocked;

  std::unordered_map<amqp::DeliveryId, DeliveryNo> incoming;
  std::unordered_map<amqp::DeliveryId, OutRef> outgoing;
  std::unordered_map<std::string, std::uint32_t> outstanding;  ///< by address key: unsettled deliveries sent through here
  std::size_t pending_bytes = 0;  ///< received here and not yet sent on or taken
  std::size_t queued_bytes = 0;   ///< waiting on its links: the sum of PeerLink::queued_bytes
  bool receiving_paused = false;

  PeerLink* link(amqp::LinkId link_id) {
    const auto found = links.find(link_id);
    return found == links.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const PeerLink* link(amqp::LinkId link_id) const {
    const auto found = links.find(link_id);
    return found == links.end() ? nullptr : &found->second;
  }
  [[nodiscard]] bool sibling() const { return config.sibling.has_value(); }
  [[nodiscard]] bool inter_router() const { return config.role == PeerRole::inter_router; }
  [[nodiscard]] bool client() const { return config.role == PeerRole::client; }
  [[nodiscard]] bool outgoing_edge() const { return config.role == PeerRole::edge && config.direction == Direction::outgoing; }
  [[nodiscard]] bool incoming_edge() const { return config.role == PeerRole::edge && config.direction == Direction::incoming; }
};

}  // namespace van::router
