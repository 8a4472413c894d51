#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/routing/address.h"
#include "core/routing/messages.h"
#include "core/routing/paths.h"

namespace van::router {

/// What the workers of a site know of the network: made by the one with the control plane after each change, read by the others.
/// Nothing of it changes, so that it may be on all their threads.
struct Routes {
  /// Another interior.
  struct Node {
    std::string id;
    bool reachable = false;
    routing::PathCost cost = 0;
    std::string neighbour;  ///< container-id of the one through which it is reached; empty: there is none
  };
  struct Remote {
    std::uint32_t node = 0;  ///< into nodes
    std::uint32_t cost = 0;  ///< of the exposure
  };
  struct Address {
    routing::Treatment treatment = routing::Treatment::balanced;
    std::optional<std::uint32_t> edges;      ///< least cost of the edges that are attached here and have it; none: no edge has it
    std::optional<std::uint32_t> consumers;  ///< the same of the first worker's own consumers
    std::vector<Remote> remotes;
    bool early = false;  ///< Addresses::takes_early
  };
  std::vector<Node> nodes;  ///< by id
  std::unordered_map<routing::AddressKey, Address> addresses;
  std::shared_ptr<const routing::Paths> paths;  ///< only to be copied: it keeps what it was asked

  [[nodiscard]] const Node* node(std::string_view id) const;
  [[nodiscard]] const Address* address(const routing::AddressKey& key) const;
};

}  // namespace van::router
