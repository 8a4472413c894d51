#pragma once

#include <chrono>
#include <string_view>

#include "core/base/clock.h"

/// What both ends of a flow of datagrams have in common (docs/protocol.md, "Datagrams").
namespace van::proxy::udp_flow {

// Subjects of messages that carry no datagram of the application.
inline constexpr std::string_view kAck = "vanctl.ack";    ///< provider to client: the flow is served from my reply-to
inline constexpr std::string_view kAsk = "vanctl.ask";    ///< client to provider: are you still there?
inline constexpr std::string_view kGone = "vanctl.gone";  ///< provider to client: not any more

inline constexpr Duration kIdle = std::chrono::seconds{60};  ///< without a datagram either way a flow is forgotten

}  // namespace van::proxy::udp_flow
