#include "proxy/name_routes.h"

#include <algorithm>
#include <utility>

#include "proxy/name_route.h"

namespace van::proxy {

NameRoutes::Use::Use(Route& route) : route_{&route} { ++route.uses; }

NameRoutes::Use::~Use() {
  if (route_ == nullptr) return;
  --route_->uses;
  route_->idle_since = io::Loop::now();
}

Protocol NameRoutes::Use::protocol() const { return route_->protocol; }

NameRoutes::NameRoutes(const Parts& parts, const Directory& directory, Duration idle)
    : parts_{parts}, directory_{directory}, idle_{idle}, idle_timer_{parts.loop, [this] { drop_idle(); }} {}

NameRoutes::~NameRoutes() = default;

Expected<NameRoutes::Use, NameRefusal> NameRoutes::find(std::string_view host, std::uint16_t port) {
  const std::string name{host};
  if (Route* route = known_already(name, port)) return Use{*route};
  const auto service = find_service(directory_.services(), host, port);
  if (!service) return Unexpected{service.error()};
  Route* route = route_to(service->address);
  if (route == nullptr)
    return Unexpected{NameRefusal{NameRefusal::Kind::full, "more than " + std::to_string(limits::kNameServices) + " services are in use by name at once"}};
  route->port = service->port;
  route->protocol = service->protocol;
  if (aliases_.size() >= limits::kNameServices * 2) aliases_.clear();
  aliases_[name] = route;
  return Use{*route};
}

/// What was found a moment ago, and still is there.
NameRoutes::Route* NameRoutes::known_already(const std::string& name, std::uint16_t port) {
  const auto found = aliases_.find(name);
  if (found == aliases_.end()) return nullptr;
  Route& route = *found->second;
  return parts_.node.reachable(route.producer) && port_fits(route.port, port) ? &route : nullptr;
}

NameRoutes::Route* NameRoutes::route_to(const std::string& address) {
  const auto found = routes_.find(address);
  if (found != routes_.end()) return found->second.get();
  if (routes_.size() >= limits::kNameServices && !make_room()) return nullptr;
  if (!idle_timer_.armed()) idle_timer_.arm(idle_);
  auto& route = routes_[address];
  route = std::make_unique<Route>(parts_.node, address);
  return route.get();
}

bool NameRoutes::make_room() {
  auto longest = routes_.end();
  for (auto each = routes_.begin(); each != routes_.end(); ++each)
    if (each->second->uses == 0 && (longest == routes_.end() || each->second->idle_since < longest->second->idle_since)) longest = each;
  if (longest == routes_.end()) return false;
  drop(longest);
  return true;
}

void NameRoutes::drop(std::map<std::string, std::unique_ptr<Route>>::iterator route) {
  std::erase_if(aliases_, [&](const auto& alias) { return alias.second == route->second.get(); });
  routes_.erase(route);
}

void NameRoutes::drop_idle() {
  const TimePoint now = io::Loop::now();
  for (auto each = routes_.begin(); each != routes_.end();) {
    const auto next = std::next(each);
    if (each->second->uses == 0 && now - each->second->idle_since >= idle_) drop(each);
    each = next;
  }
  if (!routes_.empty()) idle_timer_.arm(idle_);
}

}  // namespace van::proxy
