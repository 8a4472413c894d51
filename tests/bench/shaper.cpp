// A long path in user space: relays TCP connections, delays each octet and lets no more pass than the rate, for all connections
// together and each direction by itself.
//   shaper MBIT_PER_SECOND ONE_WAY_MILLISECONDS LISTEN:TARGET...
// As it ends TCP on both sides, it shows what the protocol above TCP makes of a long path, not TCP's own congestion control; and
// connecting takes no time, only what is sent then.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "tests/bench/sockets.h"

using namespace van::bench;

namespace {

using Clock = std::chrono::steady_clock;
using Duration = std::chrono::nanoseconds;

constexpr std::size_t kChunkBytes = 64 * 1024;
constexpr Duration kQueue = std::chrono::milliseconds{10};  // what may wait for the wire, as in a router's queue

/// The wire in one direction: when it has sent what it was given.
struct Wire {
  double nanoseconds_per_byte;
  Duration delay;
  Clock::time_point free_at{};

  /// When the last of `bytes`, given to it now, arrives.
  Clock::time_point send(std::size_t bytes, Clock::time_point now) {
    free_at = std::max(free_at, now) + Duration{static_cast<std::int64_t>(static_cast<double>(bytes) * nanoseconds_per_byte)};
    return free_at + delay;
  }
  bool takes_more(Clock::time_point now) const { return free_at < now + kQueue; }
  /// What is on its way at most: the bandwidth-delay product and the queue.
  std::size_t bytes_max() const { return static_cast<std::size_t>(static_cast<double>((delay + 2 * kQueue).count()) / nanoseconds_per_byte); }
};

struct Chunk {
  std::vector<std::byte> bytes;  // none: the end of the direction
  Clock::time_point arrives;
  std::size_t written = 0;
};

/// An end of a connection, and whether its socket had something to read or room to write when last tried.
struct End {
  Descriptor socket;
  bool readable = true;
  bool writable = false;
  bool failed = false;
};

/// One direction of one connection.
struct Flow {
  End& from;
  End& to;
  Wire& wire;
  std::deque<Chunk> on_the_way;
  std::size_t bytes = 0;
  bool read_all = false;
  bool done = false;

  bool may_read(Clock::time_point now) const { return from.readable && !read_all && bytes < wire.bytes_max() && wire.takes_more(now); }

  /// One chunk at most, so that flows share the wire.
  bool read(Clock::time_point now) {
    if (!may_read(now)) return false;
    std::vector<std::byte> buffer(kChunkBytes);
    const ssize_t received = ::recv(from.socket.fd(), buffer.data(), buffer.size(), 0);
    if (received < 0) {
      from.readable = false;
      from.failed = from.failed || (errno != EAGAIN && errno != ENOTCONN);
      return false;
    }
    buffer.resize(static_cast<std::size_t>(received));
    read_all = buffer.empty();
    bytes += buffer.size();
    const auto arrives = wire.send(buffer.size(), now);
    on_the_way.push_back({std::move(buffer), arrives});
    return true;
  }

  void write(Clock::time_point now) {
    while (to.writable && !on_the_way.empty() && on_the_way.front().arrives <= now) {
      Chunk& chunk = on_the_way.front();
      if (chunk.bytes.empty()) {
        ::shutdown(to.socket.fd(), SHUT_WR);
        done = true;
      } else {
        const ssize_t sent = ::send(to.socket.fd(), chunk.bytes.data() + chunk.written, chunk.bytes.size() - chunk.written, MSG_NOSIGNAL);
        if (sent < 0) {
          to.writable = false;
          to.failed = to.failed || errno != EAGAIN;
          return;
        }
        chunk.written += static_cast<std::size_t>(sent);
        bytes -= static_cast<std::size_t>(sent);
        if (chunk.written < chunk.bytes.size()) continue;
      }
      on_the_way.pop_front();
    }
  }

