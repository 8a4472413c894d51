#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/error.h"
#include "agent/state.h"
#include "core/base/random.h"
#include "core/tls/certificate.h"

namespace van::agent {

/// A random UUID (RFC 4122, version 4).
std::string make_uuid(SecureRandom& random);

/// A router id that nobody else in the network has: the site's name and five random characters, as Skupper's are made. It
/// has no '/' and is never "all" (control-plane 3).
std::string make_router_id(std::string_view site_name, SecureRandom& random);

/// 1 to 63 of A-Z a-z 0-9 . _ - that begin with a letter or digit. Errors: bad_request.
Result<void> check_site_name(std::string_view name);
/// The nearest name that check_site_name() takes.
std::string site_name_like(std::string_view text);

/// An authority of ten years, and a server certificate for these hosts and the names of this machine.
/// Errors: bad_request, naming a host that can't stand in a certificate; failed.
Result<AuthorityState> make_authority(std::string_view site_name, std::string_view machine,
                                      const std::vector<std::string>& hosts, tls::WallTime now, SecureRandom& random);

/// What an address of a service may be: 1 to 253 of A-Z a-z 0-9 . _ - : @ / that begin with a letter or digit. Names that routers keep
/// for themselves (_topo, _local, _edge, $management, mc/) are none. Errors: bad_request.
Result<void> check_address(std::string_view address);

}  // namespace van::agent
