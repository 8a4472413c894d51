#pragma once

#include <algorithm>
#include <chrono>

#include "core/base/clock.h"
#include "core/base/random.h"

namespace van::link {

/// How long to wait before the next attempt: exponential with full jitter, so that many who lost the same site don't come
/// back in step.
class Backoff {
 public:
  struct Range {
    Duration first = std::chrono::milliseconds{500};
    Duration longest = std::chrono::seconds{15};
  };
  explicit Backoff(Range range) : range_{range} {}

  /// The wait after one more failure: uniform in [0, limit), the limit doubling up to the longest.
  Duration next(Rng& rng) {
    const Duration limit = limit_ == Duration::zero() ? range_.first : std::min(limit_ * 2, range_.longest);
    limit_ = limit;
    return Duration{static_cast<Duration::rep>(rng.unit() * static_cast<double>(limit.count()))};
  }
  void reset() { limit_ = Duration::zero(); }  ///< it worked

 private:
  Range range_;
  Duration limit_ = Duration::zero();
};

}  // namespace van::link
