#include "tests/core/routing/network.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace van::routing::test {

std::string numbered(std::string_view prefix, std::uint64_t number) {
  std::string text{prefix};
  return text.append(std::to_string(number));
}

void Network::add(const std::string& id, ControlPlaneConfig config) {
  config.id = id;
  configs_.insert_or_assign(id, config);
  routers_.insert_or_assign(id, std::make_unique<ControlPlane>(std::move(config)));
}

void Network::connect(const std::string& a, const std::string& b, std::uint32_t cost) {
  const Cable cable{{a, LinkNo{++links_}}, {b, LinkNo{++links_}}, cost};
  cables_.push_back(cable);
  for (const End& end : {cable.a, cable.b}) {
    routers_.at(end.router)->link_up(end.link, cost, now_);
    drain(end.router);
  }
}

void Network::remove_cable(std::size_t index) {
  const Cable cable = cables_[index];
  cables_.erase(cables_.begin() + static_cast<std::ptrdiff_t>(index));
  std::erase_if(flying_,
                [&](const Transit& t) { return t.arrives_on == cable.a.link || t.arrives_on == cable.b.link; });
  for (const End& end : {cable.a, cable.b}) {
    if (!routers_.contains(end.router)) continue;
    routers_.at(end.router)->link_down(end.link, now_);
    drain(end.router);
  }
}

void Network::cut_newest(const std::string& a, const std::string& b) { remove_cable(cable_of(a, link(a, b))); }

void Network::cut(const std::string& a, const std::string& b) {
  for (std::size_t i = cables_.size(); i-- != 0;) {
    const Cable& cable = cables_[i];
    if ((cable.a.router == a && cable.b.router == b) || (cable.a.router == b && cable.b.router == a)) remove_cable(i);
  }
}

void Network::set_cost(const std::string& a, const std::string& b, std::uint32_t cost) {
  Cable& cable = cables_[cable_of(a, link(a, b))];
  cable.cost = cost;
  for (const End& end : {cable.a, cable.b}) {
    routers_.at(end.router)->link_cost_changed(end.link, cost, now_);
    drain(end.router);
  }
}

void Network::stop(const std::string& id) {
  routers_.erase(id);
  for (std::size_t i = cables_.size(); i-- != 0;) {
    if (cables_[i].a.router == id || cables_[i].b.router == id) remove_cable(i);
  }
}

void Network::restart(const std::string& id) {
  std::vector<std::pair<std::string, std::uint32_t>> others;
  for (const Cable& cable : cables_) {
    if (cable.a.router == id) others.emplace_back(cable.b.router, cable.cost);
    if (cable.b.router == id) others.emplace_back(cable.a.router, cable.cost);
  }
  stop(id);
  ControlPlaneConfig config = configs_.at(id);
  ++config.instance;
  add(id, config);
  for (const auto& [other, cost] : others) connect(id, other, cost);
}

TimePoint Network::next_at() const {
  TimePoint at = flying_.empty() ? kNever : flying_.front().arrives;
  for (const auto& entry : routers_) at = std::min(at, entry.second->next_deadline());
  return at;
}

void Network::step() {
  if (!flying_.empty() && flying_.front().arrives <= now_) {
    Transit transit = std::move(flying_.front());
    flying_.pop_front();
    arrive(std::move(transit));
    return;
  }
  for (const auto& [id, router] : routers_) {
    if (router->next_deadline() > now_) continue;
    router->handle_deadline(now_);
    VAN_ASSERT(router->next_deadline() > now_);
    drain(id);
  }
}

bool Network::advance_until(const std::function<bool()>& done, Duration limit) {
  const TimePoint end = now_ + limit;
  while (!done()) {
    const TimePoint next = next_at();
    if (next > end) {
      now_ = end;
      return done();
    }
    now_ = std::max(now_, next);
    step();
  }
  return true;
}

void Network::advance(Duration time) {
  advance_until([] { return false; }, time);
}

void Network::drain(const std::string& id) {
  ControlPlane& router = *routers_.at(id);
  if (check_invariants_) router.check_invariants();
  while (auto event = router.poll_event()) events_[id].push_back(*std::move(event));
  while (auto out = router.poll_output()) {
    VAN_ASSERT(!out->links.empty());
    for (const LinkNo link : out->links)
      send(id, link, {id, {}, {}, node_name(id), {node_name(id)}, out->to, out->message, {}});
  }
}

