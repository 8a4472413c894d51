#pragma once

#include <string>

#include "agent/error.h"
#include "proxy/endpoint.h"

namespace van::agent {

/// Where something of ours listens on this machine. A lone port, and one of "localhost", is one of both loopbacks, as clients may try
/// either first; any other host is that host alone.
struct LocalEndpoint {
  proxy::Endpoint endpoint;     ///< with 127.0.0.1 for both loopbacks
  bool both_loopbacks = false;  ///< ::1 has the port, too
  [[nodiscard]] std::string text() const;  ///< so that it is read again as it is: with "localhost" for both loopbacks
};
/// Port 0 is one that the system picks. Errors: bad_request.
Result<LocalEndpoint> read_local_endpoint(const std::string& text);

}  // namespace van::agent
