#pragma once

#include <string_view>

namespace van::http {

/// Why octets are no message of HTTP/1. The connection has no boundary any more: it is closed after the answer.
struct Error {
  int status = 400;             ///< for the answer to a request: 400, 413, 414, 417, 431, 501 or 505; to a response's reader it is a 502
  std::string_view what = {};  ///< one line for people; lives for ever
};

}  // namespace van::http
