#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/id.h"

namespace van::http2 {

using StreamNo = Id<struct StreamNoTag>;  ///< RFC 9113 §5.1.1; of one connection

/// A field line; names are lower case, pseudo-header fields begin with ':' and come first (RFC 9113 §8.2, §8.3).
struct Header {
  std::string name, value;
  bool never_indexed = false;  ///< must stay so on the way (RFC 7541 §6.2.3)
  friend bool operator==(const Header&, const Header&) = default;
};
using Headers = std::vector<Header>;

/// Of the first one with that name; empty when there is none.
std::string_view value_of(const Headers& headers, std::string_view name);

/// RFC 9113 §7. What a peer sends may be any number.
enum class ErrorCode : std::uint32_t {
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  flow_control_error = 3,
  refused_stream = 7,
  cancel = 8,
  enhance_your_calm = 11,
};

}  // namespace van::http2
