#pragma once

#include <optional>
#include <string_view>

namespace van::proxy {

/// What an application speaks with a service. Those that go as streams (data-plane 2) can meet: a stand-in of one protocol reaches
/// an exposure of another, as far as the applications themselves understand each other.
/// With amqp the application is no client of one service, but of the network itself: it has an AMQP port, and addresses in what it says.
enum class Protocol { tcp, udp, http, http2, amqp };

/// As in `--protocol`, in telemetry and in the state.
std::string_view to_text(Protocol protocol);
std::optional<Protocol> protocol_of(std::string_view text);

}  // namespace van::proxy
