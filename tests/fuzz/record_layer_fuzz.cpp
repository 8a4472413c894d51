// The first octet seeds the cuts. The second says what the rest is: records as they come (even), or a script of records to
// seal with the peer's key: type, length, text (odd), so that what is inside is read too. Never more text comes out than octets
// went in, none after the end, and one alert at most is said.
#include <algorithm>
#include <array>

#include "core/base/assert.h"
#include "core/base/random.h"
#include "core/tls/record_layer.h"

namespace van::tls {
namespace {

TrafficKeys keys() {
  Bytes block(TrafficKeys::block_bytes(Aead::Kind::aes_128_gcm));
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::uint8_t>(i);
  return TrafficKeys::from_block(Aead::Kind::aes_128_gcm, block);
}

Bytes sealed(ByteView script) {
  const TrafficKeys traffic_keys = keys();
  auto aead = Aead::create(Aead::Kind::aes_128_gcm, Aead::Direction::seal, ByteView{traffic_keys.client.key}.first(16));
  VAN_ASSERT(aead.has_value());
  Bytes records;
  for (std::uint8_t sequence = 1; script.size() >= 2 && sequence < 255; ++sequence) {
    const std::uint8_t type = script[0];
    const ByteView text = script.subspan(2, std::min<std::size_t>(script[1], script.size() - 2));
    script = script.subspan(2 + text.size());
    const auto count = static_cast<std::uint8_t>(text.size());
    const Bytes aad{0, 0, 0, 0, 0, 0, 0, sequence, type, 3, 3, 0, count};
    std::array<std::uint8_t, kAeadIvBytes> iv{};
    std::copy_n(traffic_keys.client.iv.begin(), 4, iv.begin());
    iv.back() = sequence;
    Bytes body(text.size());
    std::array<std::uint8_t, kAeadTagBytes> tag{};
    VAN_ASSERT(aead->begin(iv, aad) && aead->update(text, body.data()) && aead->end(tag));
    const std::size_t length = text.size() + 24;
    append(records, Bytes{type, 3, 3, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)});
    append(records, ByteView{iv}.subspan(4));
    append(records, body);
    append(records, tag);
  }
  return records;
}

struct Outcome {
  Bytes text;
  Bytes answer;
  bool failed = false, closed = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome open(ByteView octets, std::uint64_t seed, std::size_t piece_max) {
  const auto records = RecordLayer::create(keys(), true, RecordLayer::kPlaintextMax);
  VAN_ASSERT(records != nullptr);
  Rng rng{seed};
  Outcome outcome;
  SliceQueue in, answer;
  while (!octets.empty() && !outcome.closed) {
    const std::size_t count = std::min<std::size_t>(octets.size(), 1 + rng.below(piece_max));
    in.push_copy(octets.first(count));
    octets = octets.subspan(count);
    for (bool more = true; more && !outcome.closed;) {
      const auto opened = records->open(in, answer);
      more = false;
      if (const auto* text = std::get_if<Slice>(&opened)) {
        VAN_ASSERT(!outcome.failed && !text->empty());
        append(outcome.text, text->view());
        more = true;
      }
      if (std::holds_alternative<RecordLayer::Failed>(opened)) outcome.failed = true;
      if (std::holds_alternative<RecordLayer::Closed>(opened)) outcome.closed = true;
    }
  }
  outcome.answer = answer.peek(answer.bytes());
  return outcome;
}

void check(std::uint8_t seed, bool script, ByteView input) {
  const Bytes records = script ? sealed(input) : Bytes{};
  const ByteView octets = script ? ByteView{records} : input;
  const Outcome whole = open(octets, 0, octets.size() + 1);
  VAN_ASSERT(whole.text.size() <= octets.size());
  VAN_ASSERT(whole.answer.size() <= 2 * 31);  // a refusal to renegotiate, an alert
  VAN_ASSERT(open(octets, seed, 16) == whole);
  VAN_ASSERT(open(octets, seed, 1) == whole);
}

}  // namespace
}  // namespace van::tls

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1) van::tls::check(data[0], data[1] % 2 == 1, {data + 2, size - 2});
  return 0;
}
