// The first octet seeds the cuts, the rest is the stream. Any split gives the same frames and the same end;
// performatives in them survive being encoded and decoded.
#include <algorithm>
#include <string>
#include <vector>

#include "core/amqp/frame_decoder.h"
#include "core/amqp/performatives.h"
#include "core/base/assert.h"
#include "core/base/random.h"

namespace van::amqp {
namespace {

struct Entry {
  std::uint8_t type;
  std::uint16_t channel;
  Bytes body;
  friend bool operator==(const Entry&, const Entry&) = default;
};

struct Outcome {
  bool has_header = false;
  std::vector<Entry> frames;
  std::string error;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Takes what is there; false after an error.
bool drain(FrameDecoder& decoder, Outcome& outcome) {
  if (!outcome.has_header) {
    const auto header = decoder.next_header();
    if (!header) outcome.error = header.error().description;
    if (!header || !*header) return header.has_value();
    outcome.has_header = true;
  }
  for (;;) {
    const auto frame = decoder.next();
    if (!frame) outcome.error = frame.error().description;
    if (!frame || !*frame) return frame.has_value();
    outcome.frames.push_back({(*frame)->type, (*frame)->channel, to_bytes((*frame)->body.view())});
  }
}

Outcome decode(ByteView stream, std::uint64_t seed, std::size_t piece_max) {
  Rng rng{seed};
  FrameDecoder decoder{4096};
  Outcome outcome;
  while (!stream.empty()) {
    const std::size_t count = std::min<std::size_t>(stream.size(), 1 + rng.below(piece_max));
    decoder.push(Slice::copy_of(stream.first(count)));
    stream = stream.subspan(count);
    if (!drain(decoder, outcome)) break;
  }
  return outcome;
}

void check_performative(ByteView body) {
  auto first = decode_performative(body);
  if (!first) return;
  VAN_ASSERT(first->bytes <= body.size());
  if (auto* attach = std::get_if<Attach>(&first->performative)) attach->other_target.reset();
  Bytes encoded;
  encode_performative(first->performative, encoded);
  const auto second = decode_performative(encoded);
  VAN_ASSERT(second && second->bytes == encoded.size() && second->performative == first->performative);
}

void check(std::uint8_t seed, ByteView stream) {
  const Outcome whole = decode(stream, 0, stream.size() + 1);
  VAN_ASSERT(decode(stream, seed, 16) == whole);
  VAN_ASSERT(decode(stream, seed, 1) == whole);
  for (const Entry& frame : whole.frames) check_performative(frame.body);
}

}  // namespace
}  // namespace van::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) van::amqp::check(data[0], {data + 1, size - 1});
  return 0;
}
