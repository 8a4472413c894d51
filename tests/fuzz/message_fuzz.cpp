// Any input: a header that is known from a prefix is the same with every longer one, an error stays one, and a message
// survives being encoded and decoded.
#include "core/amqp/message.h"
#include "core/base/assert.h"

namespace van::amqp {
namespace {

/// `read` gives nullopt, then the same value or an error for every longer prefix.
template <class Read>
void check_monotonic(ByteView input, Read read) {
  const auto last = read(input);
  for (std::size_t length = 0; length < input.size(); length += 1 + length / 8) {
    const auto early = read(input.first(length));
    if (!early) {
      VAN_ASSERT(!last);
    } else if (*early) {
      VAN_ASSERT(last && *last && **last == **early);
    }
  }
}

void check(ByteView input) {
  check_monotonic(input, [](ByteView prefix) { return read_message_header(prefix, false, false); });
  check_monotonic(input, [](ByteView prefix) { return read_message_header(prefix, false, true); });
  check_monotonic(input, [](ByteView prefix) { return read_stream_head(prefix, false); });
  const auto head = read_stream_head(input, true);
  VAN_ASSERT(!head || (*head && (*head)->bytes <= input.size()));
  const auto header = read_message_header(input, true, false);
  VAN_ASSERT(!header || (*header && (*header)->annotations_bytes <= input.size()));
  VAN_ASSERT(!header || !(*header)->annotations || (*header)->annotations->flags == annotation_flags(input));

  const auto first = decode_message(input);
  if (!first) return;
  const auto second = decode_message(encode_message(*first));
  // a body joined of several sections may be above what one value may have
  VAN_ASSERT(second ? *second == *first : first->body->list() != nullptr);
}

}  // namespace
}  // namespace van::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  van::amqp::check({data, size});
  return 0;
}
