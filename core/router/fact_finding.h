#pragma once

#include <vector>

#include "core/router/addresses.h"
#include "core/router/core.h"
#include "core/router/facts.h"
#include "core/routing/control_plane.h"

namespace van::router {

/// Gathers the facts from the parts of a router. `plane`: null on edges.
std::vector<ConnectionFacts> connections_of(const Core& core);
std::vector<LinkFacts> links_of(const Core& core);
std::vector<AddressFacts> addresses_of(const Core& core, const Addresses& addresses, const routing::ControlPlane* plane);
std::vector<NodeFacts> nodes_of(const Core& core, const routing::ControlPlane* plane);

}  // namespace van::router
