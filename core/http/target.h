#pragma once

#include <string_view>

#include "core/base/expected.h"
#include "core/http/error.h"

namespace van::http {

/// A request target (RFC 9112 §3.2). The parts look into the text that was read.
struct Target {
  enum class Form { origin, absolute, authority, asterisk };
  Form form = Form::origin;
  std::string_view scheme;     ///< of the absolute form
  std::string_view authority;  ///< of the absolute and the authority form
  std::string_view path;       ///< path and query of the others; of the absolute form maybe without the leading '/', or empty
};
/// Errors: a form that the method does not have, and octets that no target has. Those that browsers write although RFC 3986 has them
/// escaped ("|", "{", not ASCII) are let pass: they are no danger to the request line.
Expected<Target, Error> read_target(std::string_view method, std::string_view text);

/// `host`, `host:port`, `[ipv6]:port` (RFC 9110 §7.2): what Host may be, beside being empty.
bool is_authority(std::string_view text);

}  // namespace van::http
