#include "core/link/siblings.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace van::link {
namespace {

constexpr std::chrono::milliseconds kRoutesPause{10};  ///< between two tellings of routes
constexpr int kRoutesShare = 20;                       ///< and so many times what the last one took

}  // namespace

void Siblings::add(std::unique_ptr<io::Stream> stream, std::uint32_t worker, router::Direction direction) {
  router::PeerConfig peer{.role = router::PeerRole::inter_router, .direction = direction, .external = false, .sibling = worker};
  connections_.hold(std::move(stream), {}, std::move(peer), {}).start();
}

Expected<void, io::Error> Siblings::adopt(MovingConnection& moving) {
  auto stream = io::Stream::adopt(loop_, moving.socket.release());
  if (!stream) return Unexpected{stream.error()};
  connections_.adopt(*std::move(stream), moving).start();
  return {};
}

void Siblings::hand_over(const router::PeerMoves& moves) {
  PeerConnection* connection = connections_.of_peer(moves.peer);
  if (connection == nullptr || colleagues_ == nullptr) return;
  auto moving = connection->move_away();
  if (moving == nullptr) return connection->abandon("it could not be handed to a worker");
  connections_.forget_peer(moves.peer);
  colleagues_->connection_moves(moves.worker, std::move(moving));
  connections_.discard(*connection);
}

void Siblings::share_routes() {
  if (colleagues_ != nullptr && router_.routes_changed() && !routes_timer_.armed()) routes_timer_.arm_at(routes_from_);
}

void Siblings::tell_routes() {
  const TimePoint began = io::Loop::now();
  colleagues_->routes_changed(router_.routes());
  const TimePoint now = io::Loop::now();
  routes_from_ = now + std::max<Duration>(kRoutesPause, kRoutesShare * (now - began));
}

}  // namespace van::link
