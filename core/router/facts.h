#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/router/router.h"
#include "core/routing/address.h"

namespace van::router {

/// What a link of a peer is for (control-plane 2.2, 2.3, 2.5).
enum class LinkKind {
  control,         ///< router protocol, inter-router
  priority,        ///< complete messages, inter-router, one pair per priority
  streaming,       ///< one incomplete delivery at a time
  anonymous,       ///< edge's uplink: everything without a link of its own
  downlink,        ///< messages to _edge/<id>/...
  mesh_discovery,  ///< announces the edge's mesh id
  tracking,        ///< reachability updates for producer proxies
  consumer_proxy,  ///< an address consumed on the edge
  producer_proxy,  ///< an address produced for on the edge
  consumer,        ///< a client's receiver
  producer,        ///< a client's sender; without address: each message says where it goes
};

// What a router knows of itself and its surroundings when it is asked, as management shows it (control-plane 6.2).

struct ConnectionFacts {
  PeerId id;
  PeerInfo info;
  bool data = false;    ///< inter-router, for streams alone (control-plane 1.9)
  bool opened = false;  ///< the peer's open has come
  std::string mesh_id;  ///< of an edge that is attached to us; empty for others
  TimePoint since;      ///< of the transport
  std::size_t links = 0;
};

struct LinkFacts {
  PeerId peer;
  std::uint32_t number = 0;  ///< unique among the links of the peer
  LinkKind kind = LinkKind::streaming;
  bool incoming = false;  ///< we receive
  bool attached = false;
  std::string address;                   ///< key of the one it is for, such as "Mweb"; empty: many
  std::optional<std::uint8_t> priority;  ///< of a sender for complete messages
  std::size_t waiting = 0;               ///< deliveries that are queued here
  std::size_t unsettled = 0;
  std::uint32_t deliveries = 0;  ///< begun so far, modulo 2^32
  std::uint32_t credit = 0;      ///< deliveries that may begin now
};

struct AddressFacts {
  std::string key;  ///< such as "Mweb"
  routing::Treatment treatment = routing::Treatment::balanced;
  std::size_t endpoints = 0;              ///< of the site itself
  std::size_t subscribers = 0;            ///< local consumers, and those of attached edges
  std::vector<std::string> remote_nodes;  ///< other interiors that have it, reachable ones, nearest first
  std::size_t outstanding = 0;            ///< deliveries on their way to a destination that it has not settled
  bool watched = false;                   ///< somebody here waits for it to be reachable
};

/// An interior router of the network.
struct NodeFacts {
  std::string id;
  std::int64_t instance = 0;
  bool own = false;  ///< we
  std::uint32_t cost = 0;
  std::string next_hop;              ///< a neighbour's id, which may be its own; empty for ourselves
  std::optional<std::uint32_t> link; ///< number of the connection to it, for neighbours
  std::vector<std::string> neighbours;
};

}  // namespace van::router
