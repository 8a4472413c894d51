#include "core/amqp/performatives.h"

#include "core/amqp/encoder.h"
#include "tests/support/catch.h"
#include "tests/support/hex_vector.h"

namespace van::amqp {
namespace {

using van::test::from_hex;

Bytes encoded(const Performative& performative) {
  Bytes out;
  encode_performative(performative, out);
  return out;
}

Performative again(const Performative& performative) {
  const Bytes bytes = encoded(performative);
  auto result = decode_performative(bytes);
  REQUIRE(result);
  CHECK(result->bytes == bytes.size());
  return result->performative;
}

Performative decoded(std::uint64_t code, List fields) {
  auto result = decode_performative(encode_value(Described{{code, std::move(fields)}}));
  REQUIRE(result);
  return result->performative;
}

std::string condition_of(std::uint64_t code, List fields) {
  const auto result = decode_performative(encode_value(Described{{code, std::move(fields)}}));
  REQUIRE_FALSE(result);
  return result.error().condition;
}

constexpr std::uint32_t operator""_u(unsigned long long value) { return static_cast<std::uint32_t>(value); }

std::vector<Performative> samples() {
  const Error error{"amqp:not-found", "no such thing", {{Symbol{"k"}, 1}}};
  const Terminus plain{.address = "echo", .dynamic = false, .capabilities = {}};
  const Terminus rich{.address = std::nullopt, .dynamic = true, .capabilities = {"qd.router", "qd.more"}};
  const Terminus one{.address = std::nullopt, .dynamic = false, .capabilities = {"qd.router-data"}};
  Attach sender{.name = "l", .handle = 3, .source = one, .target = plain, .initial_delivery_count = 0};
  Attach receiver{.name = "qdlink.x",
                  .handle = 300,
                  .role = LinkRole::receiver,
                  .snd_settle_mode = SenderSettleMode::settled,
                  .rcv_settle_mode = ReceiverSettleMode::second,
                  .source = rich,
                  .target = std::nullopt,
                  .unsettled = {{Binary{1}, Value{}}},
                  .incomplete_unsettled = true,
                  .max_message_size = 1u << 20,
                  .offered_capabilities = {"a"},
                  .desired_capabilities = {"b", "c"},
                  .properties = {{Symbol{"k"}, "v"}}};
  return {
      Open{.container_id = "RA"},
      Open{.container_id = "",
           .hostname = "h",
           .max_frame_size = 16384,
           .channel_max = 32767,
           .idle_time_out = 8000,
           .outgoing_locales = {"en-US"},
           .incoming_locales = {"en-US", "de-DE"},
           .offered_capabilities = {"ANONYMOUS-RELAY"},
           .desired_capabilities = {"ANONYMOUS-RELAY", "qd.streaming-links"},
           .properties = {{Symbol{"product"}, "vanctl"}, {Symbol{"qd.annotations-version"}, 2}}},
      Begin{.next_outgoing_id = 0, .incoming_window = 8192, .outgoing_window = 0x7fffffff},
      Begin{.remote_channel = 5,
            .next_outgoing_id = 0xFFFFFFFF,
            .incoming_window = 1,
            .outgoing_window = 1,
            .handle_max = 0x7fffffff,
            .offered_capabilities = {"a"},
            .desired_capabilities = {"b"},
            .properties = {{Symbol{"k"}, 1}}},
      sender,
      receiver,
      Flow{.incoming_window = 100, .next_outgoing_id = 7, .outgoing_window = 9},
      Flow{.next_incoming_id = 1,
           .incoming_window = 100,
           .next_outgoing_id = 7,
           .outgoing_window = 9,
           .handle = 0,
           .delivery_count = 4,
           .link_credit = 250,
           .available = 1,
           .drain = true,
           .echo = true,
           .properties = {{Symbol{"k"}, 1}}},
      Transfer{.handle = 0},
      Transfer{.handle = 1, .more = true},
      Transfer{.handle = 7,
               .delivery_id = 0xFFFFFFFF,
               .delivery_tag = TagOctets::of(Bytes(32, 9)),
               .message_format = 0,
               .settled = false,
               .more = true,
               .rcv_settle_mode = ReceiverSettleMode::second,
               .state = DeliveryState{Received{1, 1u << 30}},
               .resume = true,
               .aborted = true,
               .batchable = true},
      Disposition{.role = LinkRole::receiver, .first = 1, .settled = true, .state = DeliveryState{Accepted{}}},
      Disposition{.role = LinkRole::sender, .first = 1, .last = 20, .batchable = true},
      Disposition{.role = LinkRole::receiver, .first = 1, .state = DeliveryState{Rejected{error}}},
      Detach{.handle = 3},
      Detach{.handle = 3, .closed = true, .error = error},
      End{},
      End{error},
      Close{},
      Close{error},
      SaslMechanisms{{"EXTERNAL"}},
      SaslMechanisms{{"EXTERNAL", "ANONYMOUS"}},
      SaslMechanisms{},
      SaslInit{"EXTERNAL", Binary{}, std::nullopt},
      SaslInit{"ANONYMOUS", std::nullopt, "host"},
      SaslChallenge{{1, 2}},
      SaslResponse{{}},
      SaslOutcome{SaslCode::ok, std::nullopt},
      SaslOutcome{SaslCode::sys_temp, Binary{1}},
  };
}

TEST_CASE("every performative survives being encoded and decoded", "[amqp][performatives]") {
  for (const Performative& sample : samples()) {
    CAPTURE(sample.index());
    CHECK(again(sample) == sample);
  }
}

TEST_CASE("a performative cut at any length is an error", "[amqp][performatives]") {
  for (const Performative& sample : samples()) {
    const Bytes bytes = encoded(sample);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      CAPTURE(sample.index(), length);
      CHECK_FALSE(decode_performative(ByteView{bytes}.first(length)));
    }
  }
}

TEST_CASE("a performative with one octet changed is decoded or refused", "[amqp][performatives]") {
  for (const Performative& sample : samples()) {
    const Bytes bytes = encoded(sample);
    for (std::size_t position = 0; position < bytes.size(); ++position) {
      for (int change = 1; change < 256; change += 3) {
        Bytes changed = bytes;
        changed[position] = static_cast<std::uint8_t>(changed[position] ^ change);
        const auto result = decode_performative(changed);
        if (result) {
          REQUIRE(result->bytes <= changed.size());
        } else {
          REQUIRE_FALSE(result.error().condition.empty());
        }
      }
    }
  }
}

TEST_CASE("defaults of the standard apply to what is absent (§2.7)", "[amqp][performatives]") {
  const auto open = std::get<Open>(decoded(0x10, {"id"}));
  CHECK(open.max_frame_size == 0xFFFFFFFF);
  CHECK(open.channel_max == 65535);
  CHECK_FALSE(open.idle_time_out);
  const auto begin = std::get<Begin>(decoded(0x11, {Value{}, 1_u, 2_u, 3_u}));
  CHECK(begin.handle_max == 0xFFFFFFFF);
  const auto attach = std::get<Attach>(decoded(0x12, {"name", 0_u, true}));
  CHECK(attach.snd_settle_mode == SenderSettleMode::mixed);
  CHECK(attach.rcv_settle_mode == ReceiverSettleMode::first);
  CHECK_FALSE(attach.source);
  CHECK_FALSE(attach.target);
}

TEST_CASE("fields unknown to the standard are ignored at the end of a list", "[amqp][performatives]") {
  CHECK(std::get<Detach>(decoded(0x16, {1_u, true, Value{}, "more", List{1}})).closed);
}

TEST_CASE("a missing mandatory field is a decode-error", "[amqp][performatives]") {
  CHECK(condition_of(0x10, {}) == condition::decode_error);
  CHECK(condition_of(0x10, {Value{}, "host"}) == condition::decode_error);
  CHECK(condition_of(0x11, {Value{}, 1_u, 2_u}) == condition::decode_error);
  CHECK(condition_of(0x12, {"name", 1_u}) == condition::decode_error);
  CHECK(condition_of(0x13, {Value{}, 1_u, 2_u}) == condition::decode_error);
  CHECK(condition_of(0x14, {}) == condition::decode_error);
  CHECK(condition_of(0x15, {true}) == condition::decode_error);
  CHECK(condition_of(0x16, {}) == condition::decode_error);
  CHECK(condition_of(0x41, {}) == condition::decode_error);
  CHECK(condition_of(0x42, {}) == condition::decode_error);
  CHECK(condition_of(0x43, {}) == condition::decode_error);
  CHECK(condition_of(0x44, {}) == condition::decode_error);
}

TEST_CASE("a field of a wrong type is a decode-error", "[amqp][performatives]") {
  CHECK(condition_of(0x10, {1_u}) == condition::decode_error);
  CHECK(condition_of(0x10, {"id", Value{}, std::uint64_t{1024}}) == condition::decode_error);
  CHECK(condition_of(0x10, {"id", Value{}, Value{}, Value{}, Value{}, Value{}, Value{}, Value{}, Value{}, List{}}) ==
        condition::decode_error);
  CHECK(condition_of(0x14, {1_u, Value{}, "tag"}) == condition::decode_error);
  CHECK(condition_of(0x15, {true, 1_u, Value{}, Value{}, "state"}) == condition::decode_error);
  CHECK(condition_of(0x17, {"error"}) == condition::decode_error);
  CHECK(condition_of(0x12, {"name", 1_u, true, Value{}, Value{}, "source"}) == condition::decode_error);
}

TEST_CASE("a value that the standard excludes is an invalid-field", "[amqp][performatives]") {
  CHECK(condition_of(0x10, {"id", Value{}, 511_u}) == condition::invalid_field);                         // §2.7.1
  CHECK(condition_of(0x12, {"name", 1_u, true, std::uint8_t{3}}) == condition::invalid_field);           // §2.8.2
  CHECK(condition_of(0x12, {"name", 1_u, true, Value{}, std::uint8_t{2}}) == condition::invalid_field);  // §2.8.3
  CHECK(condition_of(0x12, {"name", 1_u, false}) == condition::invalid_field);                           // §2.7.3
  CHECK(condition_of(0x14, {1_u, Value{}, Binary(33)}) == condition::invalid_field);                     // §2.8.7
  CHECK(condition_of(0x13, {Value{}, 1_u, 2_u, 3_u, Value{}, Value{}, 5_u}) == condition::invalid_field);
  CHECK(condition_of(0x44, {std::uint8_t{5}}) == condition::invalid_field);
  const Value numbered = Described{{std::uint64_t{0x28}, List{1_u}}};
  CHECK(condition_of(0x12, {"name", 1_u, true, Value{}, Value{}, numbered}) == condition::invalid_field);
}

TEST_CASE("an unknown performative is an error of its own", "[amqp][performatives]") {
  CHECK(condition_of(0x19, {}) == condition::not_implemented);
  CHECK(condition_of(0x70, {}) == condition::not_implemented);
}

TEST_CASE("a performative may be named by its symbol (§1.3.1)", "[amqp][performatives]") {
  const auto result = decode_performative(encode_value(Described{{Symbol{"amqp:end:list"}, List{}}}));
  REQUIRE(result);
  CHECK(std::holds_alternative<End>(result->performative));
}

TEST_CASE("a coordinator as target is reported, not taken for a target", "[amqp][performatives]") {
  const Value coordinator = Described{{std::uint64_t{0x30}, List{}}};
  const Value source = Described{{std::uint64_t{0x28}, List{}}};
  const auto attach = std::get<Attach>(
      decoded(0x12, {"name", 1_u, false, Value{}, Value{}, source, coordinator, Value{}, Value{}, 0_u}));
  CHECK(attach.source);
  CHECK_FALSE(attach.target);
  CHECK(attach.other_target == 0x30);
}

TEST_CASE("termini keep address and capabilities behind all the fields we do not use", "[amqp][performatives]") {
  const Array capabilities{0xA3, {Symbol{"a"}, Symbol{"b"}}, {}};
  const Value source =
      Described{{std::uint64_t{0x28},
                 List{"echo", 0_u, Symbol{"session-end"}, 0_u, false, Map{}, Symbol{"copy"}, Map{},
                      Described{{std::uint64_t{0x24}, List{}}}, Symbol{"amqp:accepted:list"}, capabilities}}};
  const Value target =
      Described{{std::uint64_t{0x29}, List{Symbol{"t"}, 0_u, Value{}, 0_u, true, Value{}, Symbol{"c"}}}};
  const auto attach = std::get<Attach>(decoded(0x12, {"name", 1_u, true, Value{}, Value{}, source, target}));
  CHECK(attach.source == Terminus{.address = "echo", .dynamic = false, .capabilities = {"a", "b"}});
  CHECK(attach.target == Terminus{.address = "t", .dynamic = true, .capabilities = {"c"}});
}

TEST_CASE("the payload of a transfer begins where the performative ends", "[amqp][performatives]") {
  Bytes body = encoded(Transfer{.handle = 1, .delivery_id = 5});
  const std::size_t start = body.size();
  append(body, as_bytes("payload"));
  const auto result = decode_performative(body);
  REQUIRE(result);
  CHECK(result->bytes == start);
}

TEST_CASE("frames carry the type of their performative (§2.3.2, §5.3.1)", "[amqp][performatives]") {
  CHECK(encode_frame(0x0102, End{}) == from_hex("0000000c 02 00 0102 00 53 17 45"));
  CHECK(encode_frame(7, SaslMechanisms{{"EXTERNAL"}}) ==
        from_hex("0000001b 02 01 0000 00 53 40 c0 0e 01 e0 0b 01 a3 08 45 58 54 45 52 4e 41 4c"));
  CHECK(encode_frame(7, SaslOutcome{}) == from_hex("00000010 02 01 0000 00 53 44 c0 03 01 50 00"));
}

TEST_CASE("the transfer header of the data path is the frame that the general encoder writes",
          "[amqp][performatives]") {
  for (const Performative& sample : samples()) {
    const auto* original = std::get_if<Transfer>(&sample);
    if (original == nullptr) continue;
    Transfer transfer = *original;
    transfer.state.reset();
    const Bytes payload(1000, 0x55);

    std::array<std::uint8_t, kTransferHeaderMax> header{};
    const std::size_t size = encode_transfer_header(header, 0x1234, transfer, payload.size());
    Bytes expected = encode_frame(0x1234, transfer);
    REQUIRE(size == expected.size());
    const std::size_t frame_size = size + payload.size();
    expected[2] = static_cast<std::uint8_t>(frame_size >> 8);
    expected[3] = static_cast<std::uint8_t>(frame_size);
    CHECK(Bytes(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(size)) == expected);
  }
}

}  // namespace
}  // namespace van::amqp
