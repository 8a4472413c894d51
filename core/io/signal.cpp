#include "core/io/signal.h"

#include <uv.h>

#include <utility>

#include "core/base/assert.h"

namespace van::io {

struct SignalWatcher::Node {
  uv_signal_t uv{};
  std::function<void()> on_signal;
};

void SignalWatcher::Close::operator()(Node* node) const noexcept {
  uv_close(reinterpret_cast<uv_handle_t*>(&node->uv),
           [](uv_handle_t* handle) noexcept { delete static_cast<Node*>(handle->data); });
}

SignalWatcher::SignalWatcher(Loop& loop, int signum, std::function<void()> on_signal) : node_{new Node{}} {
  node_->on_signal = std::move(on_signal);
  VAN_ASSERT(uv_signal_init(loop.uv(), &node_->uv) == 0);
  node_->uv.data = node_.get();
  const auto deliver = [](uv_signal_t* handle, int) noexcept { static_cast<Node*>(handle->data)->on_signal(); };
  VAN_ASSERT(uv_signal_start(&node_->uv, deliver, signum) == 0);
}

}  // namespace van::io
