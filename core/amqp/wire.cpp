#include "core/amqp/wire.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/assert.h"

namespace van::amqp {
namespace {

constexpr std::size_t kFrameHeaderBytes = 8;
constexpr std::size_t kDescriptionBytesSmall = 100;
constexpr std::size_t kTogetherBytes = 1024;  ///< of payload: as little stands behind its frame's header, so that many frames are one slice

/// What a frame of the smallest size has room for (§2.7.1: 512 bytes).
void shorten(std::optional<Error>& error) {
  if (!error) return;
  error->info.clear();
  if (error->condition.size() > kDescriptionBytesSmall) error->condition = condition::internal_error;
  std::string& text = error->description;
  if (text.size() <= kDescriptionBytesSmall) return;
  std::size_t end = kDescriptionBytesSmall;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a UTF-8 sequence
  text.resize(end);
}

/// Of a few octets, and the same for many deliveries.
bool is_short(const std::optional<DeliveryState>& state) {
  return !state || std::holds_alternative<Accepted>(*state) || std::holds_alternative<Released>(*state);
}

/// False: there is nothing to leave out.
bool shorten(Performative& performative) {
  if (auto* detach = std::get_if<Detach>(&performative)) return shorten(detach->error), true;
  if (auto* end = std::get_if<End>(&performative)) return shorten(end->error), true;
  if (auto* close = std::get_if<Close>(&performative)) return shorten(close->error), true;
  auto* disposition = std::get_if<Disposition>(&performative);
  if (disposition == nullptr || !disposition->state) return false;
  if (auto* rejected = std::get_if<Rejected>(&*disposition->state)) shorten(rejected->error);
  if (auto* modified = std::get_if<Modified>(&*disposition->state)) modified->message_annotations.clear();
  return true;
}

}  // namespace

void Wire::write_header(ProtocolHeader header) { push_copy(header.encode(), output_); }

void Wire::write_sasl(const Performative& performative) {
  encode(0, Frame::kSasl, performative);
  push_copy(scratch_, output_);
}

void Wire::write_open(const Open& open) {
  VAN_ASSERT(!open_written_);
  encode(0, Frame::kAmqp, open);
  push_copy(scratch_, output_);
  open_written_ = true;
  output_.append(std::move(held_));
}

void Wire::write_empty() { push_copy(kEmptyFrame, output_); }

bool Wire::try_write(std::uint16_t channel, const Performative& performative) {
  flush_disposition();
  if (!encode(channel, Frame::kAmqp, performative)) return false;
  push_copy(scratch_, open_written_ ? output_ : held_);
  return true;
}

void Wire::write(std::uint16_t channel, Performative performative) {
  if (try_write(channel, performative)) return;
  if (shorten(performative) && try_write(channel, performative)) return;
  overflowed_ = true;
}

void Wire::write(std::uint16_t channel, Disposition disposition) {
  if (extend_disposition(channel, disposition)) return;
  if (!is_short(disposition.state)) return write(channel, Performative{std::move(disposition)});
  flush_disposition();
  collected_ = Collected{channel, std::move(disposition)};
}

bool Wire::extend_disposition(std::uint16_t channel, const Disposition& disposition) {
  if (!collected_ || collected_->channel != channel) return false;
  Disposition& all = collected_->disposition;
  const std::uint32_t last = all.last.value_or(all.first);
  if (disposition.first != last + 1 || disposition.role != all.role || disposition.settled != all.settled || disposition.state != all.state) return false;
  all.last = disposition.first;
  return true;
}

void Wire::flush_disposition() {
  if (!collected_) return;
  Collected all = *std::exchange(collected_, std::nullopt);
  write(all.channel, Performative{std::move(all.disposition)});
}

std::size_t Wire::transfer_room(std::uint16_t channel, const Transfer& transfer) const {
  std::array<std::uint8_t, kTransferHeaderMax> header;
  return max_frame_size_ - encode_transfer_header(header, channel, transfer, 0);
}

void Wire::write_transfer(std::uint16_t channel, const Transfer& transfer, SliceQueue& payload, std::size_t count) {
  const std::size_t together = count <= kTogetherBytes ? count : 0;
  const auto space = headers_.space(kTransferHeaderMax + together);
  const std::size_t header = encode_transfer_header(space, channel, transfer, count);
  VAN_ASSERT(open_written_ && header + count <= max_frame_size_ && count <= payload.bytes());
  payload.copy_front(space.subspan(header, together));
  payload.consume(together);
  output_.push(headers_.commit(header + together));
  count -= together;
  while (count > 0) {
    Slice slice = payload.pop(count);
    count -= slice.size();
    output_.push(std::move(slice));
  }
  last_write_ = now_;
}

/// Into scratch_: a member, so that frames need no memory of their own.
bool Wire::encode(std::uint16_t channel, std::uint8_t type, const Performative& performative) {
  scratch_.assign(kFrameHeaderBytes, 0);
  encode_performative(performative, scratch_);
  const std::size_t size = scratch_.size();
  for (std::size_t i = 0; i < 4; ++i) scratch_[i] = static_cast<std::uint8_t>(size >> (24 - 8 * i));
  scratch_[4] = kFrameHeaderBytes / 4;
  scratch_[5] = type;
  scratch_[6] = static_cast<std::uint8_t>(channel >> 8);
  scratch_[7] = static_cast<std::uint8_t>(channel);
  return size <= max_frame_size_;
}

void Wire::push_copy(ByteView bytes, SliceQueue& to) {
  std::copy(bytes.begin(), bytes.end(), headers_.space(bytes.size()).begin());
  to.push(headers_.commit(bytes.size()));
  last_write_ = now_;
}

}  // namespace van::amqp
