#include "tests/simulation/reference.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <set>
#include <tuple>
#include <utility>

namespace van::simulation {

namespace {

std::string sides(std::string_view what, std::string_view site, const std::string& knows, const std::string& is) {
  return std::string{what} + " at " + std::string{site} + ": knows {" + knows + "}, is {" + is + "}";
}

template <class Set, class Words>
std::string missing_words(const Set& of, const Set& in, Words words) {
  std::string text;
  int shown = 0;
  for (const auto& entry : of) {
    if (in.contains(entry) || ++shown > 5) continue;
    text += (text.empty() ? "" : ", ") + words(entry);
  }
  return text;
}

}  // namespace

Reference::Reference(World& world, const Services& services, const Network& network, const std::vector<SiteIndex>& looked_at)
    : world_{world}, services_{services}, network_{network} {
  find_links();
  for (const SiteIndex site : looked_at) {
    if (world_.router(site) != nullptr) find_paths(site);
  }
  for (const SiteIndex site : network_.interiors) {
    if (world_.router(site) == nullptr) continue;
    Offer& offer = offers_[site];
    for (const auto& [address, cost] : services_.exposures(site)) offer[address] = cost;
    for (const SiteIndex edge : attached_[site]) {
      for (const auto& [address, cost] : services_.exposures(edge)) {
        const auto [entry, added] = offer.emplace(address, cost);
        if (!added) entry->second = std::min(entry->second, cost);
      }
    }
  }
}

void Reference::find_links() {
  for (const WireIndex index : network_.wires) {
    const World::Wire& wire = world_.wire(index);
    if (!wire.connected || wire.frozen || !wire.ends[0].open || !wire.ends[1].open) continue;
    const auto [a, b] = std::pair{wire.ends[0].site, wire.ends[1].site};
    if (wire.role == router::PeerRole::inter_router) {
      links_[a][b] = links_[b][a] = wire.cost;
      continue;
    }
    const router::PeerInfo* info = world_.router(a)->peer(wire.ends[0].peer);
    if (info == nullptr || !info->up || info->standby) continue;
    uplinks_[a] = b;
    attached_[b].push_back(a);
  }
}

void Reference::find_paths(SiteIndex from) {
  auto& costs = costs_[from];
  using Entry = std::pair<std::uint64_t, SiteIndex>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> open;
  open.emplace(0, from);
  while (!open.empty()) {
    const auto [cost, site] = open.top();
    open.pop();
    if (!costs.emplace(site, cost).second) continue;
    const auto links = links_.find(site);
    if (links == links_.end()) continue;
    for (const auto& [next, link_cost] : links->second) open.emplace(cost + link_cost, next);
  }
}

bool Reference::reachable(SiteIndex site, const std::string& address) const {
  if (services_.exposures(site).contains(address)) return true;
  const bool edge = world_.site(site).mode == router::Mode::edge;
  const auto uplink = uplinks_.find(site);
  if (edge && uplink == uplinks_.end()) return false;
  const auto costs = costs_.find(edge ? uplink->second : site);
  if (costs == costs_.end()) return false;
  return std::ranges::any_of(costs->second, [&](const auto& entry) { return offers_.at(entry.first).contains(address); });
}

std::optional<std::string> Reference::interior_difference(SiteIndex site) const {
  using Node = std::pair<std::string, std::uint64_t>;
  std::set<Node> knows, is;
  for (const router::NodeInfo& node : world_.router(site)->nodes()) {
    if (node.mode == router::Mode::interior) knows.emplace(node.id, node.cost);
  }
  for (const auto& [other, cost] : costs_.at(site)) {
    if (other != site) is.emplace(world_.site(other).name, cost);
  }
  if (knows == is) return std::nullopt;
  const auto words = [](const Node& node) { return node.first + " at " + std::to_string(node.second); };
  return sides("routers", world_.site(site).name, missing_words(knows, is, words), missing_words(is, knows, words));
}

std::optional<std::string> Reference::address_difference(SiteIndex site) const {
  using Provider = std::tuple<std::string, std::string, std::uint64_t>;
  std::multiset<Provider> knows, is;
  for (const router::AddressInfo& address : world_.router(site)->addresses()) {
    for (const router::ProviderInfo& provider : address.providers) knows.emplace(address.address, provider.node, provider.cost);
  }
  for (const auto& [address, cost] : services_.exposures(site)) is.emplace(address, world_.site(site).name, cost);
  if (const auto edges = attached_.find(site); edges != attached_.end()) {
    for (const SiteIndex edge : edges->second) {
      for (const auto& [address, cost] : services_.exposures(edge)) is.emplace(address, world_.site(edge).name, cost);
    }
  }
  for (const auto& [other, path] : costs_.at(site)) {
    if (other == site) continue;
    for (const auto& [address, cost] : offers_.at(other)) is.emplace(address, world_.site(other).name, path + cost);
  }
  if (knows == is) return std::nullopt;
  const auto words = [](const Provider& provider) {
    return std::get<0>(provider) + " by " + std::get<1>(provider) + " at " + std::to_string(std::get<2>(provider));
  };
  return sides("addresses", world_.site(site).name, missing_words(knows, is, words), missing_words(is, knows, words));
}

std::optional<std::string> Reference::user_difference(SiteIndex site) const {
  for (const auto& [address, producer] : services_.users(site)) {
    const bool is = reachable(site, address);
    if (world_.router(site)->reachable(producer) != is) return sides(address, world_.site(site).name, is ? "unreachable" : "reachable", is ? "reachable" : "unreachable");
  }
  return std::nullopt;
}

std::optional<std::string> Reference::difference() const {
  for (const auto& [site, costs] : costs_) {
    if (auto difference = interior_difference(site)) return difference;
    if (auto difference = address_difference(site)) return difference;
    if (auto difference = user_difference(site)) return difference;
  }
  for (const SiteIndex edge : network_.edges) {
    if (world_.router(edge) == nullptr) continue;
    const auto uplink = uplinks_.find(edge);
    if (uplink == uplinks_.end()) return world_.site(edge).name + " has no uplink";
    if (!costs_.contains(uplink->second)) continue;
    if (auto difference = user_difference(edge)) return difference;
  }
  return std::nullopt;
}

}  // namespace van::simulation
