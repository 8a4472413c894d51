#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/io/deferred.h"
#include "core/io/loop.h"
#include "core/io/stream.h"
#include "core/io/worker.h"
#include "core/link/link_status.h"
#include "core/link/peer_connection.h"
#include "core/router/router.h"
#include "core/tls/context.h"

namespace van::link {

/// The connections of a node, with what each belongs to, and the way from a peer of the router to its connection. A connection is
/// destroyed only where the owner lets take_finished() go: at the end of a turn, when no frame of it is on the stack.
class Connections {
 public:
  struct Source {  ///< neither: a sibling
    ConnectorId connector = {};
    ListenerId listener = {};
  };
  struct Held {
    std::unique_ptr<PeerConnection> connection;
    ConnectorId connector;  ///< none: it came in, or its connector has done with it
    ListenerId listener;    ///< that it came in by
    TimePoint since;        ///< when it came up or ceased to be, else when it was made
  };

  /// All must outlive it. `owner` is that of each connection; `pump` is scheduled when there is something for it to look at.
  Connections(io::Loop& loop, io::Worker& handshakes, router::Router& router, PeerConnection::Owner& owner, io::Deferred& pump)
      : loop_{loop}, handshakes_{handshakes}, router_{router}, owner_{owner}, pump_{pump} {}

  /// Not started yet: the caller does that once it has noted what it must. `tls`: null for plain TCP.
  PeerConnection& hold(std::unique_ptr<io::Stream> stream, std::shared_ptr<tls::Context> tls, router::PeerConfig peer, Source source);
  PeerConnection& adopt(std::unique_ptr<io::Stream> stream, MovingConnection& moving);  ///< the same for one of another worker

  /// The router has a peer for it: `connection.peer()`.
  void ready(PeerConnection& connection) { by_peer_[connection.peer()] = &connection; }
  /// The router has the peer no more, or nothing is to be written to it any more.
  void forget_peer(router::PeerId peer) { by_peer_.erase(peer); }
  /// nullptr: it is gone.
  [[nodiscard]] PeerConnection* of_peer(router::PeerId peer) const {
    const auto found = by_peer_.find(peer);
    return found == by_peer_.end() ? nullptr : found->second;
  }
  [[nodiscard]] Held* held(router::PeerId peer);  ///< nullptr: it is gone
  [[nodiscard]] Held& held(PeerConnection& connection) { return held_.at(&connection); }

  void close(PeerConnection& connection);    ///< in order, where the router has a peer for it; its connector hears no more of it
  void discard(PeerConnection& connection);  ///< at once: for take_finished()
  /// Those that stand on an address which this machine has no more end, as if they had broken.
  void abandon_stranded();
  /// What was discarded, and what is finished(), for destruction.
  [[nodiscard]] std::vector<Held> take_finished();

  // ---- Of one listener ----
  [[nodiscard]] std::size_t count(ListenerId listener) const;
  [[nodiscard]] PeerConnection::Octets octets(ListenerId listener) const;
  void close_all(ListenerId listener);

  [[nodiscard]] std::size_t unfinished_handshakes() const;       ///< incoming ones that are not peers yet
  [[nodiscard]] std::vector<LinkStatus> incoming_links() const;  ///< from other sites, without data connections

 private:
  PeerConnection& hold(std::unique_ptr<PeerConnection> connection, Source source);

  io::Loop& loop_;
  io::Worker& handshakes_;
  router::Router& router_;
  PeerConnection::Owner& owner_;
  io::Deferred& pump_;
  std::unordered_map<PeerConnection*, Held> held_;
  std::unordered_map<router::PeerId, PeerConnection*> by_peer_;
  std::vector<PeerConnection*> discarded_;
};

}  // namespace van::link
