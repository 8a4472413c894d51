#pragma once

#include <functional>
#include <memory>

#include "core/base/clock.h"
#include "core/io/loop.h"

namespace van::io {

/// One-shot timer of one loop. The callback runs on the loop thread, never from inside arm(), never before the
/// time it was armed for, and never after ~Timer(); destroying the timer from its own callback is fine.
/// Resolution: 1 ms, rounded up.
class Timer {
 public:
  /// `loop` must outlive the timer.
  Timer(Loop& loop, std::function<void()> on_expire);

  void arm(Duration delay);     ///< replaces an earlier arm(); a delay below zero counts as zero
  void arm_at(TimePoint when);  ///< kNever cancels; a time in the past expires in the next turn
  void cancel();
  [[nodiscard]] bool armed() const;

 private:
  struct Node;
  struct Close {
    void operator()(Node* node) const noexcept;
  };
  std::unique_ptr<Node, Close> node_;
};

}  // namespace van::io
