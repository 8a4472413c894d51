#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "core/base/clock.h"

struct uv_loop_s;

namespace van {
class BlockWriter;
}

namespace van::io {

class Deferred;

/// One event loop. Everything made on it belongs to the thread that runs it, and must be destroyed before it.
///
/// Making the first Loop of a process also makes the process ignore SIGPIPE: a write to a peer that is gone
/// is an error value here.
class Loop {
 public:
  struct Options {
    /// Size of the blocks that sockets are read into. The streams of a loop share one, so that an idle stream
    /// holds no buffer; larger blocks mean fewer system calls, and more memory kept by a slow reader of a little.
    std::size_t read_block_bytes = 64 * 1024;
    /// The same for a stream that has filled one, until a read is small again.
    std::size_t bulk_block_bytes = 256 * 1024;
  };

  Loop();
  explicit Loop(Options options);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  /// Finishes what is closing and drops, unrun, what was posted or deferred. Asserts that no timer, stream or
  /// other user of the loop is left. A name lookup that a cancelled Dialer left behind is waited for.
  ~Loop();

  /// Runs until stop(). An idle loop sleeps without wake-ups.
  void run();
  /// Runs until `done()` holds; asked before the first and after every turn. False when stop() came first.
  bool run_until(const std::function<bool()>& done);
  /// Makes run() return at the end of this turn; before run(): makes the next one return at once.
  void stop();

  /// Monotonic, in nanoseconds of the system's steady clock; the time that engines are given.
  [[nodiscard]] static TimePoint now();
  /// The time of day, for people and certificates. May jump.
  [[nodiscard]] static std::chrono::system_clock::time_point wall_clock();

  /// Runs `task` on the loop thread in a later turn, in the order of the calls. The one member that other
  /// threads may call, as long as the loop lives.
  void post(std::function<void()> task);

  /// Runs `task` at the end of this loop turn, when no callback of the loop is on the stack; one deferred by a
  /// deferred task runs a turn later. Can't be cancelled: capture nothing that may be gone by then, or use a
  /// Deferred.
  void defer(std::function<void()> task);

  /// Turns made so far, for tests: an idle loop makes none.
  [[nodiscard]] std::size_t turns() const;

  /// For core/io only.
  [[nodiscard]] uv_loop_s* uv();
  [[nodiscard]] BlockWriter& read_blocks();
  [[nodiscard]] BlockWriter& bulk_blocks();
  /// Octets that one stream may read in a turn: one large read while others read, too, or did a moment ago; more when it is alone.
  /// To a `limited` one (it has a read limit) only its like are others: what comes by the rest may be answers to it alone.
  [[nodiscard]] std::size_t read_share(const void* stream, bool limited);
  [[nodiscard]] std::size_t read_space_min() const;
  /// What the datagrams of one system call are read into, by one socket after the other: good until the next read.
  [[nodiscard]] std::span<std::uint8_t> datagram_space();

 private:
  friend class Deferred;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace van::io
