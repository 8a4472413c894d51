#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/options.h"
#include "tests/simulation/services.h"
#include "tests/simulation/topology.h"
#include "tests/simulation/world.h"

namespace van::simulation {

/// What goes wrong, by the seed: each fault begins at some second, and ends some time later by itself or with heal().
class Faults {
 public:
  Faults(World& world, Services& services, const Network& network, const Options& options, std::vector<std::string> addresses, Rng rng)
      : world_{world}, services_{services}, network_{network}, options_{options}, addresses_{std::move(addresses)}, rng_{rng} {}

  void second();  ///< may begin some
  void heal();    ///< ends all; none begins any more
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  void begin(Fault fault);
  void churn();
  void partition();
  void hostile();
  void cut(WireIndex wire);
  void join(WireIndex wire);
  void freeze(WireIndex wire);
  void thaw(WireIndex wire);
  void start(SiteIndex site);
  void later(unsigned seconds_max, std::function<void()> action);
  WireIndex any_wire() { return network_.wires[rng_.below(network_.wires.size())]; }
  SiteIndex any_site();

  World& world_;
  Services& services_;
  const Network& network_;
  const Options& options_;
  std::vector<std::string> addresses_;
  Rng rng_;
  std::map<WireIndex, int> cuts_, freezes_;
  std::set<SiteIndex> stopped_, asleep_, hostiles_;
  std::size_t count_ = 0, hostile_count_ = 0;
  bool healed_ = false;
};

}  // namespace van::simulation
