#include "proxy/endpoint.h"

#include <charconv>
#include <optional>

namespace van::proxy {
namespace {

constexpr std::string_view kAccepted = "expected PORT, HOST:PORT, [IPV6]:PORT or unix:/PATH";

Unexpected<std::string> malformed(std::string_view text, std::string_view why) {
  return {"'" + std::string{text} + "': " + std::string{why} + "; " + std::string{kAccepted}};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return port;
}

}  // namespace

std::string Endpoint::text() const {
  if (is_path()) return "unix:" + path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

io::Target dial_target(const Endpoint& endpoint) {
  if (endpoint.is_path()) return io::LocalPath{endpoint.path};
  return io::HostPort{endpoint.host, endpoint.port};
}

Expected<Endpoint, std::string> parse_endpoint(std::string_view text, EndpointOptions options) {
  Endpoint endpoint;
  if (text.starts_with("unix:")) {
    endpoint.path = std::string{text.substr(5)};
    if (endpoint.path.empty() || endpoint.path.front() != '/') return malformed(text, "a socket's path begins with '/'");
    return endpoint;
  }
  std::string_view port = text;
  endpoint.host = std::string{options.default_host};
  if (text.starts_with('[')) {
    const std::size_t close = text.find("]:");
    if (close == std::string_view::npos || close == 1) return malformed(text, "no '[IPV6]:PORT'");
    endpoint.host = std::string{text.substr(1, close - 1)};
    port = text.substr(close + 2);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    if (text.find(':', colon + 1) != std::string_view::npos) return malformed(text, "an IPv6 address stands in brackets");
    if (colon == 0) return malformed(text, "no host before ':'");
    endpoint.host = std::string{text.substr(0, colon)};
    port = text.substr(colon + 1);
  }
  const auto number = parse_port(port);
  if (!number) return malformed(text, "no port from 1 to 65535");
  if (*number == 0 && !options.zero_port) return malformed(text, "port 0 is no port to connect to");
  endpoint.port = *number;
  for (const char c : endpoint.host) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '/' || c == '@' || c == 0x7f) return malformed(text, "that is no host name");
  }
  return endpoint;
}

}  // namespace van::proxy
