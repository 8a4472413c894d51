#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/amqp/error.h"
#include "core/base/bytes.h"

namespace van::amqp {

/// Where a section of a message (AMQP 1.0 §3.2) begins.
struct SectionStart {
  std::uint64_t code = 0;
  std::size_t value = 0;  ///< offset of the section's value, behind the descriptor
};
/// Three answers: a section begins here; none does (`is_section` false: raw octets); or more bytes are needed
/// (nullopt).
struct SectionProbe {
  bool is_section = false;
  SectionStart start;
};
/// Judges the beginning of `prefix`, which is not empty. What has no descriptor of a known form is no section.
std::optional<SectionProbe> probe_section(ByteView prefix);

/// The whole value of a section that begins at `prefix`; nullopt: more bytes are needed. Its inside is not looked at.
/// Errors: decode_error; resource_limit_exceeded when the value ends behind `bytes_max`, said before it has come.
Result<std::optional<ByteView>> section_value(ByteView prefix, SectionStart start, std::size_t bytes_max);

}  // namespace van::amqp
