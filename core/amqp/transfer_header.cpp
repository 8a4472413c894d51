#include <algorithm>

#include "core/amqp/constructor.h"
#include "core/amqp/descriptor.h"
#include "core/amqp/performatives.h"
#include "core/base/assert.h"

namespace van::amqp {
namespace {

constexpr std::size_t kFrameHeaderBytes = 8;                     // §2.3.1
constexpr std::size_t kFieldsStart = kFrameHeaderBytes + 3 + 3;  // descriptor; list8, size, count

/// Writes fields one after the other; nulls only when something follows (§1.4).
class Fields {
 public:
  explicit Fields(std::uint8_t* to) : begin_{to}, to_{to} {}

  void null() { ++nulls_; }
  void uint(std::optional<std::uint32_t> value) {
    if (!value) return null();
    begin_field();
    if (*value == 0) return put(constructor::uint0);
    put(*value <= 0xFF ? constructor::smalluint : constructor::uint);
    for (int shift = *value <= 0xFF ? 0 : 24; shift >= 0; shift -= 8) put(static_cast<std::uint8_t>(*value >> shift));
  }
  void boolean(std::optional<bool> value) {
    if (!value) return null();
    begin_field();
    put(*value ? constructor::boolean_true : constructor::boolean_false);
  }
  void flag(bool value) { boolean(value ? std::optional{true} : std::nullopt); }
  void ubyte(std::uint8_t value) {
    begin_field();
    put(constructor::ubyte);
    put(value);
  }
  void binary(ByteView octets) {
    begin_field();
    put(constructor::binary8);
    put(static_cast<std::uint8_t>(octets.size()));
    to_ = std::copy(octets.begin(), octets.end(), to_);
  }
  [[nodiscard]] std::size_t bytes() const { return static_cast<std::size_t>(to_ - begin_); }
  [[nodiscard]] std::uint8_t count() const { return count_; }

 private:
  void put(std::uint8_t octet) { *to_++ = octet; }
  void begin_field() {
    count_ = static_cast<std::uint8_t>(count_ + nulls_ + 1);
    for (; nulls_ > 0; --nulls_) put(constructor::null);
  }

  std::uint8_t* begin_;
  std::uint8_t* to_;
  std::uint8_t count_ = 0;
  std::uint8_t nulls_ = 0;
};

// The longest: handle, delivery-id and message-format in five octets, a tag of 32, and every other field there.
static_assert(kFieldsStart + 3 * 5 + 2 + TagOctets::kMax + 1 + 1 + 2 + 1 + 1 + 1 + 1 <= kTransferHeaderMax);

}  // namespace

std::size_t encode_transfer_header(std::span<std::uint8_t> out, std::uint16_t channel, const Transfer& transfer,
                                   std::size_t payload_size) {
  VAN_ASSERT(out.size() >= kTransferHeaderMax && !transfer.state);
  Fields fields{out.data() + kFieldsStart};
  fields.uint(transfer.handle);
  fields.uint(transfer.delivery_id);
  if (transfer.delivery_tag) {
    fields.binary(transfer.delivery_tag->view());
  } else {
    fields.null();
  }
  fields.uint(transfer.message_format);
  fields.boolean(transfer.settled);
  fields.flag(transfer.more);
  if (transfer.rcv_settle_mode) {
    fields.ubyte(static_cast<std::uint8_t>(*transfer.rcv_settle_mode));
  } else {
    fields.null();
  }
  fields.null();  // state
  fields.flag(transfer.resume);
  fields.flag(transfer.aborted);
  fields.flag(transfer.batchable);

  const std::size_t header_size = kFieldsStart + fields.bytes();
  const std::size_t frame_size = header_size + payload_size;
  VAN_ASSERT(frame_size <= 0xFFFF'FFFFu);
  for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(frame_size >> (24 - 8 * i));
  out[4] = 2;  // DOFF
  out[5] = 0;  // AMQP
  out[6] = static_cast<std::uint8_t>(channel >> 8);
  out[7] = static_cast<std::uint8_t>(channel);
  out[8] = constructor::described;
  out[9] = constructor::smallulong;
  out[10] = descriptor::transfer;
  out[11] = constructor::list8;
  out[12] = static_cast<std::uint8_t>(fields.bytes() + 1);
  out[13] = fields.count();
  return header_size;
}

}  // namespace van::amqp
