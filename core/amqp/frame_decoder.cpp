#include "core/amqp/frame_decoder.h"

#include <algorithm>

#include "core/amqp/decoder.h"
#include "core/base/assert.h"

namespace van::amqp {
namespace {

constexpr std::uint32_t kHeaderBytes = 8;  // §2.3.1: SIZE, DOFF, TYPE, channel

}  // namespace

std::array<std::uint8_t, ProtocolHeader::kSize> ProtocolHeader::encode() const {
  return {'A', 'M', 'Q', 'P', id, major, minor, revision};
}

FrameDecoder::FrameDecoder(std::uint32_t max_frame_bytes) : max_frame_bytes_{max_frame_bytes} {
  VAN_ASSERT(max_frame_bytes >= 512);
}

void FrameDecoder::set_max_frame_bytes(std::uint32_t max_frame_bytes) {
  VAN_ASSERT(max_frame_bytes >= 512);
  max_frame_bytes_ = max_frame_bytes;
}

void FrameDecoder::push(Slice bytes) { input_.push(std::move(bytes)); }

Result<std::optional<ProtocolHeader>> FrameDecoder::next_header() {
  static constexpr std::string_view kName = "AMQP";
  const Bytes bytes = input_.peek(ProtocolHeader::kSize);
  const std::size_t named = std::min(bytes.size(), kName.size());
  if (as_text(ByteView{bytes}.first(named)) != kName.substr(0, named)) {
    return failure(condition::framing_error, "no AMQP protocol header");
  }
  if (bytes.size() < ProtocolHeader::kSize) return std::optional<ProtocolHeader>{};
  input_.consume(ProtocolHeader::kSize);
  return std::optional{ProtocolHeader{bytes[4], bytes[5], bytes[6], bytes[7]}};
}

Result<std::optional<Frame>> FrameDecoder::next() {
  if (input_.bytes() < kHeaderBytes) return std::optional<Frame>{};
  std::array<std::uint8_t, kHeaderBytes> copy;
  const Slice& front = input_.slices().front();
  if (front.size() < kHeaderBytes) input_.copy_front(copy);
  Reader header{front.size() < kHeaderBytes ? ByteView{copy} : front.view()};
  const std::uint32_t size = header.u32();
  const std::uint32_t body_start = header.u8() * 4u;  // DOFF counts 4-byte words
  const std::uint8_t type = header.u8();
  const std::uint16_t channel = header.u16();

  // Judge the header before waiting for the body: a peer must not make us buffer what we would refuse.
  if (size < kHeaderBytes || size > max_frame_bytes_) {
    return failure(condition::framing_error, "frame size " + std::to_string(size) + " out of range");
  }
  if (body_start < kHeaderBytes || body_start > size) {
    return failure(condition::framing_error, "data offset outside the frame");
  }
  if (input_.bytes() < size) return std::optional<Frame>{};

  Slice frame = take(size);
  frame.remove_prefix(body_start);
  return std::optional{Frame{type, channel, std::move(frame)}};
}

/// Takes `count` octets off the input: shares the block they lie in, or copies them together.
Slice FrameDecoder::take(std::size_t count) {
  if (input_.slices().front().size() >= count) return input_.pop(count);
  Slice whole = Slice::copy_of(input_.peek(count));
  input_.consume(count);
  return whole;
}

}  // namespace van::amqp
