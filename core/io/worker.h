#pragma once

#include <functional>
#include <memory>

#include "core/io/loop.h"

namespace van::io {

/// A thread of its own, for computations of milliseconds that would hold up the loop. They run one after the other, in the order
/// of the calls, so that they may share what is not made for several threads. The thread starts with the first of them; where the
/// system gives none, the loop's does them.
class Worker {
 public:
  /// `loop` must outlive it.
  explicit Worker(Loop& loop);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Waits for the computation under way, and drops those that have not begun.
  ~Worker();

  /// Who waits for one computation. Destroyed before its end: `done` is not called; the computation may still run, so what it uses
  /// must be its own.
  class Task {
   public:
    ~Task();

   private:
    friend class Worker;
    struct State;
    explicit Task(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
  };

  /// Runs `work` on the thread, then `done` on the loop's, in a later turn than this call. Neither may throw. `done` may destroy its Task.
  [[nodiscard]] std::unique_ptr<Task> run(std::function<void()> work, std::function<void()> done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace van::io
