#include "agent/local_endpoint.h"

namespace van::agent {
namespace {

constexpr const char* kBoth = "localhost";

}  // namespace

std::string LocalEndpoint::text() const {
  if (!both_loopbacks) return endpoint.text();
  return proxy::Endpoint{kBoth, endpoint.port, {}}.text();
}

Result<LocalEndpoint> read_local_endpoint(const std::string& text) {
  auto endpoint = proxy::parse_endpoint(text, {.default_host = kBoth, .zero_port = true});
  if (!endpoint) return Unexpected{Error{Error::Code::bad_request, "local " + endpoint.error(), {}}};
  if (endpoint->host != kBoth) return LocalEndpoint{.endpoint = *endpoint};
  endpoint->host = "127.0.0.1";
  return LocalEndpoint{.endpoint = *endpoint, .both_loopbacks = true};
}

}  // namespace van::agent
