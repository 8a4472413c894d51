#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace van::cli {

/// Insertions, removals, replacements and swaps of neighbours that turn `a` into `b`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The one of `valid` that `typed` was most likely meant to be; empty when none is near (a third of the longer
/// word's letters wrong, at least one, at most three) and none begins with `typed`.
[[nodiscard]] std::string_view nearest(std::string_view typed, std::span<const std::string_view> valid);

/// "did you mean 'join'?", or `otherwise` when nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view typed, std::span<const std::string_view> valid,
                                       std::string otherwise);

}  // namespace van::cli
