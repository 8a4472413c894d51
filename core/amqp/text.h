#pragma once

#include <cstdint>
#include <string_view>

namespace van::amqp {

/// A Unicode scalar value: at most 0x10FFFF and no surrogate.
constexpr bool is_code_point(std::uint32_t value) { return value < 0xD800 || (value > 0xDFFF && value <= 0x10FFFF); }
/// Well-formed UTF-8: shortest forms of scalar values only (§1.6.20).
bool is_utf8(std::string_view text);
bool is_ascii(std::string_view text);

}  // namespace van::amqp
