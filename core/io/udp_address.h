#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace van::io {

/// Where a datagram comes from or goes to: an IPv4 or IPv6 address and a port.
class UdpAddress {
 public:
  UdpAddress() = default;
  /// `host`: numeric, IPv6 without brackets, or "localhost" (127.0.0.1). nullopt for anything else.
  static std::optional<UdpAddress> numeric(const std::string& host, std::uint16_t port);
  /// nullopt for a family that is neither.
  static std::optional<UdpAddress> from(const sockaddr& address);

  [[nodiscard]] std::string text() const;  ///< "127.0.0.1:53", "[::1]:53"
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] const sockaddr& raw() const { return *reinterpret_cast<const sockaddr*>(octets_.data()); }
  [[nodiscard]] std::string_view octets() const { return {octets_.data(), size_}; }  ///< the same for the same address
  friend bool operator==(const UdpAddress& a, const UdpAddress& b) { return a.octets() == b.octets(); }

 private:
  static constexpr std::size_t kOctets = 28;  // of a sockaddr_in6
  alignas(8) std::array<char, kOctets> octets_{};
  std::size_t size_ = 0;
};

}  // namespace van::io

template <>
struct std::hash<van::io::UdpAddress> {
  std::size_t operator()(const van::io::UdpAddress& address) const { return std::hash<std::string_view>{}(address.octets()); }
};
