#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "core/base/clock.h"
#include "core/base/fifo.h"
#include "core/router/router.h"

namespace van::router {

/// Which streams may be far ahead of what a real receiver has reported: a few at a time, in turn, because what waits in a newer real
/// router is bounded over all streams of a connection (data-plane 4.5), and it reports only after half a megabyte of each.
/// A turn ends when the receiver has caught up, or, while others wait, when it has not reported for `kPatience`: its target is
/// stalled, or the client has no more to say.
class Turns {
 public:
  static constexpr std::size_t kAtOnce = 5;
  static constexpr Duration kPatience = std::chrono::milliseconds{500};

  [[nodiscard]] std::size_t held() const { return holders_.size(); }
  [[nodiscard]] bool holds(StreamId id) const { return find(id) != holders_.end(); }

  /// True: the stream has a turn, now or already. Else it waits for one.
  bool ask(StreamId id, TimePoint now) {
    if (holds(id)) return true;
    if (holders_.size() < kAtOnce && waiting_.empty()) {
      holders_.push_back({id, now});
      return true;
    }
    if (std::ranges::find(waiting_, id) == waiting_.end()) waiting_.push_back(id);
    return false;
  }
  void reported(StreamId id, TimePoint now) {
    if (const auto held = find(id); held != holders_.end()) held->since = now;
  }
  /// The stream has caught up or is gone. Returns whose turn it is instead.
  std::optional<StreamId> leave(StreamId id, TimePoint now) {
    const auto held = find(id);
    if (held == holders_.end()) {
      waiting_.erase_if([id](StreamId waits) { return waits == id; });
      return std::nullopt;
    }
    holders_.erase(held);
    return next(now);
  }
  /// Ends the turns that took too long; returns whose turn it is instead.
  std::vector<StreamId> expire(TimePoint now) {
    std::vector<StreamId> begun;
    while (now >= deadline()) {
      holders_.erase(oldest());
      begun.push_back(*next(now));
    }
    return begun;
  }
  [[nodiscard]] TimePoint deadline() const { return waiting_.empty() ? kNever : oldest()->since + kPatience; }

 private:
  struct Holder {
    StreamId id;
    TimePoint since;  ///< the turn began, or the last report
  };

  [[nodiscard]] std::vector<Holder>::iterator find(StreamId id) { return std::ranges::find(holders_, id, &Holder::id); }
  [[nodiscard]] std::vector<Holder>::const_iterator find(StreamId id) const { return std::ranges::find(holders_, id, &Holder::id); }
  [[nodiscard]] std::vector<Holder>::const_iterator oldest() const { return std::ranges::min_element(holders_, {}, &Holder::since); }
  std::optional<StreamId> next(TimePoint now) {
    if (waiting_.empty()) return std::nullopt;
    const StreamId id = waiting_.front();
    waiting_.pop_front();
    holders_.push_back({id, now});
    return id;
  }

  std::vector<Holder> holders_;
  Fifo<StreamId> waiting_;
};

}  // namespace van::router
