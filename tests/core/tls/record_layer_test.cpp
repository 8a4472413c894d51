#include "core/tls/record_layer.h"

#include <algorithm>
#include <functional>

#include "core/base/random.h"
#include "tests/support/catch.h"
#include "tests/support/hex_vector.h"

using namespace van;
using tls::Aead;
using tls::RecordLayer;
using tls::TrafficKeys;
using test::from_hex;

namespace {

// From tls-records, "Tests": master secret 00..2f, server random a0..bf, client random c0..df.
constexpr const char* kGcmBlock = "a1d1fbca355cb5a2d8680e6b8b3e13ab91db998b1fcfc8be3daaf4de6998d246bdfa166acc316321";
constexpr const char* kChachaBlock =
    "a1d1fbca355cb5a2d8680e6b8b3e13ab91db998b1fcfc8be3daaf4de6998d246bdfa166acc316321ee7040c6d2be59f950344117034eb8f38014cf6ed4f7aa9210bfd07e78b3"
    "a6e6760bc62afcfa803c154a3c77b48a8360";

TrafficKeys keys_of(Aead::Kind kind) {
  if (kind == Aead::Kind::chacha20_poly1305) return TrafficKeys::from_block(kind, from_hex(kChachaBlock));
  if (kind == Aead::Kind::aes_128_gcm) return TrafficKeys::from_block(kind, from_hex(kGcmBlock));
  return TrafficKeys::from_block(kind, ByteView{from_hex(kChachaBlock)}.first(72));
}

struct Ends {
  explicit Ends(Aead::Kind kind = Aead::Kind::aes_128_gcm, std::size_t plaintext_max = RecordLayer::kPlaintextMax)
      : client{RecordLayer::create(keys_of(kind), false, plaintext_max)}, server{RecordLayer::create(keys_of(kind), true, plaintext_max)} {
    REQUIRE(client);
    REQUIRE(server);
  }

  /// One record of the client's.
  Bytes record(ByteView text) {
    SliceQueue plaintext, out;
    plaintext.push_copy(text);
    REQUIRE(client->seal(plaintext, out, SIZE_MAX));
    return out.peek(out.bytes());
  }
  /// What the server makes of these octets.
  RecordLayer::Opened open(ByteView octets) {
    SliceQueue in;
    in.push_copy(octets);
    return server->open(in, answer);
  }

  std::unique_ptr<RecordLayer> client, server;
  SliceQueue answer;
};

Bytes text_of(const RecordLayer::Opened& opened) {
  const auto* text = std::get_if<Slice>(&opened);
  REQUIRE(text != nullptr);
  return Bytes{text->view().begin(), text->view().end()};
}

/// The alert that the server sent, as the client reads it.
std::uint8_t alert_of(Ends& ends) {
  const auto read = ends.client->open(ends.answer, ends.answer);
  const auto* failed = std::get_if<RecordLayer::Failed>(&read);
  REQUIRE(failed != nullptr);
  CHECK(failed->by_peer);
  return failed->alert;
}

Bytes pattern(std::size_t count, std::uint64_t seed = 1) {
  Rng rng{seed};
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  return bytes;
}

}  // namespace

TEST_CASE("records are those of two other implementations", "[tls][records]") {
  SECTION("AES-128-GCM") {
    Ends ends;
    CHECK(ends.record(as_bytes("site-to-site")) == from_hex("17030300240000000000000001049bee33e4db4b5d1c9225bfd87124067a516c985f2d5b098bbc5ee4"));
    SliceQueue out;
    ends.client->close_notify(out);
    CHECK(out.peek(out.bytes()) == from_hex("150303001a00000000000000029c0c1361d3413dde50eca511f182c1a310d7"));
  }
  SECTION("ChaCha20-Poly1305") {
    Ends ends{Aead::Kind::chacha20_poly1305};
    CHECK(ends.record(as_bytes("site-to-site")) == from_hex("170303001c429c7802caa20ca102073591f94d4ff444c811a7a38119444c8722d5"));
  }
}

