#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/routing/messages.h"

namespace van::routing {

/// Sum of link costs along a path.
using PathCost = std::uint64_t;

/// Shortest paths over one picture of the network, control-plane 3.6. All routers must compute the very same trees:
/// links are directed (u reaches v at the cost in u's state), the unresolved router of lowest cost comes next, among
/// equals the one of lowest id, and a predecessor is replaced for a strictly lower cost only.
///
/// Routers are numbered by the order of their ids, so that "lowest id" is "lowest number".
class Paths {
 public:
  using Index = std::uint32_t;
  static constexpr Index kNone = UINT32_MAX;

  struct Router {
    std::string_view id;
    const PeerCosts* peers;
  };

  /// Takes a new picture and computes the tree of `self`. `routers`: ordered by id, `self` among them; copied. A peer
  /// that is not among them is left out. O(E log N).
  void rebuild(std::span<const Router> routers, std::string_view self);

  [[nodiscard]] Index find(std::string_view id) const;  ///< kNone when it is not in the picture
  [[nodiscard]] const std::string& id(Index router) const { return ids_[router]; }
  [[nodiscard]] std::size_t size() const { return ids_.size(); }
  [[nodiscard]] Index self() const { return self_; }

  // Of the tree of self. `router` may be kNone: not reachable.
  [[nodiscard]] bool reachable(Index router) const { return router != kNone && own_.cost[router] != kFar; }
  [[nodiscard]] PathCost cost(Index router) const { return own_.cost[router]; }
  [[nodiscard]] std::uint32_t hops(Index router) const { return own_.hops[router]; }
  /// The neighbour at the start of the path; kNone for self and for what is not reachable.
  [[nodiscard]] Index first_hop(Index router) const { return router == kNone ? kNone : first_hops_[router]; }
  /// Whether some path starts with this neighbour.
  [[nodiscard]] bool is_first_hop(Index router) const { return router != kNone && leads_[router]; }
  [[nodiscard]] std::uint32_t radius() const { return radius_; }

  /// Whether the path from `origin` to `destination`, in the tree of `origin`, passes through self: neither end is
  /// self. The tree of an origin is computed when it is first asked for and kept until the next rebuild(); so O(E log
  /// N) or O(1).
  [[nodiscard]] bool passes_through_self(Index origin, Index destination) const;

 private:
  static constexpr PathCost kFar = UINT64_MAX;
  struct Edge {
    Index to;
    std::uint32_t cost;
  };
  struct Tree {
    std::vector<PathCost> cost;  ///< kFar: not reached
    std::vector<Index> previous;
    std::vector<std::uint32_t> hops;
    std::vector<Index> order;  ///< of resolution: a predecessor comes before its successors
  };
  void add_edges(const PeerCosts& peers);
  void grow(Tree& tree, Index root) const;
  void derive_own_tree();

  std::vector<std::string> ids_;
  std::vector<std::size_t> edge_start_;  ///< edges of router i: [edge_start_[i], edge_start_[i + 1])
  std::vector<Edge> edges_;
  Index self_ = kNone;
  Tree own_;
  std::vector<Index> first_hops_;
  std::vector<bool> leads_;
  std::uint32_t radius_ = 0;

  // Caches of const queries: one thread owns a ControlPlane.
  mutable std::vector<std::vector<bool>> transit_;  ///< by origin, by destination; an empty row is not computed yet
  mutable Tree scratch_;
};

}  // namespace van::routing
