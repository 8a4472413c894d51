#include "core/amqp/message.h"

#include "core/amqp/encoder.h"
#include "core/base/limits.h"
#include "tests/support/catch.h"
#include "tests/support/hex_vector.h"

namespace van::amqp {
namespace {

using van::test::from_hex;
using van::test::hex_vector;

Bytes section(std::uint64_t code, const Value& value) { return encode_value(Described{{code, value}}); }

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) append(all, part);
  return all;
}

MessageHeader header_of(ByteView bytes, bool only_annotations = false) {
  auto header = read_message_header(bytes, true, only_annotations);
  REQUIRE(header);
  REQUIRE(*header);
  return **header;
}

using Texts = amqp::TextEntries;

StreamHead head_of(ByteView bytes) {
  auto head = read_stream_head(bytes, true);
  REQUIRE(head);
  REQUIRE(*head);
  return **head;
}

std::string refusal_of_annotations(const Value& fields) {
  const auto header = read_message_header(section(kRouterAnnotations, fields), true, false);
  REQUIRE_FALSE(header);
  return header.error().condition;
}

TEST_CASE("a captured HELLO decodes (control-plane 3.8)", "[amqp][message]") {
  const auto message = decode_message(hex_vector("hello"));
  REQUIRE(message);
  REQUIRE(message->annotations);
  CHECK(*message->annotations == RouterAnnotations{.flags = 0, .ingress = "0/RA", .trace = {"0/RA"}});
  CHECK(message->header);
  CHECK(message->properties->to == "amqp:/_local/qdhello");
  CHECK(Value{message->application_properties}.find("opcode")->text() == "HELLO");
  REQUIRE(message->body);
  CHECK(*message->body ==
        Value{Map{{"id", "RA"}, {"pv", 1}, {"area", "0"}, {"instance", 0x6b039875}, {"seen", List{"RB", "X1"}}}});
}

TEST_CASE("a captured MAU decodes with its exact types (control-plane 3.8)", "[amqp][message]") {
  const auto message = decode_message(hex_vector("mau"));
  REQUIRE(message);
  CHECK(message->properties->to == "_topo/0/all/qdrouter.ma");
  REQUIRE(message->body);
  CHECK(*message->body == Value{Map{{Symbol{"id"}, "RA"},
                                    {Symbol{"pv"}, std::int64_t{2}},
                                    {Symbol{"area"}, "0"},
                                    {Symbol{"mobile_seq"}, std::int64_t{7}},
                                    {Symbol{"add"}, List{Value{List{"Mq.here", 3, 0}}}},
                                    {Symbol{"del"}, List{}}}});
}

TEST_CASE("captured messages survive being decoded and encoded", "[amqp][message]") {
  const std::string name = GENERATE("hello", "mau", "client_stream_header");
  const auto message = decode_message(hex_vector(name));
  REQUIRE(message);
  const Bytes bytes = encode_message(*message);
  CHECK(bytes.size() < hex_vector(name).size());
  const auto again = decode_message(bytes);
  REQUIRE(again);
  CHECK(*again == *message);
}

TEST_CASE("a captured client stream begins with its header (data-plane 2.1)", "[amqp][message]") {
  Bytes bytes = hex_vector("client_stream_header");
  const std::size_t header_bytes = bytes.size();
  append(bytes, as_bytes("GET / HTTP/1.1\r\n"));
  const StreamHead head = head_of(bytes);
  CHECK(head.bytes == header_bytes);
  const MessageHeader header = header_of(bytes);
  REQUIRE(header.annotations);
  CHECK(header.annotations->flags == (RouterAnnotations::kStreaming | RouterAnnotations::kNoHoldOff));
  CHECK(header.annotations->trace == std::vector<std::string>{"0/RB"});
  CHECK(head.properties.to == "echo");
  CHECK(head.properties.reply_to == "amqp:/_topo/0/RB/temp.WdysbjAaBHN+y5G");
  CHECK(head.properties.content_type == "application/octet-stream");
  CHECK(head.application_properties.empty());  // its V is a number
  const auto message = decode_message(hex_vector("client_stream_header"));
  REQUIRE(message);
  CHECK(message->properties->correlation_id == Value{"O7vwX:7"});
  CHECK(message->application_properties == Map{{"V", std::uint32_t{1}}});
}

