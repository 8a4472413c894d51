#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace van::proxy {

/// What an application speaks with a service. Those that go as streams (data-plane 2) can meet: a stand-in of one protocol reaches
/// an exposure of another, as far as the applications themselves understand each other.
/// With amqp the application is no client of one service, but of the network itself: it has an AMQP port, and addresses in what it says.
enum class Protocol { tcp, udp, http, http2, amqp };

/// As in `--protocol`, in telemetry and in the state.
std::string_view to_text(Protocol protocol);
std::optional<Protocol> protocol_of(std::string_view text);

/// How the network carries an address: who uses it must agree on that.
enum class Carriage { streams, datagrams, multicast };
Carriage carriage_of(Protocol protocol, bool multicast);
std::string_view to_text(Carriage carriage);  ///< "streams", "datagrams", "multicast"

inline constexpr std::string_view kMulticastPrefix = "mc/";
/// The address as routers know it: a multicast one is below "mc/", which every router takes for multicast (control-plane 4.2).
std::string wire_address(const std::string& address, bool multicast);

}  // namespace van::proxy
