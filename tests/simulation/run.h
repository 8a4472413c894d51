#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/options.h"

namespace van::simulation {

struct Outcome {
  std::string broken;  ///< the invariant that did not hold; empty: all did
  std::uint64_t hash = 0;
  std::size_t faults = 0, streams = 0, succeeded = 0, failed = 0;
  std::uint64_t octets = 0, messages = 0;
  double converged_after = 0;  ///< seconds from the end of the faults until all knew what was
  [[nodiscard]] bool good() const { return broken.empty(); }
};

/// One seed, from the first link to the last stream.
Outcome run(const Options& options);

}  // namespace van::simulation
