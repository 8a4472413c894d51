#include "core/io/worker.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace van::io {

struct Worker::Task::State {
  std::function<void()> work;  // the thread's
  std::function<void()> done;  // the loop's
};

struct Worker::State {
  explicit State(Loop& on) : loop{on} {}

  void work() {
    std::unique_lock lock{mutex};
    for (;;) {
      changed.wait(lock, [this] { return stopping || !waiting.empty(); });
      if (stopping) return;
      const std::shared_ptr<Task::State> task = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      std::exchange(task->work, {})();
      loop.post([task] { tell(*task); });
      lock.lock();
    }
  }

  static void tell(Task::State& task) {
    if (const auto done = std::exchange(task.done, {})) done();
  }

  Loop& loop;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Task::State>> waiting;  // under mutex
  bool stopping = false;                             // under mutex
  std::thread thread;
};

Worker::Task::Task(std::shared_ptr<State> state) : state_{std::move(state)} {}
Worker::Task::~Task() { state_->done = {}; }

Worker::Worker(Loop& loop) : state_{std::make_shared<State>(loop)} {}

Worker::~Worker() {
  if (!state_->thread.joinable()) return;
  {
    const std::lock_guard lock{state_->mutex};
    state_->stopping = true;
  }
  state_->changed.notify_one();
  state_->thread.join();
}

std::unique_ptr<Worker::Task> Worker::run(std::function<void()> work, std::function<void()> done) {
  auto task = std::make_shared<Task::State>(Task::State{std::move(work), std::move(done)});
  try {
    if (!state_->thread.joinable()) state_->thread = std::thread{[state = state_.get()] { state->work(); }};
  } catch (const std::system_error&) {  // no thread is to be had
    state_->loop.post([task, owner = std::weak_ptr{state_}] {
      if (owner.expired()) return;
      std::exchange(task->work, {})();
      State::tell(*task);
    });
    return std::unique_ptr<Task>{new Task{std::move(task)}};
  }
  {
    const std::lock_guard lock{state_->mutex};
    state_->waiting.push_back(task);
  }
  state_->changed.notify_one();
  return std::unique_ptr<Task>{new Task{std::move(task)}};
}

}  // namespace van::io
