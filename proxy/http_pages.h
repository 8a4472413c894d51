#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/directory.h"

namespace van::proxy {

/// A page of HTML that lists the services with links. `authority`: how the client calls us, "localhost:3128".
std::string start_page(const std::vector<KnownService>& services, std::string_view authority);

/// Proxy auto-configuration: names below ".van", and the services known now, go to us; everything else goes its own way.
std::string pac_file(const std::vector<KnownService>& services, std::string_view authority);

}  // namespace van::proxy
