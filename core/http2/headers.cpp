#include "core/http2/headers.h"

#include <algorithm>

namespace van::http2 {

std::string_view value_of(const Headers& headers, std::string_view name) {
  const auto found = std::ranges::find(headers, name, &Header::name);
  return found == headers.end() ? std::string_view{} : std::string_view{found->value};
}

}  // namespace van::http2
