#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "tests/bench/peer/peer.h"
#include "tests/bench/sockets.h"

namespace van::bench {

void run_bulk(std::uint16_t port, std::size_t message_bytes_wanted, std::chrono::milliseconds duration) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kBatchBytes = 256 * 1024;
  constexpr std::size_t kHeaderBytes = 8;  // in the first message of a batch
  const std::size_t message_bytes = std::max(message_bytes_wanted, kHeaderBytes);
  const Descriptor connection = connect_to(port);
  const std::size_t messages = std::max<std::size_t>(1, kBatchBytes / message_bytes);
  const std::uint64_t batch_bytes = messages * message_bytes;
  const std::vector<std::byte> message(message_bytes, std::byte{0x5a});
  std::vector<std::byte> first = message;
  for (std::size_t i = 0; i < kHeaderBytes; ++i) first[i] = static_cast<std::byte>(batch_bytes >> (8 * (7 - i)));

  const auto start = Clock::now();
  std::uint64_t batches = 0;
  while (Clock::now() - start < duration) {
    send_all(connection, first);
    for (std::size_t i = 1; i < messages; ++i) send_all(connection, message);
    ++batches;
  }
  std::vector<std::byte> answers(batches);
  receive_all(connection, answers);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("{\"bytes\": %llu, \"seconds\": %.4f}\n", static_cast<unsigned long long>(batches * batch_bytes), seconds);
}

}  // namespace van::bench