TEST_CASE("message and stream headers cut at any length need more, never fail", "[amqp][message]") {
  const std::string name = GENERATE("hello", "mau", "client_stream_header");
  const Bytes bytes = hex_vector(name);
  const MessageHeader whole = header_of(bytes);
  bool known = false;
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    CAPTURE(name, length);
    const auto header = read_message_header(ByteView{bytes}.first(length), false, false);
    REQUIRE(header);
    if (*header) REQUIRE((*header)->to == whole.to);
    REQUIRE((*header || !known));  // known once, known with every longer prefix
    known = header->has_value();
    const auto head = read_stream_head(ByteView{bytes}.first(length), false);
    REQUIRE(head);
    REQUIRE(head->has_value() == (length == bytes.size()));
  }
  CHECK(known);
}

TEST_CASE("flags of annotations are known once these are whole, and are 0 where there are none", "[amqp][message]") {
  const Bytes bytes = hex_vector("client_stream_header");
  const MessageHeader header = header_of(bytes, true);
  REQUIRE(header.annotations);
  REQUIRE(header.annotations->flags != 0);
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    CHECK(annotation_flags(ByteView{bytes}.first(length)) == (length < header.annotations_bytes ? 0 : header.annotations->flags));
  }
  CHECK(annotation_flags(ByteView{bytes}.subspan(header.annotations_bytes)) == 0);
  CHECK(annotation_flags(as_bytes("GET / HTTP/1.1")) == 0);
}

TEST_CASE("only annotations are waited for when only they are asked for", "[amqp][message]") {
  const Bytes bytes = hex_vector("client_stream_header");
  const MessageHeader header = header_of(bytes, true);
  CHECK(header.annotations_bytes == 43);
  CHECK_FALSE(header.to);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto cut = read_message_header(ByteView{bytes}.first(length), false, true);
    REQUIRE(cut);
    CHECK(cut->has_value() == (length >= header.annotations_bytes));
  }
  const auto none = read_message_header(from_hex("00 53 73"), false, true);
  REQUIRE(none);
  REQUIRE(*none);
  CHECK_FALSE((*none)->annotations);
}

TEST_CASE("annotations are written in the long descriptor and as short as they can be", "[amqp][message]") {
  CHECK(encode_annotations({}) == from_hex("00 80 534b50522d2d5241 c0 05 04 43 40 40 45"));
  const RouterAnnotations full{5, "other", "0/A", {"0/A", "0/B"}, "meshmeshmeshmes"};
  const Bytes bytes = encode_annotations(full);
  CHECK(header_of(bytes).annotations == full);
  CHECK(header_of(bytes).annotations_bytes == bytes.size());
}

TEST_CASE("annotations against the reader's rules are an invalid-field (control-plane 4.3)", "[amqp][message]") {
  const std::uint32_t flags = 0;
  const Value null;
  const List trace{"0/A"};
  CHECK(header_of(section(kRouterAnnotations, List{flags, null, null, trace})).annotations);
  CHECK(header_of(section(kRouterAnnotations, List{flags, null, null, List{}, "mesh", "extra", 1})).annotations);
  CHECK(refusal_of_annotations(List{flags, null, null}) == condition::invalid_field);
  CHECK(refusal_of_annotations(List{}) == condition::invalid_field);
  CHECK(refusal_of_annotations(List{flags, null, null, null}) == condition::invalid_field);
  CHECK(refusal_of_annotations(List{flags, null, null, List{1}}) == condition::invalid_field);
  CHECK(refusal_of_annotations(List{flags, null, null, List{null}}) == condition::invalid_field);
  CHECK(refusal_of_annotations(List{flags, null, null, Array{0xA1, {"0/A"}, {}}}) == condition::invalid_field);
  CHECK(refusal_of_annotations(List{flags, null, null, trace, null}) == condition::invalid_field);
  CHECK(refusal_of_annotations(List{flags, null, 7, trace}) == condition::invalid_field);
  CHECK(refusal_of_annotations(Map{}) == condition::invalid_field);
}

