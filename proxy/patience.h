#pragma once

#include <chrono>

namespace van::proxy {

/// How long a client waits for a provider to appear, before it is refused: that somebody provides the address may be on its way.
inline constexpr std::chrono::milliseconds kPatience{400};

}  // namespace van::proxy
