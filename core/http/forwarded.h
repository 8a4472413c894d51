#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace van::http {

/// What a request is told of where it came from.
enum class Forwarded : std::uint8_t {
  none,         ///< nothing is added, what others have added stays
  x_forwarded,  ///< X-Forwarded-For, -Proto and -Host
  standard,     ///< Forwarded (RFC 7239)
};

/// As in `--forwarded` and in the state: none, x-forwarded, forwarded.
std::string_view to_text(Forwarded forwarded);
std::optional<Forwarded> forwarded_of(std::string_view text);

}  // namespace van::http
