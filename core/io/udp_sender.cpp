#include "core/io/udp_sender.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace van::io {
namespace {

constexpr std::size_t kDatagrams = 64;       // by one call, and in one run: the kernel's UDP_MAX_SEGMENTS
constexpr std::size_t kRunBytes = 65'000;    // of one run with its headers: below what an IP packet may have

bool is_of_icmp(int error) { return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH; }
bool is_no_room(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM; }

/// How many of the datagrams, from the first on, may go as one: equal in length but for the last, which may be shorter.
std::size_t run_length(std::span<const UdpSender::Datagram> datagrams, std::size_t segment_bytes) {
  const std::size_t each = datagrams[0].payload.size();
  if (each == 0 || each > segment_bytes) return 1;
  const std::size_t most = std::min(datagrams.size(), kRunBytes / each);
  std::size_t length = 1;
  while (length < most && datagrams[length].to == datagrams[0].to) {
    const std::size_t size = datagrams[length].payload.size();
    if (size == 0 || size > each) break;
    ++length;
    if (size < each) break;
  }
  return length;
}

}  // namespace

/// The arguments of one call.
struct UdpSender::Batch {
  union Control {
    cmsghdr header;
    char space[CMSG_SPACE(sizeof(std::uint16_t))];
  };
  std::array<Message, kDatagrams> messages;
  std::array<std::size_t, kDatagrams> lengths;  // datagrams in each message
  std::array<iovec, kDatagrams> pieces;
  std::array<Control, kDatagrams> controls;
  unsigned count = 0;
};

int UdpSender::send_messages(int fd, Message* messages, unsigned count, int flags) {
#ifdef __linux__
  return ::sendmmsg(fd, messages, count, flags);
#else
  return count > 0 && ::sendmsg(fd, &messages[0].msg_hdr, flags) >= 0 ? 1 : -1;
#endif
}

void UdpSender::fill(int fd, Batch& batch, std::span<const Datagram> datagrams) {
#ifdef UDP_SEGMENT
  if (!asked_ && datagrams.size() > 1) {
    int size = 0;
    socklen_t length = sizeof size;
    asked_ = true;
    if (::getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &length) == 0) segment_bytes_ = kRunBytes;
  }
#else
  static_cast<void>(fd);
#endif
  datagrams = datagrams.first(std::min(datagrams.size(), kDatagrams));
  iovec* piece = batch.pieces.data();
  for (batch.count = 0; !datagrams.empty(); ++batch.count) {
    const std::size_t length = run_length(datagrams, segment_bytes_);
    const std::string_view to = datagrams[0].to.octets();
    msghdr& header = (batch.messages[batch.count] = {}).msg_hdr;
    header.msg_name = to.empty() ? nullptr : const_cast<char*>(to.data());  // read from only, as the payload is
    header.msg_namelen = static_cast<socklen_t>(to.size());
    header.msg_iov = piece;
    header.msg_iovlen = static_cast<decltype(header.msg_iovlen)>(length);
    for (const Datagram& datagram : datagrams.first(length)) *piece++ = {const_cast<std::uint8_t*>(datagram.payload.data()), datagram.payload.size()};
#ifdef UDP_SEGMENT
    if (length > 1) {
      const auto each = static_cast<std::uint16_t>(datagrams[0].payload.size());
      Batch::Control& control = batch.controls[batch.count];
      control = {};
      header.msg_control = &control;
      header.msg_controllen = sizeof control;
      control.header.cmsg_level = IPPROTO_UDP;
      control.header.cmsg_type = UDP_SEGMENT;
      control.header.cmsg_len = CMSG_LEN(sizeof each);
      std::memcpy(CMSG_DATA(&control.header), &each, sizeof each);
    }
#endif
    batch.lengths[batch.count] = length;
    datagrams = datagrams.subspan(length);
  }
}

/// Too long for one packet of the way each, or no such thing there at all.
void UdpSender::failed_run(int error, std::size_t segment_bytes) {
  segment_bytes_ = error == EINVAL || error == EMSGSIZE ? segment_bytes - 1 : 0;
}

UdpSender::Outcome UdpSender::send(int fd, std::span<const Datagram> datagrams) {
  Outcome outcome;
  Batch batch;
  while (!datagrams.empty()) {
    fill(fd, batch, datagrams);
    const int taken = call_(fd, batch.messages.data(), batch.count, MSG_DONTWAIT);
    if (taken > 0) {  // what stopped it there, if anything, is told by the next call
      for (std::size_t i = 0; i < static_cast<std::size_t>(taken); ++i) datagrams = datagrams.subspan(batch.lengths[i]);
      continue;
    }
    const int error = errno;
    if (error == EINTR) continue;
    if (is_no_room(error)) {
      outcome.lost += datagrams.size();
      return outcome;
    }
    if (is_of_icmp(error)) {
      outcome.refused = error;
    } else if (batch.lengths[0] > 1) {
      failed_run(error, datagrams[0].payload.size());
      continue;
    }
    ++outcome.lost;
    datagrams = datagrams.subspan(1);
  }
  return outcome;
}

}  // namespace van::io
