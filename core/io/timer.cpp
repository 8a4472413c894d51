#include "core/io/timer.h"

#include <uv.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace van::io {

struct Timer::Node {  // what libuv points at: does not move, dies only in the close callback
  uv_timer_t uv{};
  std::function<void()> on_expire;
  std::uint64_t due_ms = 0;
  bool expiring = false;
};

void Timer::Close::operator()(Node* node) const noexcept {
  uv_close(reinterpret_cast<uv_handle_t*>(&node->uv),
           [](uv_handle_t* handle) noexcept { delete static_cast<Node*>(handle->data); });
}

Timer::Timer(Loop& loop, std::function<void()> on_expire) : node_{new Node{}} {
  node_->on_expire = std::move(on_expire);
  uv_timer_init(loop.uv(), &node_->uv);
  node_->uv.data = node_.get();
}

void Timer::arm(Duration delay) {
  const TimePoint now = Loop::now();
  const Duration later = std::max(delay, Duration::zero());
  arm_at(later < kNever - now ? now + later : kNever);
}

void Timer::arm_at(TimePoint when) {
  if (when == kNever) return cancel();
  constexpr std::uint64_t kNanosecondsPerMs = 1'000'000;
  const auto nanoseconds = static_cast<std::uint64_t>(std::max<Duration::rep>(when.time_since_epoch().count(), 0));
  const std::uint64_t due_ms = (nanoseconds + kNanosecondsPerMs - 1) / kNanosecondsPerMs;
  if (armed() && node_->due_ms == due_ms) return;

  // libuv counts from the loop's cached time: taking the delay from the same time makes the due time exact.
  const std::uint64_t now_ms = uv_now(node_->uv.loop);
  std::uint64_t delay_ms = due_ms > now_ms ? due_ms - now_ms : 0;
  // libuv runs all timers that are due before it polls: one that re-arms itself with 0 would starve the sockets.
  if (node_->expiring) delay_ms = std::max<std::uint64_t>(delay_ms, 1);
  node_->due_ms = due_ms;
  const auto expire = [](uv_timer_t* handle) noexcept {
    auto* node = static_cast<Node*>(handle->data);
    node->expiring = true;
    node->on_expire();
    node->expiring = false;  // the node outlives its timer: it dies in a later close callback
  };
  uv_timer_start(&node_->uv, expire, delay_ms, 0);
}

void Timer::cancel() { uv_timer_stop(&node_->uv); }

bool Timer::armed() const { return uv_is_active(reinterpret_cast<const uv_handle_t*>(&node_->uv)) != 0; }

}  // namespace van::io
