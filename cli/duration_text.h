#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace van::cli {

inline constexpr std::chrono::seconds kDurationMax{std::chrono::hours{24 * 3660}};  ///< ten years

/// A length of time as people type it: `90` (seconds), `1.5`, `250ms`, `30s`, `15m`, `1h30m`, `7d`. Units come in
/// falling order, each once; only the last number may have a fraction (read to the millisecond). nullopt for anything
/// else, and above kDurationMax.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The same for reading: the two largest units, `1h30m`, `12s`, `3d4h`; below zero counts as `0s`.
[[nodiscard]] std::string duration_text(std::chrono::seconds duration);

}  // namespace van::cli
