#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "tests/bench/peer/peer.h"
#include "tests/bench/sockets.h"

namespace van::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMessageBytes = 16;
constexpr std::uint8_t kSources = 32;  // local addresses, see start_connect

struct Slot {
  Descriptor connection;
  std::size_t sent = 0;
  std::size_t received = 0;
};

enum class Step { waits, done, failed };

/// As far as the socket lets it.
Step advance(Slot& slot) {
  std::array<std::byte, kMessageBytes> message{};
  if (slot.sent < kMessageBytes) {
    const ssize_t sent = ::send(slot.connection.fd(), message.data(), kMessageBytes - slot.sent, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN ? Step::waits : Step::failed;
    slot.sent += static_cast<std::size_t>(sent);
  }
  while (slot.received < kMessageBytes) {
    const ssize_t received = ::recv(slot.connection.fd(), message.data(), kMessageBytes - slot.received, 0);
    if (received == 0) return Step::failed;
    if (received < 0) return errno == EAGAIN ? Step::waits : Step::failed;
    slot.received += static_cast<std::size_t>(received);
  }
  return Step::done;
}

class Client {
 public:
  explicit Client(const Connections& options) : options_{options}, slots_(options.at_once) {}

  void run() {
    const auto start = Clock::now();
    end_ = start + options_.duration_max;
    for (Slot& slot : slots_) open(slot);
    std::array<epoll_event, 256> events;
    while (open_ > 0) {
      const int count = ::epoll_wait(poller_.fd(), events.data(), static_cast<int>(events.size()), kSilenceMilliseconds);
      if (count == 0) {
        errors_ += open_;
        break;
      }
      for (int i = 0; i < count; ++i) handle(*static_cast<Slot*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::printf("{\"count\": %llu, \"seconds\": %.4f, \"per_second\": %.1f, \"errors\": %llu}\n", static_cast<unsigned long long>(done_),
                seconds, static_cast<double>(done_) / seconds, static_cast<unsigned long long>(errors_));
  }

 private:
  static constexpr int kSilenceMilliseconds = 20'000;  // nothing at all happens for so long: what is open counts as failed

  void open(Slot& slot) {
    slot = Slot{};
    if (started_ >= options_.count_max || errors_ > kErrorsMax || Clock::now() >= end_) return;
    slot.connection = start_connect(options_.port, static_cast<std::uint8_t>(2 + started_ % kSources));
    ++started_;
    if (slot.connection.fd() < 0) fail("connect");
    poller_.add(slot.connection.fd(), EPOLLIN | EPOLLOUT | EPOLLET, &slot);
    ++open_;
  }

  void handle(Slot& slot) {
    const Step step = advance(slot);
    if (step == Step::waits) return;
    if (step == Step::done) {
      ++done_;
      if (options_.reset) {
        const linger at_once{1, 0};
        ::setsockopt(slot.connection.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      }
    } else {
      ++errors_;
    }
    --open_;
    open(slot);
  }

  static constexpr std::uint64_t kErrorsMax = 1000;

  const Connections options_;
  Poller poller_;
  std::vector<Slot> slots_;
  Clock::time_point end_;
  std::uint64_t started_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t errors_ = 0;
  std::uint64_t open_ = 0;
};

}  // namespace

void run_connections(const Connections& options) { Client{options}.run(); }

void run_hold(std::uint16_t port, std::size_t count) {
  std::vector<Descriptor> held;
  for (std::size_t i = 0; i < count; ++i) {
    held.push_back(connect_to(port));
    std::array<std::byte, 1> octet{};
    send_all(held.back(), octet);
    receive_all(held.back(), octet);
  }
  std::puts("ready");
  std::fflush(stdout);
  char ignored = 0;
  while (::read(STDIN_FILENO, &ignored, 1) > 0) continue;
}

}  // namespace van::bench
