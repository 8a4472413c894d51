#include <chrono>
#include <optional>

#include "tests/agent/profile_fixture.h"

namespace van::agent {
namespace {

using test::Profile;

/// Binds and runs the loop until it is done.
Result<Bound> bind(io::Loop& loop, Site& site, const Bind& command) {
  std::optional<Result<Bound>> outcome;
  site.bind(command, [&outcome](Result<Bound> result) { outcome = std::move(result); });
  loop.run_until([&outcome] { return outcome.has_value(); });
  return *outcome;
}

TEST_CASE("a stand-in right after a join gets the port that the service has elsewhere", "[agent][site][telemetry]") {
  io::Loop loop;
  Profile mill{loop}, laptop{loop};
  REQUIRE(mill->create(test::loopback_site("mill")));
  const auto free = mill->bind({.address = "taken-for-a-moment", .local = "0"});
  REQUIRE(free);
  const std::string local = free->binding.local;
  REQUIRE(mill->unbind("taken-for-a-moment", {}));
  const auto port = static_cast<std::uint16_t>(std::stoi(local.substr(local.rfind(':') + 1)));
  REQUIRE(mill->expose({.address = "orders", .target = "9", .port = port}));

  REQUIRE(test::join(loop, *laptop, {.token = mill->create_token({.name = "t"})->text, .site_name = "laptop"}));
  const auto bound = bind(loop, *laptop, {.address = "orders"});
  REQUIRE(bound);
  CHECK(bound->binding.local == local);
  CHECK(laptop->presence().network().services.at("orders").providers.at(0).site == "mill");
  CHECK(bind(loop, *laptop, {.address = "orders"})->before);

  REQUIRE(mill->unexpose("orders", {}));
  loop.run_until([&] { return !laptop->presence().network().services.contains("orders"); });
}

TEST_CASE("without a link nobody is waited for", "[agent][site][telemetry]") {
  io::Loop loop;
  Profile laptop{loop};
  std::optional<Result<Bound>> outcome;
  laptop->bind({.address = "orders"}, [&outcome](Result<Bound> result) { outcome = std::move(result); });
  REQUIRE(outcome);
  CHECK(outcome->has_value());
}

}  // namespace
}  // namespace van::agent
