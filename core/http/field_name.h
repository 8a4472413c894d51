#pragma once

#include <cstdint>
#include <string_view>

namespace van::http {

/// The names that a reader, a writer or a gateway has to tell from all others: of fields, and of what Connection lists.
enum class FieldName : std::uint8_t {
  other,
  close,
  connection,
  content_length,
  expect,
  forwarded,
  host,
  keep_alive,
  max_forwards,
  proxy_connection,
  te,
  transfer_encoding,
  upgrade,
  via,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
};

/// Letters count as equal in either case (RFC 9110 §5.1).
FieldName field_name_of(std::string_view text);

}  // namespace van::http
