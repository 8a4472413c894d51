#pragma once

#include <cstdint>

namespace van::http {

/// How the end of a message's content is told (RFC 9112 §6.3).
struct Framing {
  enum class Kind {
    none,         ///< no content: the message ends with its head
    length,       ///< Content-Length
    chunked,      ///< Transfer-Encoding: chunked
    until_close,  ///< a response that ends with its connection
    tunnel,       ///< after the head the connection is no HTTP any more (101, or 2xx to CONNECT)
  };
  Kind kind = Kind::none;
  std::uint64_t length = 0;  ///< of Kind::length
  friend bool operator==(const Framing&, const Framing&) = default;
};

}  // namespace van::http
