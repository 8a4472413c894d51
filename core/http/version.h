#pragma once

#include <string_view>

#include "core/base/expected.h"
#include "core/http/error.h"

namespace van::http {

/// The minor version of "HTTP/1.x" (RFC 9112 §2.3). Errors: 505 for another major one, 400 for another text.
Expected<int, Error> read_version(std::string_view text);

}  // namespace van::http
