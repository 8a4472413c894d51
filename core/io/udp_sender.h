#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <span>

#include "core/base/slice.h"
#include "core/io/udp_address.h"

namespace van::io {

/// Hands datagrams to the system, many by one call. On Linux those that follow each other to the same place and are of the same length
/// also pass through its network stack as one, which cuts them apart again (UDP_SEGMENT); each is a datagram to whoever gets it.
class UdpSender {
 public:
  struct Datagram {
    Slice payload;
    UdpAddress to{};  ///< none on a connected socket
  };
  /// What became of some datagrams. Each is lost by itself: what comes behind it is tried.
  struct Outcome {
    std::size_t lost = 0;  ///< no room in the system, too long for the way, no route
    int refused = 0;       ///< connected socket: errno, where one of them (lost, too) met the word that an earlier one found nobody there
  };

#ifdef __linux__
  using Message = mmsghdr;
#else
  struct Message {
    msghdr msg_hdr;
    unsigned msg_len;
  };
#endif
  /// As sendmmsg(2); replaced in tests.
  using Call = int (*)(int fd, Message* messages, unsigned count, int flags);
  explicit UdpSender(Call call = &send_messages) : call_{call} {}

  /// In this order, without waiting. When the system has no room, the rest is lost.
  Outcome send(int fd, std::span<const Datagram> datagrams);

 private:
  struct Batch;
  static int send_messages(int fd, Message* messages, unsigned count, int flags);
  void fill(int fd, Batch& batch, std::span<const Datagram> datagrams);
  void failed_run(int error, std::size_t segment_bytes);

  Call call_;
  bool asked_ = false;              ///< whether the system knows UDP_SEGMENT
  std::size_t segment_bytes_ = 0;   ///< longest datagrams that go through it as one, as far as we know
};

}  // namespace van::io
