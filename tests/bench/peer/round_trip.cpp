#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "tests/bench/peer/peer.h"
#include "tests/bench/sockets.h"

namespace van::bench {

void run_round_trip(std::uint16_t port, std::size_t message_bytes, std::chrono::milliseconds duration) {
  using Clock = std::chrono::steady_clock;
  const Descriptor connection = connect_to(port);
  const int on = 1;
  if (::setsockopt(connection.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("setsockopt");
  std::vector<std::byte> message(message_bytes, std::byte{0x5a});
  const auto once = [&connection, &message] {
    send_all(connection, message);
    receive_all(connection, message);
  };
  once();  // the way is only made by the first
  std::vector<double> microseconds;
  const auto end = Clock::now() + duration;
  for (auto before = Clock::now(); before < end;) {
    once();
    const auto after = Clock::now();
    microseconds.push_back(std::chrono::duration<double, std::micro>(after - before).count());
    before = after;
  }
  std::sort(microseconds.begin(), microseconds.end());
  const auto percentile = [&microseconds](double share) {
    return microseconds.empty() ? 0.0 : microseconds[static_cast<std::size_t>(share * static_cast<double>(microseconds.size() - 1))];
  };
  std::printf("{\"count\": %zu, \"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f}\n", microseconds.size(), percentile(0.5),
              percentile(0.99), percentile(0.999));
}

}  // namespace van::bench
