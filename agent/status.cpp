#include "agent/status.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

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

Json sites_json(const Site& site) {
  Json sites = Json::array();
  for (const router::NodeInfo& node : site.presence().router().nodes()) {
    sites.push_back({{"id", node.site_id.empty() ? node.id : node.site_id},
                     {"name", node.site_name.empty() ? node.id : node.site_name},
                     {"role", agent::to_text(node.mode)},
                     {"direct", node.direct},
                     {"hops", node.hops},
                     {"cost", node.cost}});
  }
  return sites;
}

/// A row of the services, put together from what the network tells and what is here.
struct Service {
  std::uint16_t port = 0;
  bool reachable = false;
  Json providers = Json::array();
  std::string stand_in;
  proxy::Counters counters;

  void count(const proxy::Counters& more) {
    counters.in_flight += more.in_flight;
    counters.connections += more.connections;
    counters.bytes_in += more.bytes_in;
    counters.bytes_out += more.bytes_out;
  }
};
using Services = std::map<std::string, Service>;

void add_remote(Services& services, const Site& site) {
  std::map<std::string, std::string> names;  // of sites, by router id
  for (const router::NodeInfo& node : site.presence().router().nodes())
    names[node.id] = node.site_name.empty() ? node.id : node.site_name;
  for (const router::AddressInfo& address : site.presence().router().addresses()) {
    Service& service = services[address.address];
    service.reachable = address.reachable;
    for (const router::ProviderInfo& provider : address.providers) {
      if (provider.node == site.presence().identity().router_id) continue;  // the exposures know more
      const auto name = names.find(provider.node);
      service.providers.push_back({{"site", name != names.end() ? name->second : provider.node},
                                   {"cost", provider.cost},
                                   {"target", nullptr},
                                   {"error", nullptr}});
    }
  }
}

void add_local(Services& services, const Site& site) {
  for (const ExposureState& exposure : site.state().exposures) {
    Service& service = services[exposure.address];
    if (service.port == 0) service.port = exposure.port;
    const std::string here = site.state().site ? site.state().site->name : "";
    const auto running = site.presence().exposure(exposure);
    const bool offered = running && running->trouble.empty();
    service.reachable = service.reachable || offered;
    service.providers.push_back({{"site", here},
                                 {"cost", exposure.cost},
                                 {"target", exposure.target},
                                 {"error", offered || !running ? Json{nullptr} : Json{running->trouble}}});
    if (running) service.count(running->counters);
  }
  for (const BindingState& binding : site.state().bindings) {
    Service& service = services[binding.address];
    const auto stand_in = site.presence().stand_in(binding);
    if (!stand_in) continue;
    if (service.stand_in.empty()) service.stand_in = binding.local;
    service.reachable = service.reachable || stand_in->reachable;
    service.count(stand_in->counters);
  }
}

Json services_json(const Site& site) {
  Services services;
  add_remote(services, site);
  add_local(services, site);
  Json result = Json::array();
  for (auto& [address, service] : services) {
    result.push_back({{"address", address},
                      {"protocol", "tcp"},
                      {"port", service.port != 0 ? Json(service.port) : Json(nullptr)},
                      {"reachable", service.reachable},
                      {"providers", std::move(service.providers)},
                      {"stand_in", text_or_null(service.stand_in)},
                      {"in_flight", service.counters.in_flight},
                      {"connections", service.counters.connections},
                      {"bytes_in", service.counters.bytes_in},
                      {"bytes_out", service.counters.bytes_out}});
  }
  return result;
}

}  // namespace

std::string tls_version_text(std::string version) {
  if (version.starts_with("TLS ")) version.replace(0, 4, "TLSv");
  return version;
}

Json status_document(const Site& site, const StatusOptions& options) {
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
          {"sites", sites_json(site)},
          {"links", links_json(site, options.now)},
          {"services", services_json(site)}};
}

}  // namespace van::agent