TEST_CASE("any cut of text and records gives the text again", "[tls][records]") {
  const auto kind = GENERATE(Aead::Kind::aes_128_gcm, Aead::Kind::aes_256_gcm, Aead::Kind::chacha20_poly1305);
  const std::uint64_t seed = GENERATE(range<std::uint64_t>(1, 9));
  CAPTURE(static_cast<int>(kind), seed);
  Rng rng{seed};
  const std::size_t plaintext_max = seed % 2 == 0 ? RecordLayer::kPlaintextMax : 1024;
  Ends ends{kind, plaintext_max};
  const Bytes text = pattern(100'000, seed);
  SliceQueue plaintext, records;
  for (std::size_t done = 0; done < text.size();) {
    const std::size_t count = std::min<std::size_t>(1 + rng.below(seed < 3 ? 40 : 30'000), text.size() - done);
    plaintext.push_copy(ByteView{text}.subspan(done, count));
    done += count;
    REQUIRE(ends.client->seal(plaintext, records, SIZE_MAX));
  }
  Bytes received;
  SliceQueue in;
  while (!records.empty()) {
    const Slice part = records.pop(1 + rng.below(seed < 5 ? 50 : 40'000));
    in.push_copy(part.view());
    for (;;) {
      const auto opened = ends.server->open(in, ends.answer);
      if (std::holds_alternative<RecordLayer::Incomplete>(opened)) break;
      const Bytes more = text_of(opened);
      CHECK(more.size() <= plaintext_max);
      append(received, more);
    }
  }
  CHECK(in.empty());
  CHECK(received == text);
  CHECK(ends.answer.empty());
  CHECK(ends.client->sealed() == ends.server->opened());
}

TEST_CASE("a record in one slice is opened where it is", "[tls][records]") {
  Ends ends;
  SliceQueue in;
  const Slice record = Slice::copy_of(ends.record(as_bytes("in place")));
  const std::uint8_t* at = record.data();
  in.push(record);
  const auto opened = ends.server->open(in, ends.answer);
  REQUIRE(std::holds_alternative<Slice>(opened));
  CHECK(std::get<Slice>(opened).data() == at + 13);
}

TEST_CASE("sealing stops at the limit", "[tls][records]") {
  Ends ends;
  SliceQueue plaintext, out;
  plaintext.push_copy(pattern(200'000));
  REQUIRE(ends.client->seal(plaintext, out, 50'000));
  CHECK(out.bytes() >= 50'000);
  CHECK(out.bytes() < 50'000 + 16'500);
  CHECK(plaintext.bytes() > 100'000);
}

TEST_CASE("nothing of a record that was changed is given out, and the peer is told", "[tls][records]") {
  struct Fault {
    const char* what;
    std::function<void(Bytes&)> change;
    std::uint8_t alert;
  };
  const Fault fault = GENERATE(values<Fault>({
      {"explicit nonce", [](Bytes& r) { r[6] ^= 1; }, 20},
      {"text", [](Bytes& r) { r[14] ^= 0x80; }, 20},
      {"tag", [](Bytes& r) { r.back() ^= 1; }, 20},
      {"type", [](Bytes& r) { r[0] = 22; }, 20},
      {"unknown type", [](Bytes& r) { r[0] = 24; }, 10},
      {"version", [](Bytes& r) { r[2] = 4; }, 70},
      {"one octet less", [](Bytes& r) { r[4] -= 1; }, 20},
      {"less than the overhead", [](Bytes& r) { r[3] = 0, r[4] = 7; }, 20},
      {"no octets", [](Bytes& r) { r[3] = r[4] = 0; }, 20},
      {"too long", [](Bytes& r) { r[3] = 16'409 >> 8, r[4] = 16'409 & 0xFF; }, 22},
  }));
  CAPTURE(fault.what);
  Ends ends;
  text_of(ends.open(ends.record(as_bytes("before"))));
  Bytes record = ends.record(as_bytes("the record"));
  fault.change(record);
  Bytes octets = record;
  append(octets, ends.record(as_bytes("behind it")));
  SliceQueue in;
  in.push_copy(octets);
  const auto opened = ends.server->open(in, ends.answer);
  REQUIRE(std::holds_alternative<RecordLayer::Failed>(opened));
  CHECK(std::get<RecordLayer::Failed>(opened).alert == fault.alert);
  CHECK(std::holds_alternative<RecordLayer::Incomplete>(ends.server->open(in, ends.answer)));  // it is over
  SliceQueue more;
  more.push_copy(as_bytes("x"));
  CHECK_FALSE(ends.server->seal(more, ends.answer, SIZE_MAX));
  CHECK(alert_of(ends) == fault.alert);
  CHECK(ends.answer.empty());  // one alert, and nothing behind it
}

TEST_CASE("records that come twice, not at all or in another order are not opened", "[tls][records]") {
  Ends ends;
  const Bytes first = ends.record(as_bytes("first")), second = ends.record(as_bytes("second"));
  SECTION("twice") {
    text_of(ends.open(first));
    CHECK(std::holds_alternative<RecordLayer::Failed>(ends.open(first)));
  }
  SECTION("not at all") { CHECK(std::holds_alternative<RecordLayer::Failed>(ends.open(second))); }
  SECTION("cut") { CHECK(std::holds_alternative<RecordLayer::Incomplete>(ends.open(ByteView{first}.first(first.size() - 1)))); }
}

TEST_CASE("an empty record is read over, a flood of them ends the connection", "[tls][records]") {
  Ends ends;
  // Ours are never empty: one that OpenSSL made, with the client's key, nonce 1 and no text, would be this.
  auto sealing = Aead::create(Aead::Kind::aes_128_gcm, Aead::Direction::seal, ByteView{from_hex(kGcmBlock)}.first(16));
  REQUIRE(sealing);
  const auto empty = [&](std::uint8_t sequence, std::uint8_t type, Bytes text = {}) {
    Bytes record{type, 3, 3, 0, static_cast<std::uint8_t>(24 + text.size()), 0, 0, 0, 0, 0, 0, 0, sequence};
    Bytes iv = from_hex("bdfa166a");
    append(iv, ByteView{record}.subspan(5, 8));
    const Bytes aad{0, 0, 0, 0, 0, 0, 0, sequence, type, 3, 3, 0, static_cast<std::uint8_t>(text.size())};
    Bytes sealed(text.size());
    std::array<std::uint8_t, 16> tag{};
    REQUIRE(sealing->begin(Aead::Iv{iv.data(), 12}, aad));
    REQUIRE(sealing->update(text, sealed.data()));
    REQUIRE(sealing->end(tag));
    append(record, sealed);
    append(record, tag);
    return record;
  };
  SECTION("empty") {
    std::uint8_t sequence = 1;
    for (; sequence <= 16; ++sequence) CHECK(std::holds_alternative<RecordLayer::Incomplete>(ends.open(empty(sequence, 23))));
    CHECK(text_of(ends.open(empty(sequence++, 23, {65}))) == Bytes{65});
    for (int i = 0; i < 16; ++i) CHECK(std::holds_alternative<RecordLayer::Incomplete>(ends.open(empty(sequence++, 23))));
    CHECK(std::holds_alternative<RecordLayer::Failed>(ends.open(empty(sequence, 23))));
    CHECK(alert_of(ends) == 10);
  }
  SECTION("a wish to renegotiate is declined once") {
    const Bytes hello_request{0, 0, 0, 0};
    CHECK(std::holds_alternative<RecordLayer::Incomplete>(ends.open(empty(1, 22, hello_request))));
    CHECK(ends.answer.bytes() == 5 + 24 + 2);
    CHECK(std::holds_alternative<RecordLayer::Failed>(ends.open(empty(2, 22, hello_request))));
  }
  SECTION("a cipher is not changed") { CHECK(std::holds_alternative<RecordLayer::Failed>(ends.open(empty(1, 20, {1})))); }
  SECTION("warnings are read over, but not for ever") {
    for (std::uint8_t i = 1; i <= 4; ++i) CHECK(std::holds_alternative<RecordLayer::Incomplete>(ends.open(empty(i, 21, {1, 90}))));
    CHECK(std::holds_alternative<RecordLayer::Failed>(ends.open(empty(5, 21, {1, 90}))));
  }
  SECTION("a fatal alert is told and not answered") {
    const auto opened = ends.open(empty(1, 21, {2, 48}));
    REQUIRE(std::holds_alternative<RecordLayer::Failed>(opened));
    CHECK(std::get<RecordLayer::Failed>(opened).by_peer);
    CHECK(std::get<RecordLayer::Failed>(opened).alert == 48);
    CHECK(ends.answer.empty());
  }
  SECTION("an alert of another length") {
    CHECK(std::holds_alternative<RecordLayer::Failed>(ends.open(empty(1, 21, {1}))));
    CHECK(alert_of(ends) == 50);
  }
  SECTION("close_notify") {
    CHECK(std::holds_alternative<RecordLayer::Closed>(ends.open(empty(1, 21, {1, 0}))));
    CHECK(ends.answer.empty());
  }
}

TEST_CASE("the kind of a suite is in its name", "[tls][records]") {
  CHECK(TrafficKeys::kind_of("TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256") == Aead::Kind::aes_128_gcm);
  CHECK(TrafficKeys::kind_of("TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384") == Aead::Kind::aes_256_gcm);
  CHECK(TrafficKeys::kind_of("TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256") == Aead::Kind::chacha20_poly1305);
  CHECK_FALSE(TrafficKeys::kind_of("TLS-ECDHE-ECDSA-WITH-AES-128-CCM"));
}
