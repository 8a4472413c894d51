#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/telemetry_collector.h"

namespace van::agent {

/// What the records of all other sites say together.
struct NetworkMap {
  struct Distance {
    std::uint32_t hops = 0;
    std::uint32_t cost = 0;
  };
  struct Router {
    std::string id;        ///< as in link states
    std::string site_id;   ///< empty: it is not known to belong to a site
    std::string site;      ///< the site's name, else the router's id
    std::string mode;      ///< "interior", "edge", or what it says
    std::optional<Distance> distance;  ///< along the links that are told of
  };
  struct Provider {
    std::string router;  ///< id; empty while it is not known
    std::string site;
    std::string target;
    std::uint32_t cost = 0;  ///< the exposure's own
    bool offered = true;     ///< false: its target can't be connected
    std::optional<Distance> distance;
  };
  struct Service {
    std::string protocol;
    std::uint16_t port = 0;   ///< 0: no provider names one
    std::string port_source;  ///< who names it: of several the smallest id
    std::vector<Provider> providers;
  };
  std::vector<Router> routers;
  std::map<std::string, Service> services;  ///< by address

  [[nodiscard]] const Router* router(const std::string& id) const;
};

/// Addresses of the network's own workings (vanflow 2) are no services.
bool is_internal_address(std::string_view address);

/// Where we stand: our router and the neighbours that are up.
struct Neighbour {
  std::string router;
  std::uint32_t cost = 1;
};
NetworkMap read_network(const TelemetryCollector::Sources& sources, const std::string& own_router,
                        const std::vector<Neighbour>& neighbours);

/// The port that the network knows for a service: the smallest source id that names one decides.
struct ServicePort {
  std::string source;
  std::uint16_t port = 0;
};
std::optional<ServicePort> port_of_service(const TelemetryCollector::Sources& sources, const std::string& address);

}  // namespace van::agent
