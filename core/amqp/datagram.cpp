#include "core/amqp/datagram.h"

#include <algorithm>
#include <cstring>

#include "core/amqp/constructor.h"
#include "core/amqp/decoder.h"
#include "core/amqp/descriptor.h"
#include "core/amqp/encoder.h"
#include "core/amqp/section.h"
#include "core/base/datagram_limits.h"
#include "core/base/limits.h"

namespace van::amqp {
namespace {

constexpr std::size_t kDataHeaderBytes = 3 + 5;  // descriptor; binary32 with its length

void put_text(CompoundEncoder& list, std::string_view text) { text.empty() ? list.skip() : list.item().string(text); }

/// §3.2.4
Result<void> read_properties(ByteView value, DatagramView& view) {
  auto list = decode_list(value);
  if (!list) return Unexpected{list.error()};
  FieldReader& fields = list->fields;
  fields.skip(3);  // message-id, user-id, to
  view.subject = fields.string().value_or(std::string_view{});
  view.reply_to = fields.string().value_or(std::string_view{});
  fields.skip(5);  // correlation-id, content-type, content-encoding, absolute-expiry-time, creation-time
  view.group_id = fields.string().value_or(std::string_view{});
  if (!fields.ok()) return fields.error();
  if (view.reply_to.size() > limits::kAddressBytes || view.group_id.size() > limits::kDatagramFlowBytes)
    return failure(condition::resource_limit_exceeded, "an address or the name of a flow is too long");
  return {};
}

/// The octets of a string or binary that is the whole of `value`.
Result<ByteView> octets_of(ByteView value) {
  Reader reader{value};
  const std::uint8_t code = reader.u8();
  std::size_t size = 0;
  if (code == constructor::binary8 || code == constructor::string8) size = reader.u8();
  else if (code == constructor::binary32 || code == constructor::string32) size = reader.u32();
  else reader.fail();
  const ByteView octets = reader.bytes(size);
  if (!reader.ok()) return failure(condition::decode_error, "the body is neither binary nor text");
  return octets;
}

}  // namespace

Bytes encode_datagram_head(const DatagramHead& head) {
  Bytes out;
  Encoder encoder{out};
  encoder.descriptor(descriptor::properties);
  CompoundEncoder list{encoder, CompoundEncoder::Kind::list};
  for (int i = 0; i < 2; ++i) list.skip();  // message-id, user-id
  put_text(list, head.to);
  put_text(list, head.subject);
  put_text(list, head.reply_to);
  for (int i = 0; i < 5; ++i) list.skip();  // correlation-id, content-type, content-encoding, absolute-expiry-time, creation-time
  put_text(list, head.group_id);
  list.close();
  return out;
}

Slice encode_datagram(ByteView head, ByteView payload, BlockWriter& blocks) {
  const std::size_t most = head.size() + kDataHeaderBytes + payload.size();
  std::uint8_t* const begin = blocks.space(most).data();
  std::uint8_t* to = std::copy(head.begin(), head.end(), begin);
  *to++ = constructor::described;
  *to++ = constructor::smallulong;
  *to++ = descriptor::data;
  if (payload.size() <= 0xFF) {
    *to++ = constructor::binary8;
  } else {
    *to++ = constructor::binary32;
    for (int shift = 24; shift > 0; shift -= 8) *to++ = static_cast<std::uint8_t>(payload.size() >> shift);
  }
  *to++ = static_cast<std::uint8_t>(payload.size());
  to = std::copy(payload.begin(), payload.end(), to);
  return blocks.commit(static_cast<std::size_t>(to - begin));
}

Result<DatagramView> read_datagram(ByteView message) {
  DatagramView view;
  bool has_payload = false;
  std::uint64_t last = 0;
  while (!message.empty()) {
    const auto section = probe_section(message);
    if (!section || !section->is_section) return failure(condition::decode_error, "no message section");
    const std::uint64_t code = section->start.code;
    const auto value = section_value(message, section->start, message.size());
    if (!value) return Unexpected{value.error()};
    if (!*value) return failure(condition::decode_error, "message section cut short");
    if (code >= descriptor::header && code <= descriptor::footer) {
      if (code <= last) return failure(condition::decode_error, "message section out of order");
      last = code;
    }
    if (code == descriptor::properties) {
      const auto read = read_properties(**value, view);
      if (!read) return Unexpected{read.error()};
    } else if (code >= descriptor::data && code <= descriptor::amqp_value) {
      const auto octets = octets_of(**value);
      if (!octets) return Unexpected{octets.error()};
      if (has_payload) return failure(condition::decode_error, "more than one body");
      view.payload = *octets;
      has_payload = true;
    }
    message = message.subspan(section->start.value + (*value)->size());
  }
  if (!has_payload) return failure(condition::decode_error, "no body");
  return view;
}

}  // namespace van::amqp
