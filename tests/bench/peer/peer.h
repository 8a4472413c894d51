#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace van::bench {

/// Gives back what it gets, on every connection. Does not return.
[[noreturn]] void run_echo(std::uint16_t port);

/// Takes batches: 8 octets (big-endian) of the batch's length, these 8 included, then the rest. Answers each whole batch with
/// one octet. No end of a direction is needed, as not every relay passes one on alone. Does not return.
[[noreturn]] void run_sink(std::uint16_t port);

/// Prints percentiles of the time from the first octet sent to the last received, over an echo.
void run_round_trip(std::uint16_t port, std::size_t message_bytes, std::chrono::milliseconds duration);

struct Connections {
  std::uint16_t port = 0;
  std::size_t at_once = 32;
  std::uint64_t count_max = UINT64_MAX;
  std::chrono::milliseconds duration_max{24LL * 3600 * 1000};
  bool reset = false;  ///< ends them by a reset instead of in order
};
/// Connects, sends 16 octets to an echo, receives them and closes; again and again. Prints how many in which time.
void run_connections(const Connections& options);

/// Opens `count` connections, passes an octet through each, prints "ready", and holds them until standard input ends.
void run_hold(std::uint16_t port, std::size_t count);

/// Writes messages to a sink; prints octets and the time until the sink has answered for all of them.
void run_bulk(std::uint16_t port, std::size_t message_bytes, std::chrono::milliseconds duration);

}  // namespace van::bench
