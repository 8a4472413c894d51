#include "core/io/network_monitor.h"

#include <algorithm>

#include "core/io/timer.h"
#include "tests/support/catch.h"

namespace van::io {

TEST_CASE("the addresses of this machine have the loopback one among them", "[io][network]") {
  const auto addresses = interface_addresses();
  CHECK(std::ranges::is_sorted(addresses));
  CHECK(std::ranges::find(addresses, "127.0.0.1") != addresses.end());
}

TEST_CASE("a quiet network wakes nobody", "[io][network]") {
  Loop loop;
  int changes = 0;
  const NetworkMonitor monitor{loop, [&changes] { ++changes; }};
  bool later = false;
  loop.post([&later] { later = true; });
  REQUIRE(loop.run_until([&later] { return later; }));
  CHECK(changes == 0);
}

}  // namespace van::io
