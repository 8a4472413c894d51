#include "tests/simulation/topology.h"

#include <chrono>
#include <set>
#include <string>
#include <utility>

namespace van::simulation {

using namespace std::chrono_literals;

namespace {

WireIndex join(World& world, SiteIndex from, SiteIndex to, router::PeerRole role, bool one_cost, Rng& rng) {
  const std::uint32_t cost = one_cost || rng.below(2) == 0 ? 1 : 1 + static_cast<std::uint32_t>(rng.below(5));
  const Duration delay{static_cast<std::int64_t>(200'000 + rng.below(60'000'000))};
  const Duration jitter{static_cast<std::int64_t>(rng.below(20'000'000))};
  return world.add_wire(from, to, role, cost, delay, jitter);
}

}  // namespace

Network build(World& world, const TopologyOptions& options, Rng& rng) {
  Network network;
  for (unsigned i = 0; i < options.interiors; ++i) {
    network.interiors.push_back(world.add_site("i" + std::to_string(i), router::Mode::interior));
  }
  std::set<std::pair<SiteIndex, SiteIndex>> joined;
  const auto join_interiors = [&](std::size_t a, std::size_t b) {
    if (a == b || !joined.insert(std::minmax(a, b)).second) return;
    network.wires.push_back(join(world, network.interiors[a], network.interiors[b], router::PeerRole::inter_router, options.one_cost, rng));
  };
  for (std::size_t i = 1; i < options.interiors; ++i) {
    switch (options.shape) {
      case Shape::random: join_interiors(i, rng.below(i)); break;
      case Shape::line: join_interiors(i, i - 1); break;
      case Shape::hub: join_interiors(i, 0); break;
    }
  }
  for (std::size_t i = 0; options.shape == Shape::random && i < options.interiors; ++i) join_interiors(i, rng.below(options.interiors));
  for (unsigned i = 0; i < options.edges; ++i) {
    const SiteIndex edge = world.add_site("e" + std::to_string(i), router::Mode::edge);
    network.edges.push_back(edge);
    const std::uint64_t uplinks = 1 + rng.below(options.uplinks_max);
    std::set<SiteIndex> used;
    for (std::uint64_t n = 0; n < uplinks; ++n) {
      const SiteIndex interior = network.interiors[rng.below(network.interiors.size())];
      if (used.insert(interior).second) network.wires.push_back(join(world, edge, interior, router::PeerRole::edge, true, rng));
    }
  }
  return network;
}

}  // namespace van::simulation
