#pragma once

#include <vector>

#include "core/router/addresses.h"
#include "core/router/core.h"
#include "core/router/router.h"
#include "core/routing/control_plane.h"

namespace van::router {

/// What a router knows of the network, put together from its parts. `plane`: null on edges, and for all workers but the first one.
std::vector<NodeInfo> known_nodes(const Core& core, const routing::ControlPlane* plane);
std::vector<AddressInfo> known_addresses(const Core& core, const Addresses& addresses, const routing::ControlPlane* plane);
/// What peers and the control plane hold in memory: all of Router::Held but deliveries and streams.
Router::Held held_by(const Core& core, const routing::ControlPlane* plane);

}  // namespace van::router
