#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/services.h"
#include "tests/simulation/topology.h"
#include "tests/simulation/world.h"

namespace van::simulation {

/// What every router should know of the network as it is: found by looking at all of it at once.
class Reference {
 public:
  /// `looked_at`: the interiors whose knowledge is compared.
  Reference(World& world, const Services& services, const Network& network, const std::vector<SiteIndex>& looked_at);
  Reference(World& world, const Services& services, const Network& network) : Reference{world, services, network, network.interiors} {}

  /// The first thing that a router knows otherwise, in words; nullopt when all know what is.
  [[nodiscard]] std::optional<std::string> difference() const;
  /// Whether a user there reaches somebody.
  [[nodiscard]] bool reachable(SiteIndex site, const std::string& address) const;
  /// Link-state and address entries that an interior should keep.
  [[nodiscard]] std::size_t nodes_of(SiteIndex interior) const { return costs_.at(interior).size() - 1; }

 private:
  using Offer = std::map<std::string, std::uint32_t>;  ///< address -> lowest cost
  void find_links();
  void find_paths(SiteIndex from);
  [[nodiscard]] std::optional<std::string> interior_difference(SiteIndex site) const;
  [[nodiscard]] std::optional<std::string> address_difference(SiteIndex site) const;
  [[nodiscard]] std::optional<std::string> user_difference(SiteIndex site) const;

  World& world_;
  const Services& services_;
  const Network& network_;
  std::map<SiteIndex, std::map<SiteIndex, std::uint32_t>> links_;   ///< between interiors
  std::map<SiteIndex, std::map<SiteIndex, std::uint64_t>> costs_;   ///< from interior to interior, itself included
  std::map<SiteIndex, SiteIndex> uplinks_;                          ///< edge -> interior
  std::map<SiteIndex, std::vector<SiteIndex>> attached_;            ///< interior -> edges
  std::map<SiteIndex, Offer> offers_;                               ///< by interior, its edges included
};

}  // namespace van::simulation
