#include "core/amqp/frame_decoder.h"

#include "core/base/random.h"
#include "tests/support/catch.h"
#include "tests/support/hex_vector.h"

namespace van::amqp {
namespace {

using van::test::from_hex;

constexpr std::uint32_t kMaxFrame = 512;

/// What came out of a decoder: frames as (type, channel, body), and the error that ended them.
struct Outcome {
  struct Entry {
    std::uint8_t type;
    std::uint16_t channel;
    Bytes body;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::vector<Entry> frames;
  std::string error;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Takes all frames that are there; false after an error.
bool drain(FrameDecoder& decoder, Outcome& outcome) {
  for (;;) {
    auto frame = decoder.next();
    if (!frame) {
      outcome.error = frame.error().condition;
      return false;
    }
    if (!*frame) return true;
    outcome.frames.push_back({(*frame)->type, (*frame)->channel, to_bytes((*frame)->body.view())});
  }
}

Outcome decoded(ByteView bytes, const std::vector<std::size_t>& cuts) {
  FrameDecoder decoder{kMaxFrame};
  Outcome outcome;
  std::size_t start = 0;
  for (const std::size_t cut : cuts) {
    decoder.push(Slice::copy_of(bytes.subspan(start, cut - start)));
    start = cut;
    if (!drain(decoder, outcome)) return outcome;
  }
  decoder.push(Slice::copy_of(bytes.subspan(start)));
  drain(decoder, outcome);
  return outcome;
}

Bytes frame(std::uint16_t channel, std::size_t body_size, std::size_t extended_words = 0) {
  const std::size_t body_start = 8 + 4 * extended_words;
  const std::size_t size = body_start + body_size;
  Bytes bytes(size, 0xEE);
  bytes[0] = bytes[1] = 0;
  bytes[2] = static_cast<std::uint8_t>(size >> 8);
  bytes[3] = static_cast<std::uint8_t>(size);
  bytes[4] = static_cast<std::uint8_t>(body_start / 4);
  bytes[5] = Frame::kAmqp;
  bytes[6] = static_cast<std::uint8_t>(channel >> 8);
  bytes[7] = static_cast<std::uint8_t>(channel);
  for (std::size_t i = 0; i < body_size; ++i) bytes[body_start + i] = static_cast<std::uint8_t>(i + channel);
  return bytes;
}

Bytes sample_stream() {
  Bytes stream = frame(1, 10);
  append(stream, frame(2, 0));         // keeps a connection alive (§2.4.5)
  append(stream, frame(0x1234, 504));  // just the limit
  append(stream, frame(3, 20, 2));     // extended header, to be ignored (§2.3.1)
  append(stream, frame(4, 1));
  return stream;
}

TEST_CASE("frames come out with type, channel and body (§2.3.1)", "[amqp][frame_decoder]") {
  const Outcome outcome = decoded(sample_stream(), {});
  REQUIRE(outcome.frames.size() == 5);
  CHECK(outcome.error.empty());
  CHECK(outcome.frames[0].channel == 1);
  CHECK(outcome.frames[0].body.size() == 10);
  CHECK(outcome.frames[1].body.empty());
  CHECK(outcome.frames[2].channel == 0x1234);
  const Bytes plain = frame(3, 20);
  CHECK(outcome.frames[3].body == Bytes(plain.begin() + 8, plain.end()));
}

TEST_CASE("any split of the stream gives the same frames", "[amqp][frame_decoder]") {
  const Bytes stream = sample_stream();
  const Outcome whole = decoded(stream, {});
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    CAPTURE(cut);
    REQUIRE(decoded(stream, {cut}) == whole);
  }
  Rng rng{3};
  for (int round = 0; round < 200; ++round) {
    std::vector<std::size_t> cuts;
    for (std::size_t at = 1 + rng.below(30); at < stream.size(); at += 1 + rng.below(30)) cuts.push_back(at);
    REQUIRE(decoded(stream, cuts) == whole);
  }
}

TEST_CASE("a frame inside one slice shares its bytes", "[amqp][frame_decoder]") {
  const Slice input = Slice::copy_of(sample_stream());
  FrameDecoder decoder{kMaxFrame};
  decoder.push(input);
  const auto first = decoder.next().value();
  REQUIRE(first);
  CHECK(first->body.data() == input.data() + 8);
}

TEST_CASE("a frame that spans slices is one run of bytes", "[amqp][frame_decoder]") {
  const Bytes bytes = frame(1, 100);
  FrameDecoder decoder{kMaxFrame};
  decoder.push(Slice::copy_of(ByteView{bytes}.first(50)));
  CHECK_FALSE(decoder.next().value());
  CHECK(decoder.buffered_bytes() == 50);
  decoder.push(Slice::copy_of(ByteView{bytes}.subspan(50)));
  const auto whole = decoder.next().value();
  REQUIRE(whole);
  CHECK(to_bytes(whole->body.view()) == Bytes(bytes.begin() + 8, bytes.end()));
  CHECK(decoder.buffered_bytes() == 0);
}

TEST_CASE("a wrong frame header is refused before the body has come (§2.3.1)", "[amqp][frame_decoder]") {
  const char* header =
      GENERATE("00000007 02 00 0000", "00000000 02 00 0000", "00000201 02 00 0000", "ffffffff 02 00 0000",
               "00000010 01 00 0000", "00000010 00 00 0000", "00000010 05 00 0000");
  CAPTURE(header);
  const Outcome outcome = decoded(from_hex(header), {});
  CHECK(outcome.error == condition::framing_error);
  CHECK(outcome.frames.empty());
}

TEST_CASE("the frame limit can be raised between frames (§5.3.1)", "[amqp][frame_decoder]") {
  FrameDecoder decoder{512};
  decoder.set_max_frame_bytes(1024);
  decoder.push(Slice::copy_of(frame(1, 1016)));
  CHECK(decoder.next().value());
}

TEST_CASE("a protocol header is taken in any split (§2.2)", "[amqp][frame_decoder]") {
  Bytes stream = from_hex("41 4d 51 50 03 01 00 00");
  append(stream, frame(1, 3));
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameDecoder decoder{kMaxFrame};
    decoder.push(Slice::copy_of(ByteView{stream}.first(cut)));
    auto header = decoder.next_header();
    REQUIRE(header);
    CHECK(header->has_value() == (cut >= ProtocolHeader::kSize));
    decoder.push(Slice::copy_of(ByteView{stream}.subspan(cut)));
    if (!*header) header = decoder.next_header();
    REQUIRE(header);
    CHECK(*header == kSaslHeader);
    CHECK(decoder.next().value());
  }
}

TEST_CASE("what is no protocol header is refused with its first wrong byte", "[amqp][frame_decoder]") {
  const char* text = GENERATE("G", "AMQX", "AG", "HTTP/1.1 200 OK");
  FrameDecoder decoder{kMaxFrame};
  decoder.push(Slice::copy_of(as_bytes(text)));
  const auto header = decoder.next_header();
  REQUIRE_FALSE(header);
  CHECK(header.error().condition == condition::framing_error);
}

TEST_CASE("protocol headers are written as they are read", "[amqp][frame_decoder]") {
  CHECK(to_bytes(kAmqpHeader.encode()) == from_hex("41 4d 51 50 00 01 00 00"));
  CHECK(to_bytes(kSaslHeader.encode()) == from_hex("41 4d 51 50 03 01 00 00"));
}

}  // namespace
}  // namespace van::amqp
