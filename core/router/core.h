#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/clock.h"
#include "core/base/fifo.h"
#include "core/base/random.h"
#include "core/router/peer.h"
#include "core/router/router.h"

namespace van::router {

/// What the parts of the router share. One owner: Router::Impl.
struct Core {
  Config config;
  Rng rng;
  TimePoint now;
  std::map<PeerId, std::unique_ptr<Peer>> peers;  ///< ordered, so that a seed replays the same choices
  Fifo<Event> events;
  std::deque<PeerId> touched;  ///< peers whose engine may have events
  std::deque<PeerId> outputs;  ///< peers that may have bytes to write
  PeerId active_uplink;        ///< edge mode: the one that carries what has no nearer place
  TimePoint uplink_settled;    ///< edge mode: from then on other sites know where this edge is
  std::string mesh_id;         ///< edge mode: announced to the interior
  Router::Counters counters;
  /// Connections for streams alone, by router id (control-plane 1.9).
  std::unordered_map<std::string, std::vector<PeerId>> data_connections;
  std::unordered_map<std::uint32_t, PeerId> siblings;  ///< other workers of this site
  std::uint32_t last_taker = 0;  ///< worker that was given the last data connection which came in

  [[nodiscard]] bool edge() const { return config.mode == Mode::edge; }
  [[nodiscard]] std::string node_address() const { return "0/" + config.id; }
  /// Whether a message has been here before: routers that disagree for a moment may send it back (control-plane 4.8).
  [[nodiscard]] bool passed_here(const std::vector<std::string>& trace) const { return std::ranges::find(trace, node_address()) != trace.end(); }
  [[nodiscard]] bool first_worker() const { return config.worker == 0; }
  /// The connection to a worker of this site, or to the first one, which has one to each; nullptr when there is none.
  Peer* sibling(std::uint32_t worker) {
    auto found = siblings.find(worker);
    if (found == siblings.end()) found = siblings.find(0);
    return found == siblings.end() ? nullptr : peer(found->second);
  }
  Peer* peer(PeerId id) {
    const auto found = peers.find(id);
    return found == peers.end() ? nullptr : found->second.get();
  }
  [[nodiscard]] const Peer* peer(PeerId id) const {
    const auto found = peers.find(id);
    return found == peers.end() ? nullptr : found->second.get();
  }
  /// Says that commands were given to the peer's engine: its events and output are looked at before the public call returns.
  void touch(Peer& peer) {
    if (!peer.touched) {
      peer.touched = true;
      touched.push_back(peer.id);
    }
    if (!peer.output_listed) {
      peer.output_listed = true;
      outputs.push_back(peer.id);
    }
  }
};

}  // namespace van::router
