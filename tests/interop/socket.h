#pragma once

#include <cstdint>
#include <optional>

#include "core/base/clock.h"
#include "core/base/slice.h"

namespace van::interop {

/// A blocking TCP socket on the loopback interface. Whatever fails ends the program with a word on standard error.
class Socket {
 public:
  /// Waits for one client on a port of the system's choice, which is printed first: "port N".
  static Socket listen();
  static Socket connect(std::uint16_t port);
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  /// Waits until there is something to read or `timeout` has passed. False: time is up.
  bool wait(Duration timeout) const;
  /// What has come; empty at the end of the stream.
  Slice read();
  /// All of it; false when the peer is gone.
  bool write(SliceQueue& bytes) const;
  void shutdown_write() const;

 private:
  explicit Socket(int descriptor);

  int descriptor_;
  BlockWriter blocks_{256 * 1024};
};

/// The time now, for an engine.
TimePoint time_now();

}  // namespace van::interop
