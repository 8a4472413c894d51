#pragma once

namespace van {

/// Prints the expression and its place, then aborts. For programming errors only.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace van

/// On in every build. For preconditions and invariants of our own code; never for what a peer, a file
/// or a user can cause.
#define VAN_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::van::assertion_failed(#expression, __FILE__, __LINE__))
