#include "proxy/proxy_header.h"

#include <arpa/inet.h>

#include <charconv>
#include <optional>
#include <string>

namespace van::proxy {
namespace {

constexpr std::uint8_t kSignature[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::uint8_t kLocal = 0x20;  // version 2, and the command
constexpr std::uint8_t kProxied = 0x21;
constexpr std::uint8_t kUnspecified = 0x00;  // family and transport
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;

struct SocketAddress {
  Bytes address;  // 4 or 16, in network order
  std::uint16_t port = 0;
};

std::optional<SocketAddress> read_address(std::string_view text) {
  const bool v6 = text.starts_with('[');
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || (v6 && (colon < 2 || text[colon - 1] != ']'))) return std::nullopt;
  const std::string host{v6 ? text.substr(1, colon - 2) : text.substr(0, colon)};
  const std::string_view port = text.substr(colon + 1);
  SocketAddress read{.address = Bytes(v6 ? 16 : 4)};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), read.port);
  if (error != std::errc{} || end != port.data() + port.size()) return std::nullopt;
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, host.c_str(), read.address.data()) != 1) return std::nullopt;
  return read;
}

void append_u16(Bytes& out, std::size_t number) {
  out.push_back(static_cast<std::uint8_t>(number >> 8));
  out.push_back(static_cast<std::uint8_t>(number));
}

}  // namespace

Bytes proxy_header(std::string_view from, std::string_view to) {
  const auto source = read_address(from);
  const auto destination = read_address(to);
  const bool known = source && destination && source->address.size() == destination->address.size();
  Bytes header{std::begin(kSignature), std::end(kSignature)};
  header.push_back(known ? kProxied : kLocal);
  if (!known) {
    header.push_back(kUnspecified);
    append_u16(header, 0);
    return header;
  }
  header.push_back(source->address.size() == 4 ? kTcp4 : kTcp6);
  append_u16(header, 2 * source->address.size() + 4);
  append(header, source->address);
  append(header, destination->address);
  append_u16(header, source->port);
  append_u16(header, destination->port);
  return header;
}

}  // namespace van::proxy
