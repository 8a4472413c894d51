#include "tests/interop/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace van::interop {
namespace {

int checked(int result, const char* what) {
  if (result >= 0) return result;
  std::perror(what);
  std::exit(2);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

Socket Socket::listen() {
  const int listener = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  checked(::bind(listener, reinterpret_cast<const sockaddr*>(&address), length), "bind");
  checked(::listen(listener, 1), "listen");
  checked(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  std::printf("port %u\n", static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
  const int accepted = checked(::accept(listener, nullptr, nullptr), "accept");
  ::close(listener);
  return Socket{accepted};
}

Socket Socket::connect(std::uint16_t port) {
  const int descriptor = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const sockaddr_in address = loopback(port);
  checked(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  return Socket{descriptor};
}

Socket::Socket(int descriptor) : descriptor_{descriptor} {
  const int on = 1;
  checked(::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt");
}

Socket::~Socket() { ::close(descriptor_); }

bool Socket::wait(Duration timeout) const {
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  pollfd entry{descriptor_, POLLIN, 0};
  return checked(::poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(rounded, 0, 60'000))), "poll") > 0;
}

Slice Socket::read() {
  const auto space = blocks_.space(1);
  const ssize_t count = ::recv(descriptor_, space.data(), space.size(), 0);
  return count > 0 ? blocks_.commit(static_cast<std::size_t>(count)) : Slice{};
}

bool Socket::write(SliceQueue& bytes) const {
  while (!bytes.empty()) {
    std::array<iovec, 64> parts;
    std::size_t count = 0;
    for (const Slice& slice : bytes.slices()) {
      if (count == parts.size()) break;
      parts[count++] = {const_cast<std::uint8_t*>(slice.data()), slice.size()};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t written = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
    if (written <= 0) return false;
    bytes.consume(static_cast<std::size_t>(written));
  }
  return true;
}

void Socket::shutdown_write() const { ::shutdown(descriptor_, SHUT_WR); }

TimePoint time_now() { return TimePoint{std::chrono::steady_clock::now().time_since_epoch()}; }

}  // namespace van::interop
