#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/routing/messages.h"

namespace van::routing::test {

/// The trees of control-plane 3.6 said another way, without Dijkstra: costs by Floyd and Warshall, then the predecessor
/// of a router is, of all that lie on some shortest path before it, the one with the lowest (cost, id). That is what
/// "resolved first" and "replaced for a strictly lower cost only" come to when all costs are positive.
class Reference {
 public:
  explicit Reference(const std::map<std::string, PeerCosts>& links);

  [[nodiscard]] std::optional<std::uint64_t> cost(const std::string& from, const std::string& to) const;
  /// From, ..., to; empty when there is none.
  [[nodiscard]] std::vector<std::string> path(const std::string& from, const std::string& to) const;
  [[nodiscard]] std::string next_hop(const std::string& from, const std::string& to) const;
  [[nodiscard]] std::uint32_t radius(const std::string& of) const;
  /// Origins for which `via` lies inside the path to `destination`.
  [[nodiscard]] std::set<std::string> valid_origins(const std::string& via, const std::string& destination) const;

 private:
  std::map<std::string, PeerCosts> links_;
  std::map<std::string, std::map<std::string, std::uint64_t>> costs_;
};

}  // namespace van::routing::test
