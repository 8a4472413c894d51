#include "tests/bench/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace van::bench {

namespace {

sockaddr_in loopback(std::uint16_t port, std::uint8_t last = 1) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(0x7f000000u | last);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

Descriptor stream_socket(int flags) {
  Descriptor made{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)};
  if (made.fd() < 0) fail("socket");
  return made;
}

void set(const Descriptor& socket, int level, int name) {
  const int on = 1;
  if (::setsockopt(socket.fd(), level, name, &on, sizeof on) != 0) fail("setsockopt");
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

void fail(std::string_view what) {
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(what.size()), what.data(), std::strerror(errno));
  std::exit(1);
}

std::uint64_t number(std::string_view text, std::uint64_t max) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) {
    errno = EINVAL;
    fail(text);
  }
  return value;
}

std::uint16_t port_number(std::string_view text) { return static_cast<std::uint16_t>(number(text, 65535)); }

Descriptor listen_on(std::uint16_t port) {
  Descriptor listener = stream_socket(SOCK_NONBLOCK);
  set(listener, SOL_SOCKET, SO_REUSEADDR);
  const sockaddr_in address = loopback(port);
  if (::bind(listener.fd(), generic(address), sizeof address) != 0) fail("bind");
  if (::listen(listener.fd(), 4096) != 0) fail("listen");
  return listener;
}

Descriptor accept_from(const Descriptor& listener) {
  Descriptor accepted{::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (accepted.fd() >= 0) set(accepted, IPPROTO_TCP, TCP_NODELAY);
  return accepted;
}

Descriptor start_connect(std::uint16_t port, std::uint8_t source) {
  Descriptor connecting = stream_socket(SOCK_NONBLOCK);
  set(connecting, IPPROTO_TCP, TCP_NODELAY);
  if (source != 0) {
    set(connecting, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    const sockaddr_in local = loopback(0, source);
    if (::bind(connecting.fd(), generic(local), sizeof local) != 0) fail("bind");
  }
  const sockaddr_in address = loopback(port);
  if (::connect(connecting.fd(), generic(address), sizeof address) != 0 && errno != EINPROGRESS) return {};
  return connecting;
}

Descriptor connect_to(std::uint16_t port) {
  Descriptor connected = stream_socket(0);
  const sockaddr_in address = loopback(port);
  if (::connect(connected.fd(), generic(address), sizeof address) != 0) fail("connect");
  return connected;
}

void send_all(const Descriptor& connection, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) fail("send");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

void receive_all(const Descriptor& connection, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t received = ::recv(connection.fd(), bytes.data(), bytes.size(), 0);
    if (received == 0) errno = ECONNRESET;
    if (received <= 0) fail("receive");
    bytes = bytes.subspan(static_cast<std::size_t>(received));
  }
}

Poller::Poller() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
  if (epoll_.fd() < 0) fail("epoll");
}

void Poller::add(int fd, std::uint32_t events, void* tag) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag;
  if (::epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

void Poller::change(int fd, std::uint32_t events, void* tag) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag;
  if (::epoll_ctl(epoll_.fd(), EPOLL_CTL_MOD, fd, &event) != 0) fail("epoll_ctl");
}

}  // namespace van::bench
