#include "core/router/routes.h"

#include <algorithm>

namespace van::router {

const Routes::Node* Routes::node(std::string_view id) const {
  const auto found = std::ranges::lower_bound(nodes, id, {}, [](const Node& node) { return std::string_view{node.id}; });
  return found == nodes.end() || found->id != id ? nullptr : &*found;
}

const Routes::Address* Routes::address(const routing::AddressKey& key) const {
  const auto found = addresses.find(key);
  return found == addresses.end() ? nullptr : &found->second;
}

}  // namespace van::router
