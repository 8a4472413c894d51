// The two ends of a measured path: servers and clients for what iperf3 and wrk do not measure. Clients print one line of JSON.
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "tests/bench/peer/peer.h"
#include "tests/bench/sockets.h"

using namespace van::bench;

namespace {

[[noreturn]] void usage() {
  std::fputs(
      "usage: bench_peer echo PORT\n"
      "       bench_peer sink PORT\n"
      "       bench_peer roundtrip PORT BYTES MILLISECONDS\n"
      "       bench_peer connections PORT AT_ONCE MILLISECONDS\n"
      "       bench_peer count PORT AT_ONCE COUNT close|reset\n"
      "       bench_peer hold PORT COUNT\n"
      "       bench_peer bulk PORT BYTES MILLISECONDS\n",
      stderr);
  std::exit(2);
}

std::chrono::milliseconds milliseconds(std::string_view text) {
  return std::chrono::milliseconds{static_cast<std::int64_t>(number(text, 24ull * 3600 * 1000))};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words{argv + 1, argv + argc};
  if (words.size() < 2) usage();
  const std::string_view what = words[0];
  const std::uint16_t port = port_number(words[1]);
  constexpr std::uint64_t kMessageMax = 16 << 20;
  if (what == "echo" && words.size() == 2) run_echo(port);
  if (what == "sink" && words.size() == 2) run_sink(port);
  if (what == "roundtrip" && words.size() == 4) {
    run_round_trip(port, number(words[2], kMessageMax), milliseconds(words[3]));
  } else if (what == "connections" && words.size() == 4) {
    run_connections({.port = port, .at_once = number(words[2], 4096), .duration_max = milliseconds(words[3])});
  } else if (what == "count" && words.size() == 5) {
    run_connections({.port = port, .at_once = number(words[2], 4096), .count_max = number(words[3], 100'000'000), .reset = words[4] == "reset"});
  } else if (what == "hold" && words.size() == 3) {
    run_hold(port, number(words[2], 100'000));
  } else if (what == "bulk" && words.size() == 4) {
    run_bulk(port, number(words[2], kMessageMax), milliseconds(words[3]));
  } else {
    usage();
  }
  return 0;
}
