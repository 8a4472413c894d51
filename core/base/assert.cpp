#include "core/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace van {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "vanctl: internal error: %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace van
