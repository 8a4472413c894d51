#pragma once

#include <vector>

#include "core/base/random.h"
#include "tests/simulation/world.h"

namespace van::simulation {

struct Network {
  std::vector<SiteIndex> interiors, edges;
  std::vector<WireIndex> wires;
};

enum class Shape { random, line, hub };

struct TopologyOptions {
  unsigned interiors = 0;
  unsigned edges = 0;
  Shape shape = Shape::random;  ///< of the interiors: connected, about four links each; one after the other; all to one
  unsigned uplinks_max = 3;     ///< of an edge; one is active
  bool one_cost = false;        ///< every link costs 1
};

/// Adds sites and links. Names do not tell where a site is.
Network build(World& world, const TopologyOptions& options, Rng& rng);

}  // namespace van::simulation
