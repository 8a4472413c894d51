#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace van::simulation {

/// What is exposed and used where: the configuration of the sites, which outlives their restarts.
class Services {
 public:
  explicit Services(World& world) : world_{world} {}

  void expose(SiteIndex site, const std::string& address, std::uint32_t cost);
  void withdraw(SiteIndex site, const std::string& address);
  void use(SiteIndex site, const std::string& address);
  void restore(SiteIndex site);  ///< after its start

  /// Of a consumer that is or was of this run of the site.
  [[nodiscard]] std::string address_of(SiteIndex site, router::ConsumerId consumer) const;
  [[nodiscard]] bool exposed(SiteIndex site, router::ConsumerId consumer) const;
  [[nodiscard]] router::ProducerId producer(SiteIndex site, const std::string& address) const;  ///< none: not used there
  /// Address -> cost, of what a site exposes.
  [[nodiscard]] std::map<std::string, std::uint32_t> exposures(SiteIndex site) const;
  [[nodiscard]] std::map<std::string, router::ProducerId> users(SiteIndex site) const;

 private:
  struct Exposure {
    std::uint32_t cost = 0;
    router::ConsumerId consumer{};
  };
  struct Place {
    std::map<std::string, Exposure> exposures;
    std::map<std::string, router::ProducerId> users;
    std::map<router::ConsumerId, std::string> consumers;  ///< also former ones
  };
  World& world_;
  std::map<SiteIndex, Place> places_;
};

}  // namespace van::simulation
