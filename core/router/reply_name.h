#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace van::router {

/// The part of a reply address behind our prefix, "temp.<unique>" (data-plane 2.4). Of a worker that is not the first one it is
/// "temp.w<number>.<unique>", so that whichever worker the reply comes to knows whose it is.
inline std::string reply_name(std::uint32_t worker, std::string unique) {
  return std::move(unique.insert(0, worker == 0 ? "temp." : "temp.w" + std::to_string(worker) + "."));
}

/// Whose a local name is; what is no reply address is the first worker's. The unique part has no '.', so that nothing is taken
/// for a number that is none.
inline std::uint32_t worker_of(std::string_view name) {
  constexpr std::string_view kPrefix = "temp.w";
  if (!name.starts_with(kPrefix)) return 0;
  name.remove_prefix(kPrefix.size());
  std::uint32_t worker = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), worker);
  const bool whole = error == std::errc{} && end != name.data() + name.size() && *end == '.';
  return whole ? worker : 0;
}

}  // namespace van::router
