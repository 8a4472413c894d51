#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/expected.h"
#include "core/http/head_text.h"

namespace van::http {

/// What the fields of a head say of the connection and of the message's framing, for requests and responses alike.
struct ConnectionFacts {
  bool close = false;  ///< named by Connection
  bool keep_alive = false;
  std::vector<std::string_view> others;    ///< that Connection names, and that may be the names of fields
  std::string_view upgrade;                ///< the value of Upgrade, when Connection names it too
  std::optional<std::uint64_t> length;    ///< Content-Length
  bool chunked = false;

  /// Once only. Errors (RFC 9112 §6): a length that is no number, or comes twice; a length beside a transfer coding; a transfer coding twice,
  /// or another one than chunked (501, or 400 when chunked is not the last).
  Expected<void, Error> read(const Fields& fields);
  /// Whether a field is for this connection only (RFC 9110 §7.6.1) and is not handed on: what Connection names, and what always is.
  /// Host, and what frames the message, are never taken off because Connection names them.
  [[nodiscard]] bool hop_by_hop(const Field& field) const;
};

}  // namespace van::http
