#pragma once

#include <cstdint>

namespace van::proxy {

/// Where requests are told apart (http), they are what is counted as connections.
struct Counters {
  std::uint64_t in_flight = 0;    ///< connections or flows now
  std::uint64_t connections = 0;  ///< ever
  std::uint64_t bytes_in = 0;     ///< from the network to the local socket
  std::uint64_t bytes_out = 0;    ///< from the local socket to the network
  std::uint64_t dropped = 0;      ///< datagrams that went no further from here
};

}  // namespace van::proxy