TEST_CASE("sections before the properties are passed over", "[amqp][message]") {
  const Bytes bytes =
      joined({encode_annotations({.ingress = "0/A"}), section(0x70, List{true, std::uint8_t{6}}),
              section(0x71, Map{{Symbol{"x"}, 1}}), section(0x72, Map{{Symbol{"y"}, List{1, 2}}}),
              section(0x1234567, "unknown"), section(0x73, List{Value{}, Value{}, "to"}), section(0x75, Binary(5))});
  const MessageHeader header = header_of(bytes);
  CHECK(header.annotations->ingress == "0/A");
  CHECK(header.priority == 6);
  CHECK(header.to == "to");
}

TEST_CASE("a message without properties is known at its body", "[amqp][message]") {
  const auto header = read_message_header(from_hex("00 53 75 b0 00"), false, false);
  REQUIRE(header);
  REQUIRE(*header);
  CHECK_FALSE((*header)->to);
  CHECK_FALSE(header_of({}).annotations);
}

TEST_CASE("a message header that is none is refused", "[amqp][message]") {
  CHECK_FALSE(read_message_header(as_bytes("GET / HTTP/1.1"), false, false));
  CHECK_FALSE(read_message_header(from_hex("00 53 73 a1 01 61"), true, false));
  CHECK_FALSE(read_message_header(from_hex("00 53 73 c0 05 01 40"), true, false));
  const auto huge = read_message_header(from_hex("00 53 73 d0 00100000"), false, false);
  REQUIRE_FALSE(huge);
  CHECK(huge.error().condition == condition::resource_limit_exceeded);
}

TEST_CASE("the first body section of a stream is passed over whatever its content (data-plane 2.3)",
          "[amqp][message]") {
  const Bytes start = joined({encode_annotations({.flags = 5}), section(0x73, List{Value{}, Value{}, "to"})});
  const Bytes body = GENERATE(section(0x77, Value{}), section(0x75, Binary(300)), section(0x76, List{1, 2}),
                              section(0x77, Map{{"k", "v"}}));
  const Bytes raw = GENERATE(from_hex("61 62"), from_hex("00 53 75 a0 01 00"), from_hex("00"), Bytes{});
  const StreamHead head = head_of(joined({start, body, raw}));
  CHECK(head.bytes == start.size() + body.size());
}

TEST_CASE("without a body section a stream begins where no section does (data-plane 2.3)", "[amqp][message]") {
  const Bytes start = joined({encode_annotations({.flags = 5}), section(0x70, List{false}),
                              section(0x73, List{Value{}, Value{}, "to"}), section(0x74, Map{{"V", 1}})});
  const Bytes raw = GENERATE(from_hex("61 62"), from_hex("00 40"), from_hex("00 53 78 40"), from_hex("00 53 73 45"),
                             from_hex("00 53 01 45"), from_hex("00 a3 01 61 40"), Bytes{});
  CHECK(head_of(joined({start, raw})).bytes == start.size());
  CHECK(head_of(joined({start, from_hex("00 53")})).bytes == start.size());
  CHECK_FALSE(read_stream_head(joined({start, from_hex("00 53")}), false).value());
}

