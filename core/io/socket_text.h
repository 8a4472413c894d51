#pragma once

#include <sys/socket.h>

#include <string>

namespace van::io {

/// "127.0.0.1:80", "[::1]:80", "unix:PATH", or "" for another family. For core/io only.
std::string socket_text(const sockaddr_storage& address, socklen_t size);

}  // namespace van::io
