#pragma once

#include <chrono>
#include <string>

namespace van::agent {

/// RFC 3339 in UTC, whole seconds: "2027-01-01T00:00:00Z".
std::string rfc3339(std::chrono::system_clock::time_point time);

}  // namespace van::agent
