#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/expected.h"
#include "proxy/directory.h"

namespace van::proxy {

/// The host name by which a service is asked for: its address in lower case, with '-' for what no host name has ('/', ':', '@', '_').
/// Empty for an address that makes none: an empty label ("a..b", "a."), one of more than 63 characters, or an IP address.
std::string host_name_of(std::string_view address);

/// A host name as names are compared: lower case, without a final '.', and without ".van" or ".localhost".
std::string bare_name(std::string_view host);

/// "10.0.0.5", "::1", "[::1]": not a name.
bool is_ip_address(std::string_view host);

/// Why there is no service for a name.
struct NameRefusal {
  enum class Kind {
    address,    ///< an IP address: nothing outside the network is reached
    unknown,    ///< no service has that name
    ambiguous,  ///< several have, when case and special characters do not count
    port,       ///< the service has another port
    protocol,   ///< it takes datagrams
    full,       ///< too many services are asked for at once
  };
  Kind kind = Kind::unknown;
  std::string why = {};  ///< one line for people
};

/// The service that a host name means: the one with just this address, else the one whose host_name_of() it is. `port` is what was
/// asked for; 0, 80 and 443 say nothing, as URLs without a port come with them. Any other must be the service's when that is known.
Expected<KnownService, NameRefusal> find_service(const std::vector<KnownService>& known, std::string_view host, std::uint16_t port);

/// Whether a service with port `own` (0: not known) may be asked for with `port`.
bool port_fits(std::uint16_t own, std::uint16_t port);

}  // namespace van::proxy
