#pragma once

#include <algorithm>

#include "core/base/clock.h"

namespace van::http2 {

/// How often something may happen: `burst` times at once, and then `per_second`.
class TokenBucket {
 public:
  TokenBucket(double burst, double per_second) : burst_{burst}, per_second_{per_second}, left_{burst} {}

  /// False when it happens too often.
  bool take(TimePoint now) {
    const std::chrono::duration<double> passed = now - last_;
    left_ = std::min(burst_, left_ + std::max(passed.count(), 0.0) * per_second_);
    last_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  double burst_, per_second_, left_;
  TimePoint last_{};
};

}  // namespace van::http2
