#include "core/routing/paths.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "core/base/assert.h"

namespace van::routing {

void Paths::rebuild(std::span<const Router> routers, std::string_view self) {
  ids_.clear();
  for (const Router& router : routers) ids_.emplace_back(router.id);
  VAN_ASSERT(std::is_sorted(ids_.begin(), ids_.end()));

  edges_.clear();
  edge_start_.assign(1, 0);
  for (const Router& router : routers) add_edges(*router.peers);
  transit_.assign(ids_.size(), {});

  self_ = find(self);
  VAN_ASSERT(self_ != kNone);
  derive_own_tree();
}

void Paths::add_edges(const PeerCosts& peers) {
  auto from = ids_.begin();  // both are in the same order
  for (const auto& [id, cost] : peers) {
    from = std::lower_bound(from, ids_.end(), id);
    if (from != ids_.end() && *from == id) edges_.push_back({static_cast<Index>(from - ids_.begin()), cost});
  }
  edge_start_.push_back(edges_.size());
}

void Paths::derive_own_tree() {
  grow(own_, self_);
  first_hops_.assign(ids_.size(), kNone);
  leads_.assign(ids_.size(), false);
  radius_ = 0;
  for (const Index router : own_.order) {
    if (router == self_) continue;
    const Index previous = own_.previous[router];
    first_hops_[router] = previous == self_ ? router : first_hops_[previous];
    leads_[first_hops_[router]] = true;
    radius_ = std::max(radius_, own_.hops[router]);
  }
}

void Paths::grow(Tree& tree, Index root) const {
  const std::size_t count = ids_.size();
  tree.cost.assign(count, kFar);
  tree.previous.assign(count, kNone);
  tree.hops.assign(count, 0);
  tree.order.clear();

  // Ordered by cost, then by number: the order in which routers are resolved. A router whose cost fell stands in the
  // queue more than once; only its lowest entry is its cost, the others come after it is resolved.
  using Entry = std::pair<PathCost, Index>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> unresolved;
  std::vector<bool> resolved(count, false);
  tree.cost[root] = 0;
  unresolved.emplace(0, root);
  while (!unresolved.empty()) {
    const Index router = unresolved.top().second;
    unresolved.pop();
    if (resolved[router]) continue;
    resolved[router] = true;
    tree.order.push_back(router);
    for (std::size_t i = edge_start_[router]; i != edge_start_[router + 1]; ++i) {
      const auto [to, link_cost] = edges_[i];
      const PathCost cost = tree.cost[router] + link_cost;
      if (resolved[to] || cost >= tree.cost[to]) continue;
      tree.cost[to] = cost;
      tree.previous[to] = router;
      tree.hops[to] = tree.hops[router] + 1;
      unresolved.emplace(cost, to);
    }
  }
}

Paths::Index Paths::find(std::string_view id) const {
  const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
  return found != ids_.end() && *found == id ? static_cast<Index>(found - ids_.begin()) : kNone;
}

bool Paths::passes_through_self(Index origin, Index destination) const {
  if (origin == kNone || destination == kNone || origin == self_) return false;
  std::vector<bool>& row = transit_[origin];
  if (row.empty()) {
    grow(scratch_, origin);
    row.assign(ids_.size(), false);
    for (const Index router : scratch_.order) {
      const Index previous = scratch_.previous[router];
      if (previous != kNone && (previous == self_ || row[previous])) row[router] = true;
    }
  }
  return row[destination];
}

}  // namespace van::routing
