#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/expected.h"
#include "core/io/dialer.h"

namespace van::proxy {

/// Where a local process listens: host and port, or a Unix socket's path.
struct Endpoint {
  std::string host;          ///< name or address, IPv6 without brackets; empty for a path
  std::uint16_t port = 0;
  std::string path;          ///< of a Unix socket; empty otherwise
  [[nodiscard]] bool is_path() const { return !path.empty(); }
  [[nodiscard]] std::string text() const;  ///< "127.0.0.1:8080", "[::1]:8080", "unix:/path"
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// The same for an io::Dialer.
io::Target dial_target(const Endpoint& endpoint);

/// Reads `8080`, `localhost:8080`, `[::1]:8080`, `unix:/path`; a lone port means `default_host`. The error is one line for
/// people that says what is accepted. Port 0 only where `zero_port` is allowed.
struct EndpointOptions {
  std::string_view default_host = "localhost";
  bool zero_port = false;
};
Expected<Endpoint, std::string> parse_endpoint(std::string_view text, EndpointOptions options = {});

}  // namespace van::proxy
