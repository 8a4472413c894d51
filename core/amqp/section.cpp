#include "core/amqp/section.h"

#include "core/amqp/constructor.h"
#include "core/amqp/decoder.h"
#include "core/amqp/descriptor.h"

namespace van::amqp {
namespace {

bool is_descriptor_constructor(std::uint8_t code) {
  return code == constructor::smallulong || code == constructor::ulong || code == constructor::ulong0 ||
         code == constructor::symbol8 || code == constructor::symbol32;
}

constexpr std::size_t kDescriptorBytesMax = 64;  // the longest symbol of the standard has 32 octets

}  // namespace

std::optional<SectionProbe> probe_section(ByteView prefix) {
  constexpr SectionProbe kRaw{};
  if (const auto numeric = numeric_descriptor(prefix)) return SectionProbe{true, {numeric->code, numeric->bytes}};
  if (prefix[0] != constructor::described) return kRaw;
  if (prefix.size() < 2) return std::nullopt;
  if (!is_descriptor_constructor(prefix[1])) return kRaw;
  const Extent extent = value_extent(prefix.subspan(1));
  if (extent.error != nullptr || extent.bytes > kDescriptorBytesMax) return kRaw;
  if (extent.bytes == 0 || 1 + extent.bytes > prefix.size()) return std::nullopt;
  const auto descriptor = decode_value(prefix.subspan(1, extent.bytes));
  const auto code = descriptor ? descriptor_code(descriptor->value) : std::nullopt;
  if (!code) return kRaw;
  return SectionProbe{true, {*code, 1 + extent.bytes}};
}

Result<std::optional<ByteView>> section_value(ByteView prefix, SectionStart start, std::size_t bytes_max) {
  const ByteView rest = prefix.subspan(start.value);
  const Extent extent = value_extent(rest);
  if (extent.error != nullptr) return failure(condition::decode_error, extent.error);
  if (extent.bytes > bytes_max) return failure(condition::resource_limit_exceeded, "message section too long");
  if (extent.bytes == 0 || extent.bytes > rest.size()) return std::optional<ByteView>{};
  return std::optional{rest.first(extent.bytes)};
}

}  // namespace van::amqp