TEST_CASE("a written stream header reads back (data-plane 2.1, 2.2)", "[amqp][message]") {
  const StreamHeader request{"echo", "amqp:/_topo/0/RB/temp.x", "O7vwX:7", {{"alpn", "h2"}}};
  const Bytes bytes =
      joined({encode_annotations({.flags = 5, .ingress = "0/RB", .trace = {"0/RB"}}), encode_stream_header(request)});
  const StreamHead head = head_of(bytes);
  CHECK(head.bytes == bytes.size());
  CHECK(head.properties.to == "echo");
  CHECK(head.properties.reply_to == "amqp:/_topo/0/RB/temp.x");
  CHECK(head.properties.content_type == "application/octet-stream");
  CHECK(head.application_properties == Texts{{"alpn", "h2"}});
  const auto whole = decode_message(bytes);
  REQUIRE(whole);
  CHECK(whole->properties->correlation_id == Value{"O7vwX:7"});
  CHECK(whole->application_properties == Map{{"V", std::uint32_t{1}}, {"alpn", "h2"}});

  const Bytes reply = encode_stream_header({.to = "x", .reply_to = {}, .correlation_id = {}, .application_properties = {}});
  CHECK(head_of(reply).properties == PropertyTexts{.to = "x",
                                                   .subject = {},
                                                   .reply_to = {},
                                                   .content_type = "application/octet-stream",
                                                   .group_id = {}});
}

TEST_CASE("the texts of a stream's application-properties are read in every encoding, and the map is checked whole (§3.2.5)",
          "[amqp][message]") {
  const auto texts = [](const char* map) -> std::optional<std::vector<std::pair<std::string, std::string>>> {
    const Bytes bytes = joined({from_hex("00 53 74"), from_hex(map)});
    const auto head = read_stream_head(bytes, true);
    const auto whole = decode_message(bytes);
    CHECK(head.has_value() == whole.has_value());
    if (!head) {
      CHECK(head.error().condition == condition::decode_error);
      return std::nullopt;
    }
    const auto& read = (*head)->application_properties;
    return std::vector<std::pair<std::string, std::string>>{read.begin(), read.end()};
  };
  using Owned = std::vector<std::pair<std::string, std::string>>;
  CHECK(texts("c1 01 00") == Owned{});
  CHECK(texts("d1 00000004 00000000") == Owned{});
  CHECK(texts("c1 07 02 a1 01 61 a1 01 62") == Owned{{"a", "b"}});
  CHECK(texts("c1 07 02 a3 01 61 a3 01 62") == Owned{{"a", "b"}});
  CHECK(texts("d1 00000010 00000002 b1 00000001 61 b3 00000001 62") == Owned{{"a", "b"}});
  CHECK(texts("c1 0b 04 a1 01 61 52 07 a1 01 62 40 ") == std::nullopt);  // the size is one too much
  CHECK(texts("c1 0a 04 a1 01 61 52 07 a1 01 62 40") == Owned{});
  CHECK(texts("c1 0d 04 a1 01 61 a1 01 78 a3 01 61 a1 01 79") == Owned{{"a", "x"}, {"a", "y"}});  // two keys
  CHECK(texts("c1 0d 04 a1 01 61 a1 01 78 a1 01 62 c0 02 01 40") == std::nullopt);                // the last ends behind the map
  CHECK(texts("c1 0e 04 a1 01 61 a1 01 78 a1 01 62 c0 02 01 40") == Owned{{"a", "x"}});
  CHECK(texts("c1 0e 04 a1 01 61 a1 01 78 52 07 00 53 01 a1 01 79") == std::nullopt);
  CHECK(texts("c1 0d 04 a1 01 61 a1 01 78 a1 01 61 a1 01 79") == std::nullopt);              // a key twice
  CHECK(texts("c1 10 04 a1 01 61 a1 01 78 b1 00000001 61 a1 01 79") == std::nullopt);        // in another encoding
  CHECK(texts("c1 04 02 a1 01 61") == std::nullopt);                                         // the value is missing
  CHECK(texts("c1 04 01 a1 01 61") == std::nullopt);                                         // no value
  CHECK(texts("c1 07 02 a1 01 ff a1 01 62") == std::nullopt);                                // no UTF-8
  CHECK(texts("c1 07 02 a1 01 61 a1 01 ff") == std::nullopt);
  CHECK(texts("c1 06 02 a1 01 61 56 02") == std::nullopt);                                   // no boolean
  CHECK(texts("c1 09 02 a1 01 61 73 0000d800") == std::nullopt);                             // no character
  CHECK(texts("c0 07 02 a1 01 61 a1 01 62") == std::nullopt);                                // no map
  CHECK(texts("45") == std::nullopt);
}

