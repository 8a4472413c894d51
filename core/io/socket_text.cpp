#include "core/io/socket_text.h"

#include <sys/un.h>
#include <uv.h>

#include <cstddef>
#include <cstring>

namespace van::io {

std::string socket_text(const sockaddr_storage& address, socklen_t size) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& ip4 = reinterpret_cast<const sockaddr_in&>(address);
    uv_ip4_name(&ip4, text, sizeof text);
    return std::string{text} + ":" + std::to_string(ntohs(ip4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& ip6 = reinterpret_cast<const sockaddr_in6&>(address);
    uv_ip6_name(&ip6, text, sizeof text);
    return "[" + std::string{text} + "]:" + std::to_string(ntohs(ip6.sin6_port));
  }
  if (address.ss_family == AF_UNIX) {
    const auto& local = reinterpret_cast<const sockaddr_un&>(address);
    const std::size_t length = size > offsetof(sockaddr_un, sun_path) ? size - offsetof(sockaddr_un, sun_path) : 0;
    return "unix:" + std::string{local.sun_path, strnlen(local.sun_path, length)};
  }
  return {};
}

}  // namespace van::io
