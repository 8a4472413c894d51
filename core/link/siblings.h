#pragma once

#include <cstdint>
#include <memory>

#include "core/base/clock.h"
#include "core/base/expected.h"
#include "core/io/error.h"
#include "core/io/loop.h"
#include "core/io/stream.h"
#include "core/io/timer.h"
#include "core/link/connections.h"
#include "core/router/router.h"

namespace van::link {

/// The other workers of a site, to the node of the first one. Called on its loop.
class Colleagues {
 public:
  virtual ~Colleagues() = default;
  virtual void routes_changed(std::shared_ptr<const router::Routes> routes) = 0;  ///< for Node::set_routes() of each
  /// For Node::adopt() of that one.
  virtual void connection_moves(std::uint32_t worker, std::shared_ptr<MovingConnection> connection) = 0;
};

/// One worker's dealings with the others of its site (docs/decisions/0006-workers.md): connections to them, data connections that
/// move between them, and the first one's telling of routes.
class Siblings {
 public:
  /// All must outlive it.
  Siblings(io::Loop& loop, router::Router& router, Connections& connections)
      : loop_{loop}, router_{router}, connections_{connections}, routes_timer_{loop, [this] { tell_routes(); }} {}

  void share_with(Colleagues& colleagues) { colleagues_ = &colleagues; }
  void add(std::unique_ptr<io::Stream> stream, std::uint32_t worker, router::Direction direction);
  /// Takes what it needs of `moving`. Error: the socket can't be taken, and the connection is lost.
  Expected<void, io::Error> adopt(MovingConnection& moving);
  void hand_over(const router::PeerMoves& moves);
  /// Routes that have changed are told soon: not more often than leaves most of the time for other things.
  void share_routes();

 private:
  void tell_routes();

  io::Loop& loop_;
  router::Router& router_;
  Connections& connections_;
  Colleagues* colleagues_ = nullptr;  ///< null: nobody to share with
  io::Timer routes_timer_;
  TimePoint routes_from_{};  ///< not before
};

}  // namespace van::link