TEST_CASE("more application-properties than a stream has are read as well", "[amqp][message]") {
  Map map;
  for (int i = 0; i < 20; ++i) map.emplace_back("key" + std::to_string(i), "value");
  const Bytes bytes = section(0x74, map);
  CHECK(head_of(bytes).application_properties.size() == 20);
  map.emplace_back("key7", "again");
  CHECK_FALSE(read_stream_head(section(0x74, map), true));
}

TEST_CASE("a message with everything survives being encoded and decoded", "[amqp][message]") {
  Message message;
  message.annotations = RouterAnnotations{3, "x", "0/A", {"0/A"}, "mesh"};
  message.header = true;
  message.priority = std::uint8_t{9};
  message.properties = Properties{std::uint64_t{1}, "to", "subject", "reply", Uuid{}, "type", "group"};
  message.application_properties = {{"k", 1}};
  message.body = List{1, "a"};
  const auto again = decode_message(encode_message(message));
  REQUIRE(again);
  CHECK(*again == message);
}

TEST_CASE("data and sequence bodies are joined (§3.2.6, §3.2.7)", "[amqp][message]") {
  CHECK(decode_message(joined({section(0x75, Binary{1}), section(0x75, Binary{2, 3})})).value().body ==
        Value{Binary{1, 2, 3}});
  CHECK(decode_message(joined({section(0x76, List{1}), section(0x76, List{2}), section(0x78, Map{})})).value().body ==
        Value{List{1, 2}});
  CHECK_FALSE(decode_message({}).value().body);
}

TEST_CASE("sections out of order or of a wrong type are refused (§3.2)", "[amqp][message]") {
  const Bytes wrong = GENERATE(
      joined({section(0x74, Map{}), section(0x73, List{})}), joined({section(0x73, List{}), section(0x73, List{})}),
      joined({section(0x75, Binary{}), section(0x77, Value{})}),
      joined({section(0x70, List{}), encode_annotations({})}), section(0x75, "text"), section(0x76, 1),
      section(0x74, List{}), section(0x73, Map{}), from_hex("00 53 77"), from_hex("40"));
  const auto message = decode_message(wrong);
  REQUIRE_FALSE(message);
  CHECK(message.error().condition == condition::decode_error);
}

TEST_CASE("a property of another type than text reads as absent", "[amqp][message]") {
  const auto message = decode_message(section(0x73, List{1, Value{}, 2, Symbol{"subject"}}));
  REQUIRE(message);
  CHECK_FALSE(message->properties->to);
  CHECK(message->properties->subject == "subject");
  CHECK(message->properties->message_id == Value{1});
  const Bytes properties = section(0x73, List{Uuid{}, Binary(3), 2, Symbol{"subject"}, Value{}, Described{{1, List{2}}}});
  CHECK_FALSE(head_of(properties).properties.to);
  CHECK(head_of(properties).properties.subject == "subject");
}

TEST_CASE("what is wrong inside a property that a stream has no use for is refused all the same", "[amqp][message]") {
  const char* wrong = GENERATE("c0 03 01 56 02",                    // message-id: a boolean of 2
                               "c0 04 01 a1 01 ff",                 // no UTF-8
                               "c0 06 06 40 40 40 40 40",           // correlation-id: missing
                               "c0 08 06 40 40 40 40 40 56 02",     //
                               "c0 06 03 40 40 56 02 40",           // to: another type, and wrong
                               "c0 05 02 40 a0 05 01",              // user-id: cut
                               "c0 03 01 3f 00");                   // no constructor
  const Bytes bytes = joined({from_hex("00 53 73"), from_hex(wrong)});
  const auto head = read_stream_head(bytes, true);
  REQUIRE_FALSE(head);
  CHECK(head.error().condition == condition::decode_error);
  CHECK_FALSE(decode_message(bytes));
}

}  // namespace
}  // namespace van::amqp
