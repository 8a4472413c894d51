#pragma once

#include <chrono>

namespace van {

using Duration = std::chrono::nanoseconds;

/// The time that engines see. It has no now(): only core/io (and test clocks) make its points, from a
/// monotonic clock; engines compare and add them.
struct EngineClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<EngineClock>;
  static constexpr bool is_steady = true;
};
using TimePoint = EngineClock::time_point;

/// "No deadline".
inline constexpr TimePoint kNever = TimePoint::max();

}  // namespace van
