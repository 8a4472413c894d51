#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "core/base/clock.h"
#include "core/base/limits.h"

namespace van::router {

/// How many octets of a stream its sender may be ahead of what the receiver has reported (data-plane 4.1). Towards real routers
/// that is a constant. A receiver of ours says with each report how many it would hold; then the window follows the path: twice
/// the octets that are reported in one round trip, as long as it is the window that holds the sender back, so that the path stays
/// full and no more waits in it than one such product (docs/protocol.md, "Windows").
class SendWindow {
 public:
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t unreported() const { return sent_ - reported_; }
  [[nodiscard]] bool follows_path() const { return follows_; }
  /// `most`: a bound from elsewhere.
  [[nodiscard]] std::size_t room(std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) const {
    const std::uint64_t size = std::min(size_, most);
    return unreported() >= size ? 0 : static_cast<std::size_t>(size - unreported());
  }

  void count_sent(std::size_t octets, TimePoint now) {
    sent_ += octets;
    if (!follows_) return;
    // A round tells how much the path takes only when it begins with a full window.
    const bool full = room() == 0;
    if (round_end_ == 0 || (full && !full_)) begin_round(full, now);
  }

  /// A report of the receiver: all octets that it has taken, and how many it would hold; 0: it does not say.
  /// An offset that is not beyond the last one, or is beyond what was sent, is ignored.
  void report(std::uint64_t offset, std::uint32_t holds, TimePoint now) {
    if (offset > reported_ && offset <= sent_) reported_ = offset;
    if (holds == 0) return;
    follows_ = true;
    most_ = std::clamp<std::uint64_t>(holds, limits::kStreamWindowMin, limits::kStreamWindowMax);
    size_ = std::min(size_, most_);
    if (round_end_ != 0 && reported_ >= round_end_) end_round(now);
  }

 private:
  void begin_round(bool full, TimePoint now) {
    full_ = full;
    round_end_ = sent_;
    round_began_ = now;
    round_reported_ = reported_;
  }

  void end_round(TimePoint now) {
    const auto took = std::max<Duration>(now - round_began_, std::chrono::microseconds{1});
    const double rate = static_cast<double>(reported_ - round_reported_) / static_cast<double>(took.count());
    round_end_ = 0;
    // What waits on the path lengthens the round trip, and a window made of that would only let more wait: the shortest counts.
    if (emptied_ || shortest_ == Duration::zero() || took < shortest_) shortest_ = took;
    if (std::exchange(emptied_, false)) return resize(rate_);
    if (!full_) return;
    // Paths change: now and then, and when a round takes too long for what should wait, the path is emptied to measure it anew.
    if (!measured_ || now - *measured_ >= (took > 3 * shortest_ ? kMeasureEvery / 10 : kMeasureEvery)) {
      measured_ = now;
      rate_ = rate;
      emptied_ = true;
      size_ = std::min(size_, limits::kStreamWindowMin);
      return;
    }
    resize(rate);
  }

  void resize(double rate) {
    const auto wanted = static_cast<std::uint64_t>(2 * rate * static_cast<double>(shortest_.count()));
    size_ = std::clamp(wanted, std::min(limits::kStreamWindowMin, most_), most_);
  }

  static constexpr Duration kMeasureEvery = std::chrono::seconds{10};

  std::uint64_t sent_ = 0;
  std::uint64_t reported_ = 0;
  std::uint64_t size_ = limits::kStreamWindow;
  bool follows_ = false;
  std::uint64_t most_ = limits::kStreamWindow;
  std::uint64_t round_end_ = 0;  ///< offset whose report ends the round; 0: none has begun
  bool full_ = false;            ///< the round began with a full window
  std::uint64_t round_reported_ = 0;
  TimePoint round_began_{};
  Duration shortest_{};   ///< round trip
  std::optional<TimePoint> measured_;
  bool emptied_ = false;  ///< the round is to measure the round trip of an empty path
  double rate_ = 0;       ///< octets reported in a nanosecond, before it was emptied
};

}  // namespace van::router
