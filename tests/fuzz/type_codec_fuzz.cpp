// Any input: decode(encode(decode(x))) == decode(x), in no more octets; the extent is known from every prefix or not
// yet, and never wrong.
#include "core/amqp/decoder.h"
#include "core/amqp/encoder.h"
#include "core/base/assert.h"

namespace van::amqp {
namespace {

void check(ByteView input) {
  const auto first = decode_value(input);
  const auto extent = value_extent(input);
  if (!first) return;
  VAN_ASSERT(extent.bytes == first->bytes);

  const Bytes encoded = encode_value(first->value);
  VAN_ASSERT(encoded.size() <= first->bytes);
  const auto second = decode_value(encoded);
  VAN_ASSERT(second && second->bytes == encoded.size() && second->value == first->value);

  for (std::size_t length = 0; length < first->bytes; length += 1 + length / 8) {
    const ByteView prefix = input.first(length);
    VAN_ASSERT(!decode_value(prefix));
    const auto early = value_extent(prefix);
    VAN_ASSERT(early.error == nullptr && (early.bytes == 0 || early.bytes == first->bytes));
  }
}

}  // namespace
}  // namespace van::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  van::amqp::check({data, size});
  return 0;
}
