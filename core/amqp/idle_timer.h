#pragma once

#include <algorithm>
#include <optional>

#include "core/base/clock.h"

namespace van::amqp {

/// Idle time-outs of both directions: AMQP 1.0 §2.4.5. Its deadline moves when it has come, not with every frame: traffic
/// only notes its time, so a busy connection wakes its owner about once in half a time-out.
class IdleTimer {
 public:
  /// `silence`: of the peer, after which it counts as gone; zero: never. `peer_timeout`: what the peer announced; it gets
  /// something at least every half of it.
  void start(TimePoint now, Duration silence, std::optional<Duration> peer_timeout) {
    silence_ = silence;
    received_ = now;
    expiry_ = silence > Duration::zero() ? now + silence : kNever;
    interval_ = peer_timeout.value_or(Duration::zero()) / 2;
    keep_alive_ = interval_ > Duration::zero() ? now + interval_ : kNever;
  }
  void received(TimePoint now) { received_ = now; }
  [[nodiscard]] TimePoint deadline() const { return std::min(expiry_, keep_alive_); }

  /// True: the peer has been silent for too long.
  [[nodiscard]] bool expired(TimePoint now) {
    if (now < expiry_) return false;
    expiry_ = received_ + silence_;
    return now >= expiry_;
  }
  /// True: an empty frame is due, and counts as written now.
  [[nodiscard]] bool keep_alive_due(TimePoint now, TimePoint last_write) {
    if (now < keep_alive_) return false;
    const bool due = now >= last_write + interval_;
    keep_alive_ = (due ? now : last_write) + interval_;
    return due;
  }

 private:
  Duration silence_{};
  Duration interval_{};
  TimePoint received_{};
  TimePoint expiry_ = kNever;
  TimePoint keep_alive_ = kNever;
};

}  // namespace van::amqp
