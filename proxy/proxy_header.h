#pragma once

#include <string_view>

#include "core/base/bytes.h"

namespace van::proxy {

/// What a connection to a target begins with when the target wants to know the client: the header of HAProxy's PROXY protocol,
/// version 2 (proxy-protocol.txt §2.2).
///
/// `from` is the client's address and port, `to` where it connected: "192.0.2.1:40000", "[2001:db8::1]:40000". They come from
/// elsewhere and are not believed to be well-formed: unless both are addresses of one family, and for connections without a client,
/// the header says LOCAL, and the target goes by the connection's own addresses.
Bytes proxy_header(std::string_view from, std::string_view to);

}  // namespace van::proxy
