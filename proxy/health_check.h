#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/expected.h"

namespace van::proxy {

/// How a target is asked whether it works.
struct HealthCheck {
  enum class Kind {
    none,  ///< not while it works; once it refuses, by connecting
    tcp,   ///< it can be connected
    http,  ///< it answers GET `path` with 2xx or 3xx
  };
  Kind kind = Kind::none;
  std::string path = {};                     ///< of http; begins with '/'
  std::chrono::milliseconds interval{5000};  ///< from one answer to the next question
  std::uint32_t failures = 1;                ///< in a row, until the address is withdrawn
  std::uint32_t successes = 1;               ///< in a row, until it is offered
  [[nodiscard]] std::string text() const;    ///< "tcp", "http:/path"; empty: none
  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

inline constexpr std::chrono::milliseconds kHealthIntervalMin{100};
inline constexpr std::chrono::hours kHealthIntervalMax{1};
inline constexpr std::uint32_t kHealthThresholdMax = 100;  ///< of failures and successes; at least 1
inline constexpr std::size_t kHealthPathBytes = 1024;

/// Reads `tcp` or `http:/path`. The error is one line for people that says what is accepted.
Expected<HealthCheck, std::string> parse_health_check(std::string_view text);

}  // namespace van::proxy
