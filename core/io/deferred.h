#pragma once

#include <functional>
#include <memory>

#include "core/io/loop.h"

namespace van::io {

struct DeferredNode;

/// A task that runs at the end of the loop turn in which it is scheduled, when no callback of the loop is on
/// the stack: the place to reap what is finished. Destroying it cancels it, also from its own task. Stays
/// where it is made.
class Deferred {
 public:
  /// `loop` must outlive it.
  Deferred(Loop& loop, std::function<void()> task);
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  ~Deferred();

  /// Once per turn however often it is called; from its own task: a turn later.
  void schedule();
  void cancel();
  [[nodiscard]] bool scheduled() const;

 private:
  Loop& loop_;
  std::unique_ptr<DeferredNode> node_;
};

}  // namespace van::io
