#pragma once

#include <atomic>
#include <cstdint>

namespace van::proxy {

/// Where requests are told apart (http), they are what is counted as connections.
struct Counters {
  std::uint64_t in_flight = 0;    ///< connections or flows now
  std::uint64_t connections = 0;  ///< ever
  std::uint64_t bytes_in = 0;     ///< from the network to the local socket
  std::uint64_t bytes_out = 0;    ///< from the local socket to the network
  std::uint64_t dropped = 0;      ///< datagrams that went no further from here

  Counters& operator+=(const Counters& more) {
    in_flight += more.in_flight;
    connections += more.connections;
    bytes_in += more.bytes_in;
    bytes_out += more.bytes_out;
    dropped += more.dropped;
    return *this;
  }
};

/// A number that one thread changes and any may read.
class Count {
 public:
  operator std::uint64_t() const { return value_.load(std::memory_order_relaxed); }  // NOLINT: it is a number
  Count& operator+=(std::uint64_t more) {
    value_.store(*this + more, std::memory_order_relaxed);  // there is one writer
    return *this;
  }
  Count& operator++() { return *this += 1; }
  Count& operator--() { return *this += std::uint64_t{0} - 1; }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Counters while they count.
struct LiveCounters {
  Count in_flight, connections, bytes_in, bytes_out;
  [[nodiscard]] Counters now() const { return {in_flight, connections, bytes_in, bytes_out}; }
};

}  // namespace van::proxy
