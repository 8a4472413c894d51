// Any input: what is read lies inside the message, and what is written from it reads the same.
#include "core/amqp/datagram.h"
#include "core/base/assert.h"

namespace van::amqp {
namespace {

void check(ByteView input) {
  const auto read = read_datagram(input);
  if (!read) return;
  const auto inside = [&](const void* begin, std::size_t size) {
    const auto* at = static_cast<const std::uint8_t*>(begin);
    return size == 0 || (at >= input.data() && size <= input.size() && at + size <= input.data() + input.size());
  };
  VAN_ASSERT(inside(read->subject.data(), read->subject.size()) && inside(read->reply_to.data(), read->reply_to.size()));
  VAN_ASSERT(inside(read->group_id.data(), read->group_id.size()) && inside(read->payload.data(), read->payload.size()));

  BlockWriter blocks{4096};
  const Slice again = encode_datagram(encode_datagram_head({.to = "mc/x",
                                                            .subject = std::string{read->subject},
                                                            .reply_to = std::string{read->reply_to},
                                                            .group_id = std::string{read->group_id}}),
                                      read->payload, blocks);
  const auto second = read_datagram(again.view());
  VAN_ASSERT(second && second->subject == read->subject && second->reply_to == read->reply_to && second->group_id == read->group_id);
  VAN_ASSERT(as_text(second->payload) == as_text(read->payload));
}

}  // namespace
}  // namespace van::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  van::amqp::check({data, size});
  return 0;
}
