#include "agent/status.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "agent/time_text.h"

namespace van::agent {
namespace {

using Json = nlohmann::ordered_json;
using router::Mode;
using router::PeerRole;

double seconds_between(TimePoint from, TimePoint to) {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(to - from).count()) / 1000.0;
}

std::string_view to_text(link::LinkState state) {
  switch (state) {
    case link::LinkState::up: return "up";
    case link::LinkState::connecting: return "connecting";
    case link::LinkState::standby: return "standby";
    case link::LinkState::down: return "down";
  }
  VAN_ASSERT(false);
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json link_json(const link::LinkStatus& link, TimePoint now) {
  Json tls = nullptr;
  if (!link.tls_version.empty())
    tls = {{"version", tls_version_text(link.tls_version)},
           {"cipher", link.tls_cipher},
           {"peer", link.tls_peer},
           {"expires", link.tls_expires ? Json(rfc3339(*link.tls_expires)) : Json(nullptr)}};
  return {{"name", link.name},
          {"peer", link.peer},
          {"role", link.role == PeerRole::edge ? "edge" : "interior"},
          {"direction", link.direction == router::Direction::incoming ? "incoming" : "outgoing"},
          {"state", to_text(link.state)},
          {"cost", link.cost},
          {"remote", link.remote},
          {"since_s", link.since ? Json(seconds_between(*link.since, now)) : Json(nullptr)},
          {"error", text_or_null(link.error)},
          {"tls", std::move(tls)}};
}

Json links_json(const Site& site, TimePoint now) {
  Json links = Json::array();
  for (const link::LinkStatus& link : site.presence().links()) links.push_back(link_json(link, now));
  return links;
}

/// The name that a site tells us itself; else the one that its router tells of it.
std::string site_name(const router::NodeInfo& node, const NetworkMap& network) {
  if (!node.site_name.empty() && node.site_name != node.id) return node.site_name;
  const NetworkMap::Router* told = network.router(node.id);
  return told == nullptr || told->site.empty() ? node.id : told->site;
}

/// Words of ours for what routers say; what they say otherwise is shown as it is.
std::string role_of(const NetworkMap::Router& router) { return router.mode.empty() ? "interior" : router.mode; }

bool any_link_up(const Site& site) {
  return std::ranges::any_of(site.presence().links(), [](const link::LinkStatus& link) { return link.state == link::LinkState::up; });
}

/// Those that routing knows; then those that only telemetry tells of, unless routing would have to know them.
Json sites_json(const Site& site, const NetworkMap& network) {
  Json sites = Json::array();
  std::set<std::string> listed{site.presence().identity().site_id};
  for (const router::NodeInfo& node : site.presence().router().nodes()) {
    const NetworkMap::Router* told = network.router(node.id);
    const std::string id = !node.site_id.empty() ? node.site_id : told != nullptr && !told->site_id.empty() ? told->site_id : node.id;
    if (!listed.insert(id).second) continue;
    sites.push_back({{"id", id},
                     {"name", site_name(node, network)},
                     {"role", agent::to_text(node.mode)},
                     {"direct", node.direct},
                     {"hops", node.hops},
                     {"cost", node.cost}});
  }
  if (!any_link_up(site)) return sites;
  const bool interior = site.presence().identity().role == Mode::interior;
  std::vector<const NetworkMap::Router*> others;
  for (const NetworkMap::Router& router : network.routers)
    if (!interior || role_of(router) != "interior") others.push_back(&router);
  std::ranges::stable_sort(others, {}, [](const NetworkMap::Router* router) {
    return router->distance ? router->distance->cost : std::numeric_limits<std::uint32_t>::max();
  });
  for (const NetworkMap::Router* router : others) {
    const std::string& id = router->site_id.empty() ? router->id : router->site_id;
    if (!listed.insert(id).second) continue;
    const auto& distance = router->distance;
    sites.push_back({{"id", id},
                     {"name", router->site},
                     {"role", role_of(*router)},
                     {"direct", false},
                     {"hops", distance ? Json(distance->hops) : Json(nullptr)},
                     {"cost", distance ? Json(distance->cost) : Json(nullptr)}});
  }
  return sites;
}

/// A row of the services, put together from what the network tells and what is here.
struct Service {
  std::string protocol;  // empty: nobody says so, and it is tcp
  std::uint16_t port = 0;
  std::string port_source;      // who says so
  bool routed = false;          // routing knows whether it is reachable
  std::set<std::string> nodes;  // routers among the providers
  bool reachable = false;
  Json providers = Json::array();
  std::string stand_in;
  proxy::Counters counters;

  void count(const proxy::Counters& more) {
    counters.in_flight += more.in_flight;
    counters.connections += more.connections;
    counters.bytes_in += more.bytes_in;
    counters.bytes_out += more.bytes_out;
    counters.dropped += more.dropped;
  }
};
using Services = std::map<std::string, Service>;  // by the address that routers know

Json provider_json(const std::string& site, Json cost, const std::string& target) {
  return {{"site", site}, {"cost", std::move(cost)}, {"target", text_or_null(target)}, {"state", to_text(proxy::HealthState::up)}, {"error", nullptr}};
}

/// What routing says of an address: exact in cost, but only as far as the next interior.
void add_routed(Services& services, const Site& site, const NetworkMap& network) {
  const bool interior = site.presence().identity().role == Mode::interior;
  std::map<std::string, std::string> names;  // of sites, by router id
  for (const router::NodeInfo& node : site.presence().router().nodes()) names[node.id] = site_name(node, network);
  for (const router::AddressInfo& address : site.presence().router().addresses()) {
    if (is_internal_address(address.address)) continue;
    Service& service = services[address.address];
    service.routed = true;
    service.reachable = address.reachable;
    const auto told = network.services.find(address.address);
    for (const router::ProviderInfo& provider : address.providers) {
      if (provider.node == site.presence().identity().router_id) continue;  // the exposures know more
      const NetworkMap::Provider* connector = nullptr;
      if (told != network.services.end()) {
        const auto found = std::ranges::find(told->second.providers, provider.node, &NetworkMap::Provider::router);
        if (found != told->second.providers.end()) connector = &*found;
        // A router that tells us what it has, and has no such connector, only stands before those that have; and so does an
        // edge's uplink as far as we know.
        else if (!interior || network.router(provider.node) != nullptr) continue;
      }
      service.nodes.insert(provider.node);
      const auto name = names.find(provider.node);
      service.providers.push_back(provider_json(name != names.end() ? name->second : provider.node, provider.cost,
                                                connector == nullptr ? std::string{} : connector->target));
    }
  }
}

/// What telemetry adds: protocol, port, and the providers that routing does not see from here.
void add_told(Services& services, const Site& site, const NetworkMap& network) {
  const bool interior = site.presence().identity().role == Mode::interior;
  const bool linked = any_link_up(site);
  for (const auto& [address, told] : network.services) {
    if (is_internal_address(address)) continue;
    Service& service = services[address];
    if (!told.protocol.empty()) service.protocol = told.protocol;
    service.port = told.port;
    service.port_source = told.port_source;
    for (const NetworkMap::Provider& provider : told.providers) {
      if (!provider.offered || !linked || service.nodes.contains(provider.router)) continue;
      const NetworkMap::Router* router = network.router(provider.router);
      if (interior && (!service.reachable || (router != nullptr && role_of(*router) == "interior"))) continue;  // routing would know
      if (!interior && service.routed && !service.reachable) continue;
      service.reachable = true;
      service.providers.push_back(provider_json(
          provider.site, provider.distance ? Json(provider.distance->cost + provider.cost) : Json(nullptr), provider.target));
    }
  }
}

void add_local(Services& services, const Site& site) {
  for (const ExposureState& exposure : site.state().exposures) {
    Service& service = services[proxy::wire_address(exposure.address, exposure.multicast)];
    service.protocol = proxy::to_text(exposure.protocol);
    const std::string& own = site.presence().telemetry_id();
    if (exposure.port != 0 && (service.port_source.empty() || own < service.port_source)) {
      service.port = exposure.port;
      service.port_source = own;
    }
    const std::string here = site.state().site ? site.state().site->name : "";
    const auto running = site.presence().exposure(exposure);
    const bool offered = running && running->trouble.empty();
    service.reachable = service.reachable || offered;
    service.providers.push_back({{"site", here},
                                 {"cost", exposure.cost},
                                 {"target", exposure.target},
                                 {"state", running ? Json(to_text(running->health)) : Json(nullptr)},
                                 {"error", offered || !running ? Json(nullptr) : Json(running->trouble)}});
    if (running) service.count(running->counters);
  }
  for (const BindingState& binding : site.state().bindings) {
    Service& service = services[proxy::wire_address(binding.address, binding.multicast)];
    const auto stand_in = site.presence().stand_in(binding);
    if (!stand_in) continue;
    if (service.protocol.empty()) service.protocol = proxy::to_text(binding.protocol);
    if (service.stand_in.empty()) service.stand_in = binding.local;
    service.reachable = service.reachable || stand_in->reachable;
    service.count(stand_in->counters);
  }
}

/// Ports where services are asked for by name.
Json proxy_json(const Site& site) {
  Json document;
  proxy::Counters counters;
  for (const NamePort& port : name_ports()) {
    const proxy::NameServer* server = site.presence().names().find(port);
    document[std::string{port.name}] = server == nullptr ? Json(nullptr) : Json(server->local().text());
    if (server == nullptr) continue;
    counters.in_flight += server->counters().in_flight;
    counters.connections += server->counters().connections;
    counters.bytes_in += server->counters().bytes_in;
    counters.bytes_out += server->counters().bytes_out;
  }
  document["in_flight"] = counters.in_flight;
  document["connections"] = counters.connections;
  document["bytes_in"] = counters.bytes_in;
  document["bytes_out"] = counters.bytes_out;
  return document;
}

Json services_json(const Site& site, const NetworkMap& network) {
  Services services;
  add_routed(services, site, network);
  add_told(services, site, network);
  add_local(services, site);
  Json result = Json::array();
  for (auto& [address, service] : services) {
    const bool multicast = address.starts_with(proxy::kMulticastPrefix);
    result.push_back({{"address", multicast ? address.substr(proxy::kMulticastPrefix.size()) : address},
                      {"protocol", !service.protocol.empty() ? service.protocol : multicast ? "udp" : "tcp"},
                      {"multicast", multicast},
                      {"port", service.port != 0 ? Json(service.port) : Json(nullptr)},
                      {"reachable", service.reachable},
                      {"providers", std::move(service.providers)},
                      {"stand_in", text_or_null(service.stand_in)},
                      {"in_flight", service.counters.in_flight},
                      {"connections", service.counters.connections},
                      {"bytes_in", service.counters.bytes_in},
                      {"bytes_out", service.counters.bytes_out},
                      {"dropped", service.counters.dropped}});
  }
  return result;
}

}  // namespace

std::string tls_version_text(std::string version) {
  if (version.starts_with("TLS ")) version.replace(0, 4, "TLSv");
  return version;
}

Json status_document(const Site& site, const StatusOptions& options) {
  const NetworkMap network = site.presence().network();
  Json own = nullptr;
  if (site.state().site)
    own = {{"id", site.state().site->id},
           {"name", site.state().site->name},
           {"role", agent::to_text(site.state().site->role)}};
  return {{"version", VAN_VERSION},
          {"profile", options.profile},
          {"pid", ::getpid()},
          {"uptime_s", seconds_between(options.started, options.now)},
          {"site", std::move(own)},
          {"sites", sites_json(site, network)},
          {"links", links_json(site, options.now)},
          {"services", services_json(site, network)},
          {"proxy", proxy_json(site)}};
}

}  // namespace van::agent
