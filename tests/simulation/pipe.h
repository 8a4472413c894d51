#pragma once

#include <cstdint>
#include <deque>

#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/slice.h"

namespace van::simulation {

/// One direction of a transport connection, as TCP gives it: bytes arrive in order, late, or not at all for a while; what
/// is under way is bounded.
class Pipe {
 public:
  static constexpr std::size_t kWindow = 128 * 1024;

  struct Piece {
    TimePoint at;
    Slice bytes;  ///< empty: the end of file
  };

  /// Octets that the sender may put in now.
  [[nodiscard]] std::size_t room() const { return under_way_ >= kWindow ? 0 : kWindow - under_way_; }
  /// `delay` from now on; `bytes_per_second`: 0 is no bound.
  void push(Slice bytes, TimePoint now, Duration delay, std::uint64_t bytes_per_second) {
    TimePoint begins = std::max(now, free_at_);
    if (bytes_per_second > 0) {
      begins += Duration{static_cast<std::int64_t>(bytes.size() * 1'000'000'000u / bytes_per_second)};
    }
    free_at_ = begins;
    under_way_ += bytes.size();
    last_ = std::max(last_, begins + delay);
    pieces_.push_back({last_, std::move(bytes)});
  }
  [[nodiscard]] bool empty() const { return pieces_.empty(); }
  [[nodiscard]] TimePoint next() const { return pieces_.empty() ? kNever : pieces_.front().at; }
  Piece pop() {
    Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    under_way_ -= piece.bytes.size();
    return piece;
  }
  void clear() { *this = Pipe{}; }

 private:
  std::deque<Piece> pieces_;
  std::size_t under_way_ = 0;
  TimePoint free_at_ = TimePoint::min();
  TimePoint last_ = TimePoint::min();
};

}  // namespace van::simulation
