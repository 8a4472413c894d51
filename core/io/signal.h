#pragma once

#include <functional>
#include <memory>

#include "core/io/loop.h"

namespace van::io {

/// Calls back on the loop thread each time the process gets a signal, instead of the signal's default action.
/// No callback after destruction, which is fine from the callback too.
class SignalWatcher {
 public:
  /// `loop` must outlive it; `signum` as SIGTERM, one that can be caught (asserted).
  SignalWatcher(Loop& loop, int signum, std::function<void()> on_signal);

 private:
  struct Node;
  struct Close {
    void operator()(Node* node) const noexcept;
  };
  std::unique_ptr<Node, Close> node_;
};

}  // namespace van::io
