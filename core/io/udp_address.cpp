#include "core/io/udp_address.h"

#include <netinet/in.h>
#include <uv.h>

#include <cstring>

#include "core/io/socket_text.h"

namespace van::io {

std::optional<UdpAddress> UdpAddress::numeric(const std::string& host, std::uint16_t port) {
  static_assert(sizeof(sockaddr_in6) == kOctets);
  sockaddr_in6 ip6{};
  sockaddr_in ip4{};
  const char* const text = host == "localhost" ? "127.0.0.1" : host.c_str();
  if (uv_ip4_addr(text, port, &ip4) == 0) return from(reinterpret_cast<const sockaddr&>(ip4));
  if (uv_ip6_addr(text, port, &ip6) == 0) return from(reinterpret_cast<const sockaddr&>(ip6));
  return std::nullopt;
}

std::optional<UdpAddress> UdpAddress::from(const sockaddr& address) {
  UdpAddress result;
  if (address.sa_family == AF_INET) {
    sockaddr_in ip4{};
    std::memcpy(&ip4, &address, sizeof ip4);
    std::memset(ip4.sin_zero, 0, sizeof ip4.sin_zero);  // equal addresses have equal octets
    std::memcpy(result.octets_.data(), &ip4, sizeof ip4);
    result.size_ = sizeof ip4;
    return result;
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 ip6{};
    std::memcpy(&ip6, &address, sizeof ip6);
    ip6.sin6_flowinfo = 0;
    std::memcpy(result.octets_.data(), &ip6, sizeof ip6);
    result.size_ = sizeof ip6;
    return result;
  }
  return std::nullopt;
}

std::string UdpAddress::text() const {
  sockaddr_storage storage{};
  std::memcpy(&storage, octets_.data(), size_);
  return socket_text(storage, static_cast<socklen_t>(size_));
}

std::uint16_t UdpAddress::port() const {
  // the port stands at the same place in both families
  sockaddr_in ip4{};
  std::memcpy(&ip4, octets_.data(), sizeof ip4);
  return ntohs(ip4.sin_port);
}

}  // namespace van::io
