#include "tests/core/routing/reference.h"

#include <algorithm>
#include <tuple>

namespace van::routing::test {

Reference::Reference(const std::map<std::string, PeerCosts>& links) : links_{links} {
  for (const auto& [from, peers] : links_) {
    costs_[from][from] = 0;
    for (const auto& [to, cost] : peers) {
      if (links_.contains(to)) costs_[from][to] = cost;
    }
  }
  for (const auto& middle : links_) {
    for (auto& row : costs_) {
      const auto head = row.second.find(middle.first);
      if (head == row.second.end()) continue;
      for (const auto& [to, tail] : costs_.at(middle.first)) {
        const std::uint64_t through = head->second + tail;
        const auto known = row.second.find(to);
        if (known == row.second.end() || through < known->second) row.second[to] = through;
      }
    }
  }
}

std::optional<std::uint64_t> Reference::cost(const std::string& from, const std::string& to) const {
  const auto& row = costs_.at(from);
  const auto found = row.find(to);
  return found == row.end() ? std::nullopt : std::optional{found->second};
}

std::vector<std::string> Reference::path(const std::string& from, const std::string& to) const {
  if (!cost(from, to)) return {};
  std::vector<std::string> reversed{to};
  while (reversed.back() != from) {
    const std::string& at = reversed.back();
    std::optional<std::tuple<std::uint64_t, std::string>> best;
    for (const auto& [previous, peers] : links_) {
      const auto before = cost(from, previous);
      const auto link = peers.find(at);
      if (!before || link == peers.end() || *before + link->second != *cost(from, at)) continue;
      if (!best || std::tuple{*before, previous} < *best) best = {*before, previous};
    }
    reversed.push_back(std::get<1>(best.value()));
  }
  return {reversed.rbegin(), reversed.rend()};
}

std::string Reference::next_hop(const std::string& from, const std::string& to) const {
  const auto whole = path(from, to);
  return whole.size() < 2 ? std::string{} : whole[1];
}

std::uint32_t Reference::radius(const std::string& of) const {
  std::size_t most = 1;
  for (const auto& entry : links_) most = std::max(most, path(of, entry.first).size());
  return static_cast<std::uint32_t>(most - 1);
}

std::set<std::string> Reference::valid_origins(const std::string& via, const std::string& destination) const {
  std::set<std::string> origins;
  for (const auto& entry : links_) {
    const auto whole = path(entry.first, destination);
    if (whole.size() < 3) continue;
    if (std::find(whole.begin() + 1, whole.end() - 1, via) != whole.end() - 1) origins.insert(entry.first);
  }
  return origins;
}

}  // namespace van::routing::test
