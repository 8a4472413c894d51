#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace van::bench {

/// A file descriptor; closes it.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_{fd} {}
  Descriptor(Descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

/// Says what did not work, with errno, and ends the process: these programs have nothing to save.
[[noreturn]] void fail(std::string_view what);

/// The number that `text` is; ends the process when it is none, or above `max`.
std::uint64_t number(std::string_view text, std::uint64_t max);
std::uint16_t port_number(std::string_view text);

/// All sockets are on 127.0.0.1, and non-blocking unless they say otherwise. What fails ends the process.
Descriptor listen_on(std::uint16_t port);
/// An accepted connection without Nagle's algorithm; none (fd -1) when nobody waits.
Descriptor accept_from(const Descriptor& listener);
/// Not connected yet: whether it worked shows when it becomes writable. fd -1 when the system has no address left.
/// `source`: last octet of the local address, so that many short connections do not run out of ports; 0 for any.
Descriptor start_connect(std::uint16_t port, std::uint8_t source = 0);
/// Connected, and blocking.
Descriptor connect_to(std::uint16_t port);

/// For blocking sockets; end the process when the connection ends.
void send_all(const Descriptor& connection, std::span<const std::byte> bytes);
void receive_all(const Descriptor& connection, std::span<std::byte> bytes);

/// An epoll instance; `tag` comes back with each event.
class Poller {
 public:
  Poller();
  int fd() const { return epoll_.fd(); }
  void add(int fd, std::uint32_t events, void* tag) const;
  void change(int fd, std::uint32_t events, void* tag) const;

 private:
  Descriptor epoll_;
};

}  // namespace van::bench
