#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/amqp/error.h"
#include "core/base/bytes.h"
#include "core/base/slice.h"

namespace van::amqp {

/// What goes before the payload of each datagram of a flow: the properties of its message (data-plane 6.2). Empty: left out.
struct DatagramHead {
  std::string to{};
  std::string subject{};
  std::string reply_to{};
  std::string group_id{};
};
/// The properties section, made once for a flow.
Bytes encode_datagram_head(const DatagramHead& head);

/// One datagram as a message without router annotations: `head`, then `payload` as the one data section (§3.2.6), side by side in a
/// block of `blocks`.
Slice encode_datagram(ByteView head, ByteView payload, BlockWriter& blocks);

/// A message with one piece of payload, as datagrams and events are. Borrows the message.
struct DatagramView {
  std::string_view subject{};
  std::string_view reply_to{};
  std::string_view group_id{};
  ByteView payload{};  ///< of one data section, or of a value that is a string or binary
};
/// Reads it whole; sections that do not matter here are passed over. Errors: decode_error, also when there is not exactly one such
/// payload, or a field of interest is no string; resource_limit_exceeded when reply-to is longer than limits::kAddressBytes or
/// group-id than limits::kDatagramFlowBytes.
Result<DatagramView> read_datagram(ByteView message);

}  // namespace van::amqp