void Network::send(const std::string& from, LinkNo link, Transit transit) {
  Cable& cable = cables_[cable_of(from, link)];
  const End& far = cable.a.link == link ? cable.b : cable.a;
  transit.from = from;
  transit.to_router = far.router;
  transit.arrives_on = far.link;
  const auto delay =
      Duration{static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(delay_max_.count())) + 1)};
  cable.last_arrival = std::max(cable.last_arrival, now_ + delay);
  transit.arrives = cable.last_arrival;
  if (watch_) watch_(transit);
  if (lose_ && lose_(transit)) return;
  const auto later = [](TimePoint at, const Transit& other) { return at < other.arrives; };
  flying_.insert(std::upper_bound(flying_.begin(), flying_.end(), transit.arrives, later), std::move(transit));
}

void Network::arrive(Transit transit) {
  const std::string at = transit.to_router;
  ControlPlane& router = *routers_.at(at);
  const auto key = classify(transit.address, {at});
  VAN_ASSERT(key.has_value());
  const auto scope = control_scope(*key);
  const bool passed = std::find(transit.trace.begin(), transit.trace.end(), node_name(at)) != transit.trace.end();  // as Router does
  if (scope) {
    router.receive(transit.arrives_on, transit.message, now_);
    drain(at);
    if (passed) return;
    if (scope == ControlScope::flood && router.flood_goes_on(transit.message, transit.trace, now_))
      forward(at, router.flood_links(transit.trace), transit);
    if (scope == ControlScope::multicast) forward(at, router.multicast_links(transit.ingress, transit.trace), transit);
    return;
  }
  VAN_ASSERT(key->address_class() == AddressClass::router);
  if (const auto link = router.protocol_hop(key->name()); link && !passed) forward(at, {*link}, transit);
}

void Network::forward(const std::string& at, const std::vector<LinkNo>& links, const Transit& transit) {
  Transit copy = transit;
  copy.trace.push_back(node_name(at));
  for (const LinkNo link : links) send(at, link, copy);
}

std::vector<Event> Network::take_events(const std::string& id) { return std::exchange(events_[id], {}); }

void Network::set_address(const std::string& id, std::string_view key, LocalAddress address) {
  VAN_ASSERT(routers_.at(id)->set_local_address(key_of(key), std::move(address), now_));
  drain(id);
}

void Network::remove_address(const std::string& id, std::string_view key) {
  routers_.at(id)->remove_local_address(key_of(key), now_);
  drain(id);
}

std::vector<std::string> Network::ids() const {
  std::vector<std::string> all;
  for (const auto& entry : routers_) all.push_back(entry.first);
  return all;
}

std::size_t Network::cable_of(const std::string& id, LinkNo link) const {
  const auto found = std::find_if(cables_.begin(), cables_.end(), [&](const Cable& cable) {
    return (cable.a.router == id && cable.a.link == link) || (cable.b.router == id && cable.b.link == link);
  });
  VAN_ASSERT(found != cables_.end());
  return static_cast<std::size_t>(found - cables_.begin());
}

std::string Network::far_end(const std::string& id, LinkNo link) const {
  const Cable& cable = cables_[cable_of(id, link)];
  return cable.a.link == link ? cable.b.router : cable.a.router;
}

LinkNo Network::link(const std::string& a, const std::string& b) const {
  for (auto cable = cables_.rbegin(); cable != cables_.rend(); ++cable) {
    if (cable->a.router == a && cable->b.router == b) return cable->a.link;
    if (cable->a.router == b && cable->b.router == a) return cable->b.link;
  }
  VAN_ASSERT(false);
  return {};
}

std::map<std::string, PeerCosts> Network::cables() const {
  std::map<std::string, PeerCosts> all;
  for (const auto& entry : routers_) all[entry.first];
  for (const Cable& cable : cables_) {
    all[cable.a.router][cable.b.router] = cable.cost;
    all[cable.b.router][cable.a.router] = cable.cost;
  }
  return all;
}

}  // namespace van::routing::test
