#include "core/io/loop.h"

#include <uv.h>

#include <csignal>
#include <mutex>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/base/slice.h"
#include "core/io/deferred_list.h"

namespace van::io {
namespace {

uv_handle_t* handle_of(auto& uv) { return reinterpret_cast<uv_handle_t*>(&uv); }

/// Whether one stream alone reads.
struct Readers {
  const void* last = nullptr;
  std::size_t shared_turn = 0;  ///< of the loop, in which it was another one than before
  void note(const void* stream, std::size_t turn) {
    if (std::exchange(last, stream) != stream) shared_turn = turn;
  }
};

}  // namespace

struct Loop::State {
  explicit State(Options options);
  ~State();

  static State& of(uv_handle_t* handle) { return *static_cast<State*>(handle->data); }
  void want_turn_end() {
    uv_idle_start(&turn_pending, [](uv_idle_t*) noexcept {});
  }
  void run_deferred() noexcept;
  void run_posted() noexcept;

  uv_loop_t uv{};
  uv_async_t wake{};
  uv_prepare_t before_poll{};
  uv_check_t after_poll{};
  uv_idle_t turn_pending{};  // active while something is deferred, so that the loop does not go to sleep on it

  std::mutex posted_mutex;
  std::vector<std::function<void()>> posted;  // under posted_mutex

  std::vector<std::function<void()>> tasks;
  DeferredList deferred;
  BlockWriter read_blocks;
  BlockWriter bulk_blocks;
  std::size_t read_space_min;
  std::size_t bulk_block_bytes;
  std::unique_ptr<std::uint8_t[]> datagram_space;  // only pages that were needed once are there
  Readers all_readers, limited_readers;
  std::size_t turns = 0;
  bool stopped = false;
};

Loop::State::State(Options options)
    : read_blocks{options.read_block_bytes}, bulk_blocks{options.bulk_block_bytes}, read_space_min{options.read_block_bytes / 4}, bulk_block_bytes{options.bulk_block_bytes} {
  VAN_ASSERT(uv_loop_init(&uv) == 0);
  VAN_ASSERT(uv_async_init(&uv, &wake, [](uv_async_t* handle) noexcept {
               of(reinterpret_cast<uv_handle_t*>(handle)).run_posted();
             }) == 0);
  uv_prepare_init(&uv, &before_poll);
  uv_check_init(&uv, &after_poll);
  uv_idle_init(&uv, &turn_pending);
  wake.data = before_poll.data = after_poll.data = turn_pending.data = this;
  // What timers and closing callbacks deferred is done before the poll, what sockets deferred after it.
  uv_prepare_start(&before_poll, [](uv_prepare_t* handle) noexcept {
    State& state = of(reinterpret_cast<uv_handle_t*>(handle));
    ++state.turns;
    state.run_deferred();
  });
  uv_check_start(&after_poll,
                 [](uv_check_t* handle) noexcept { of(reinterpret_cast<uv_handle_t*>(handle)).run_deferred(); });
}

Loop::State::~State() {
  // Dropping tasks may close what they own, so it comes first.
  std::exchange(tasks, {}).clear();
  std::exchange(posted, {}).clear();
  VAN_ASSERT(deferred.empty());
  for (uv_handle_t* handle :
       {handle_of(wake), handle_of(before_poll), handle_of(after_poll), handle_of(turn_pending)}) {
    uv_close(handle, nullptr);
  }
  // Whoever is not closing by now was leaked, and would keep the loop running for ever.
  uv_walk(
      &uv, [](uv_handle_t* handle, void*) noexcept { VAN_ASSERT(uv_is_closing(handle)); }, nullptr);
  while (uv_run(&uv, UV_RUN_DEFAULT) != 0) continue;  // a stop() that came last ends one run early
  VAN_ASSERT(uv_loop_close(&uv) == 0);
}

void Loop::State::run_deferred() noexcept {
  uv_idle_stop(&turn_pending);  // also when all that was deferred has been cancelled
  if (tasks.empty() && deferred.empty()) return;
  for (auto& task : std::exchange(tasks, {})) task();
  deferred.run();
}

void Loop::State::run_posted() noexcept {
  std::vector<std::function<void()>> batch;
  {
    const std::lock_guard lock{posted_mutex};
    batch.swap(posted);
  }
  for (auto& task : batch) task();
}

Loop::Loop() : Loop{Options{}} {}

Loop::Loop(Options options) {
  std::signal(SIGPIPE, SIG_IGN);
  state_ = std::make_unique<State>(options);
}

Loop::~Loop() = default;

void Loop::run() {
  while (!std::exchange(state_->stopped, false)) uv_run(&state_->uv, UV_RUN_DEFAULT);
}

bool Loop::run_until(const std::function<bool()>& done) {
  while (!done()) {
    if (std::exchange(state_->stopped, false)) return false;
    uv_run(&state_->uv, UV_RUN_ONCE);
    state_->run_deferred();  // UV_RUN_ONCE ends with the timers
  }
  return true;
}

void Loop::stop() {
  state_->stopped = true;
  uv_stop(&state_->uv);
}

TimePoint Loop::now() { return TimePoint{Duration{static_cast<Duration::rep>(uv_hrtime())}}; }

std::chrono::system_clock::time_point Loop::wall_clock() { return std::chrono::system_clock::now(); }

void Loop::post(std::function<void()> task) {
  {
    const std::lock_guard lock{state_->posted_mutex};
    state_->posted.push_back(std::move(task));
  }
  uv_async_send(&state_->wake);
}

void Loop::defer(std::function<void()> task) {
  state_->tasks.push_back(std::move(task));
  state_->want_turn_end();
}

std::size_t Loop::turns() const { return state_->turns; }

uv_loop_s* Loop::uv() { return &state_->uv; }
BlockWriter& Loop::read_blocks() { return state_->read_blocks; }
BlockWriter& Loop::bulk_blocks() { return state_->bulk_blocks; }
std::size_t Loop::read_space_min() const { return state_->read_space_min; }

std::span<std::uint8_t> Loop::datagram_space() {
  constexpr std::size_t kDatagrams = 20, kDatagramBytes = 64 * 1024;  // as many as libuv asks for by one call, each as long as can be
  constexpr std::size_t kBytes = kDatagrams * kDatagramBytes;
  if (state_->datagram_space == nullptr) state_->datagram_space.reset(new std::uint8_t[kBytes]);
  return {state_->datagram_space.get(), kBytes};
}

std::size_t Loop::read_share(const void* stream, bool limited) {
  constexpr std::size_t kAloneTurns = 64, kAloneBlocks = 8;
  State& state = *state_;
  state.all_readers.note(stream, state.turns);
  if (limited) state.limited_readers.note(stream, state.turns);
  const Readers& readers = limited ? state.limited_readers : state.all_readers;
  return state.bulk_block_bytes * (state.turns - readers.shared_turn > kAloneTurns ? kAloneBlocks : 1);
}

Deferred::Deferred(Loop& loop, std::function<void()> task)
    : loop_{loop}, node_{std::make_unique<DeferredNode>(std::move(task))} {}

Deferred::~Deferred() {
  node_->unlink();
  if (node_->running) DeferredList::release_after_run(std::move(node_));
}

void Deferred::schedule() {
  if (node_->linked()) return;
  loop_.state_->deferred.push(*node_);
  loop_.state_->want_turn_end();
}

void Deferred::cancel() { node_->unlink(); }

bool Deferred::scheduled() const { return node_->linked(); }

}  // namespace van::io
