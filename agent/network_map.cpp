#include "agent/network_map.h"

#include <algorithm>
#include <charconv>
#include <queue>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace van::agent {
namespace {

using vanflow::Attribute;
using vanflow::Record;
using vanflow::RecordType;

/// 0 for what is no port: names of ports occur.
std::uint16_t port_of(const Record& record) {
  const std::string text = record.text(Attribute::port);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() ? port : std::uint16_t{0};
}

std::uint32_t bounded_cost(const Record& record) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(record.number(Attribute::cost), 1u << 30));
}

/// Our own connectors name their target after the address; others have it in host and port.
std::string target_of(const Record& record) {
  const std::string name = record.text(Attribute::name);
  const std::string prefix = record.text(Attribute::address) + "@";
  if (name.starts_with(prefix) && name.find(':', prefix.size()) != std::string::npos) return name.substr(prefix.size());
  const std::string host = record.text(Attribute::host), port = record.text(Attribute::port);
  return host.empty() || port.empty() ? host : host + ":" + port;
}

/// Joins records: children may be known before their parents, and parents never.
class Reader {
 public:
  explicit Reader(const TelemetryCollector::Sources& sources) : sources_{sources} { index(); }

  void read_routers(NetworkMap& map) const {
    for (const auto& [identity, record] : routers_) map.routers.push_back(router(identity));
  }

  void read_services(NetworkMap& map) const {
    each([&](const std::string& source, const Record& record) {
      const std::string address = record.text(Attribute::address);
      if (record.type != RecordType::connector || address.empty()) return;
      NetworkMap::Service& service = map.services[address];
      if (service.protocol.empty()) service.protocol = record.text(Attribute::protocol);
      if (const std::uint16_t port = port_of(record); service.port == 0 && port != 0) {
        service.port = port;
        service.port_source = source;
      }
      const NetworkMap::Router at = router(record.text(Attribute::parent));
      service.providers.push_back({.router = at.id,
                                   .site = at.site.empty() ? source : at.site,
                                   .target = target_of(record),
                                   .cost = bounded_cost(record),
                                   .offered = record.text(Attribute::status) != "down",
                                   .distance = at.distance});
    });
  }

  /// Cheapest paths from us along the links that are up.
  void measure(const std::string& own, const std::vector<Neighbour>& neighbours) {
    std::map<std::string, std::vector<std::pair<std::string, std::uint32_t>>> links;  // by router id
    for (const Neighbour& neighbour : neighbours) links[own].emplace_back(neighbour.router, neighbour.cost);
    each([&](const std::string&, const Record& record) {
      if (record.type != RecordType::link || record.text(Attribute::status) != "up") return;
      const auto access = accesses_.find(record.text(Attribute::peer));
      if (access == accesses_.end()) return;
      const std::string from = router_id(record.text(Attribute::parent)), to = router_id(access->second);
      if (from.empty() || to.empty()) return;
      const std::uint32_t cost = std::max<std::uint32_t>(1, bounded_cost(record));
      links[from].emplace_back(to, cost);
      links[to].emplace_back(from, cost);
    });
    using Step = std::tuple<std::uint64_t, std::uint32_t, std::string>;  // cost, hops, router
    std::priority_queue<Step, std::vector<Step>, std::greater<>> next;
    next.emplace(0, 0, own);
    while (!next.empty()) {
      const auto [cost, hops, at] = next.top();
      next.pop();
      const NetworkMap::Distance distance{hops, static_cast<std::uint32_t>(std::min<std::uint64_t>(cost, 1u << 31))};
      if (!distances_.emplace(at, distance).second) continue;
      for (const auto& [to, step] : links[at])
        if (!distances_.contains(to)) next.emplace(cost + step, hops + 1, to);
    }
  }

 private:
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& [id, source] : sources_)
      for (const auto& [identity, record] : source.records) visit(id, record);
  }

  void index() {
    each([this](const std::string&, const Record& record) {
      if (record.type == RecordType::site) {
        std::string& name = sites_[record.identity];
        if (name.empty()) name = record.text(Attribute::name);
      } else if (record.type == RecordType::router) {
        routers_.emplace(record.identity, &record);
      } else if (record.type == RecordType::router_access) {
        accesses_.emplace(record.identity, record.text(Attribute::parent));
      }
    });
  }

  [[nodiscard]] std::string router_id(const std::string& identity) const {
    const auto found = routers_.find(identity);
    if (found == routers_.end()) return {};
    std::string name = found->second->text(Attribute::name);
    if (name.starts_with("0/")) name.erase(0, 2);  // as in traces
    return name;
  }

  [[nodiscard]] NetworkMap::Router router(const std::string& identity) const {
    const auto found = routers_.find(identity);
    if (found == routers_.end()) return {};
    NetworkMap::Router router;
    router.id = router_id(identity);
    router.mode = found->second->text(Attribute::mode);
    const auto site = sites_.find(found->second->text(Attribute::parent));
    if (site != sites_.end()) router.site_id = site->first;
    router.site = site != sites_.end() && !site->second.empty() ? site->second : router.id;
    if (const auto distance = distances_.find(router.id); distance != distances_.end()) router.distance = distance->second;
    return router;
  }

  const TelemetryCollector::Sources& sources_;
  std::map<std::string, std::string> sites_;  // names by identity
  std::map<std::string, const Record*> routers_;
  std::map<std::string, std::string> accesses_;  // routers by access points, identities
  std::map<std::string, NetworkMap::Distance> distances_;
};

}  // namespace

const NetworkMap::Router* NetworkMap::router(const std::string& id) const {
  const auto found = std::ranges::find(routers, id, &Router::id);
  return found == routers.end() ? nullptr : &*found;
}

NetworkMap read_network(const TelemetryCollector::Sources& sources, const std::string& own_router,
                        const std::vector<Neighbour>& neighbours) {
  NetworkMap map;
  Reader reader{sources};
  reader.measure(own_router, neighbours);
  reader.read_routers(map);
  reader.read_services(map);
  return map;
}

std::optional<ServicePort> port_of_service(const TelemetryCollector::Sources& sources, const std::string& address) {
  for (const auto& [id, source] : sources)
    for (const auto& [identity, record] : source.records)
      if (record.type == RecordType::connector && record.text(Attribute::address) == address)
        if (const std::uint16_t port = port_of(record); port != 0) return ServicePort{id, port};
  return std::nullopt;
}

bool is_internal_address(std::string_view address) {
  return address.starts_with("mc/sfe.") || address.starts_with("sfe.") || address.starts_with("vfcr.") || address.starts_with('$');
}

}  // namespace van::agent