  /// When there will be something to do that no socket tells of.
  std::optional<Clock::time_point> next(Clock::time_point now) const {
    std::optional<Clock::time_point> when;
    if (to.writable && !on_the_way.empty()) when = on_the_way.front().arrives;
    if (from.readable && !read_all && bytes < wire.bytes_max() && !wire.takes_more(now)) {
      const auto room = wire.free_at - kQueue + std::chrono::microseconds{100};
      when = when ? std::min(*when, room) : room;
    }
    return when;
  }
};

struct Way {
  Way(Descriptor near_socket, Descriptor far_socket, std::array<Wire, 2>& wires)
      : near{std::move(near_socket)}, far{std::move(far_socket)}, there{near, far, wires[0], {}}, back{far, near, wires[1], {}} {}
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;

  bool over() const { return near.failed || far.failed || (there.done && back.done); }

  End near, far;
  Flow there, back;
};

struct Service {
  Descriptor listener;
  std::uint16_t target = 0;
};

class Shaper {
 public:
  Shaper(const Wire& wire, std::vector<Service> services) : wires_{wire, wire}, services_{std::move(services)} {
    for (const Service& service : services_) poller_.add(service.listener.fd(), EPOLLIN | EPOLLET, nullptr);
    poller_.add(timer_.fd(), EPOLLIN | EPOLLET, nullptr);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 128> events;
    while (true) {
      const int count = ::epoll_wait(poller_.fd(), events.data(), static_cast<int>(events.size()), pump() ? 0 : -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        auto* end = static_cast<End*>(event.data.ptr);
        if (end == nullptr) continue;
        if (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) end->readable = true;
        if (event.events & EPOLLOUT) end->writable = true;
      }
      accept();
    }
  }

 private:
  void accept() {
    for (const Service& service : services_) {
      for (Descriptor near = accept_from(service.listener); near.fd() >= 0; near = accept_from(service.listener)) {
        Descriptor far = start_connect(service.target);
        if (far.fd() < 0) continue;
        Way& way = ways_.emplace_back(std::move(near), std::move(far), wires_);
        for (End* end : {&way.near, &way.far}) poller_.add(end->socket.fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, end);
      }
    }
  }

  /// Moves what can be moved now, and sets the timer for the rest. True when there is more to read at once.
  bool pump() {
    const auto now = Clock::now();
    bool more = false;
    std::optional<Clock::time_point> wake;
    for (Way& way : ways_) {
      for (Flow* flow : {&way.there, &way.back}) {
        more = flow->read(now) || more;
        flow->write(now);
        if (const auto next = flow->next(now); next && (!wake || *next < *wake)) wake = next;
      }
    }
    ways_.remove_if([](const Way& way) { return way.over(); });
    if (!more && wake) arm(*wake);
    return more;
  }

  void arm(Clock::time_point when) {
    const auto since_start = when.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_start);
    itimerspec at{};
    at.it_value.tv_sec = seconds.count();
    at.it_value.tv_nsec = std::chrono::duration_cast<Duration>(since_start - seconds).count();
    if (::timerfd_settime(timer_.fd(), TFD_TIMER_ABSTIME, &at, nullptr) != 0) fail("timerfd_settime");
  }

  Poller poller_;
  Descriptor timer_{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
  std::array<Wire, 2> wires_;
  std::vector<Service> services_;
  std::list<Way> ways_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words{argv + 1, argv + argc};
  if (words.size() < 3) {
    std::fputs("usage: shaper MBIT_PER_SECOND ONE_WAY_MILLISECONDS LISTEN:TARGET...\n", stderr);
    return 2;
  }
  const auto megabits = static_cast<double>(std::max<std::uint64_t>(1, number(words[0], 1'000'000)));
  const Wire wire{.nanoseconds_per_byte = 8000.0 / megabits,
                  .delay = std::chrono::milliseconds{static_cast<std::int64_t>(number(words[1], 60'000))}};
  std::vector<Service> services;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::size_t colon = words[i].find(':');
    if (colon == std::string_view::npos) fail("LISTEN:TARGET");
    services.push_back({listen_on(port_number(words[i].substr(0, colon))), port_number(words[i].substr(colon + 1))});
  }
  Shaper{wire, std::move(services)}.run();
}
