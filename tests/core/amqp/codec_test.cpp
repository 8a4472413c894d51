#include <bit>
#include <limits>

#include "core/amqp/decoder.h"
#include "core/amqp/descriptor.h"
#include "core/amqp/encoder.h"
#include "core/base/limits.h"
#include "tests/core/amqp/sample_values.h"
#include "tests/support/catch.h"
#include "tests/support/hex_vector.h"

namespace van::amqp {
namespace {

using van::test::from_hex;

Value decoded(std::string_view hex) {
  const Bytes bytes = from_hex(hex);
  const auto result = decode_value(bytes);
  CAPTURE(hex);
  REQUIRE(result);
  CHECK(result->bytes == bytes.size());
  return result->value;
}

std::string refusal(std::string_view hex) {
  const auto result = decode_value(from_hex(hex));
  CAPTURE(hex);
  REQUIRE_FALSE(result);
  CHECK(result.error().condition == condition::decode_error);
  return result.error().description;
}

TEST_CASE("every constructor decodes to its type (§1.6)", "[amqp][codec]") {
  CHECK(decoded("40") == Value{});
  CHECK(decoded("41") == Value{true});
  CHECK(decoded("42") == Value{false});
  CHECK(decoded("56 01") == Value{true});
  CHECK(decoded("56 00") == Value{false});
  CHECK(decoded("50 ff") == Value{std::uint8_t{255}});
  CHECK(decoded("60 0102") == Value{std::uint16_t{0x0102}});
  CHECK(decoded("70 01020304") == Value{std::uint32_t{0x01020304}});
  CHECK(decoded("52 ff") == Value{std::uint32_t{255}});
  CHECK(decoded("43") == Value{std::uint32_t{0}});
  CHECK(decoded("80 0102030405060708") == Value{std::uint64_t{0x0102030405060708}});
  CHECK(decoded("53 ff") == Value{std::uint64_t{255}});
  CHECK(decoded("44") == Value{std::uint64_t{0}});
  CHECK(decoded("51 ff") == Value{std::int8_t{-1}});
  CHECK(decoded("61 fffe") == Value{std::int16_t{-2}});
  CHECK(decoded("71 fffffffd") == Value{std::int32_t{-3}});
  CHECK(decoded("54 fc") == Value{std::int32_t{-4}});
  CHECK(decoded("81 fffffffffffffffb") == Value{std::int64_t{-5}});
  CHECK(decoded("55 fa") == Value{std::int64_t{-6}});
  CHECK(decoded("72 3f800000") == Value{1.0f});
  CHECK(decoded("82 3ff0000000000000") == Value{1.0});
  CHECK(decoded("74 01020304") == Value{Decimal{{1, 2, 3, 4}}});
  CHECK(decoded("84 0102030405060708") == Value{Decimal{{1, 2, 3, 4, 5, 6, 7, 8}}});
  CHECK(decoded("94 00000000000000000000000000000001").get_if<Decimal>()->octets.size() == 16);
  CHECK(decoded("73 0001f600") == Value{Char{0x1F600}});
  CHECK(decoded("83 0000000000000001") == Value{Timestamp{1}});
  CHECK(decoded("98 000102030405060708090a0b0c0d0e0f").get_if<Uuid>()->bytes[15] == 15);
  CHECK(decoded("a0 02 0102") == Value{Binary{1, 2}});
  CHECK(decoded("b0 00000002 0102") == Value{Binary{1, 2}});
  CHECK(decoded("a1 02 c3a9") == Value{"\xC3\xA9"});
  CHECK(decoded("b1 00000001 61") == Value{"a"});
  CHECK(decoded("a3 01 61") == Value{Symbol{"a"}});
  CHECK(decoded("b3 00000001 61") == Value{Symbol{"a"}});
  CHECK(decoded("45") == Value{List{}});
  CHECK(decoded("c0 01 00") == Value{List{}});
  CHECK(decoded("c0 03 02 41 42") == Value{List{true, false}});
  CHECK(decoded("d0 00000006 00000002 41 42") == Value{List{true, false}});
  CHECK(decoded("c1 04 02 5401 40") == Value{Map{{1, Value{}}}});
  CHECK(decoded("d1 00000007 00000002 5401 40") == Value{Map{{1, Value{}}}});
  CHECK(decoded("00 5310 45") == Value{Described{{std::uint64_t{0x10}, List{}}}});
}

TEST_CASE("arrays keep their constructor and its descriptors (§1.6.24)", "[amqp][codec]") {
  CHECK(decoded("e0 06 02 a3 01 61 01 62") == Value{Array{0xA3, {Symbol{"a"}, Symbol{"b"}}, {}}});
  CHECK(decoded("f0 00000009 00000002 a3 01 61 01 62") == Value{Array{0xA3, {Symbol{"a"}, Symbol{"b"}}, {}}});
  CHECK(decoded("e0 02 00 a3") == Value{Array{0xA3, {}, {}}});
  CHECK(decoded("e0 02 03 41") == Value{Array{0x41, {true, true, true}, {}}});
  CHECK(decoded("e0 06 01 00 a3 01 61 43") == Value{Array{0x43, {std::uint32_t{0}}, {Symbol{"a"}}}});
  const Array inner{0x54, {1, 2}, {}};
  CHECK(decoded("e0 07 01 e0 04 02 54 01 02") == Value{Array{0xE0, {inner}, {}}});
}

TEST_CASE("values are written in their smallest form", "[amqp][codec]") {
  const auto hex = [](const Value& value, std::string_view expected) {
    CAPTURE(expected);
    CHECK(encode_value(value) == from_hex(expected));
  };
  hex(Value{}, "40");
  hex(true, "41");
  hex(std::uint32_t{0}, "43");
  hex(std::uint32_t{255}, "52 ff");
  hex(std::uint32_t{256}, "70 00000100");
  hex(std::uint64_t{0}, "44");
  hex(std::uint64_t{255}, "53 ff");
  hex(std::uint64_t{256}, "80 0000000000000100");
  hex(std::int32_t{-128}, "54 80");
  hex(std::int32_t{128}, "71 00000080");
  hex(std::int64_t{127}, "55 7f");
  hex(std::int64_t{-129}, "81 ffffffffffffff7f");
  hex("", "a1 00");
  hex(Symbol{"a"}, "a3 01 61");
  hex(List{}, "45");
  hex(List{true}, "c0 02 01 41");
  hex(Map{}, "c1 01 00");
  hex(Array{}, "e0 02 00 40");
  CHECK(encode_value(std::string(255, 'a'))[0] == 0xA1);
  CHECK(encode_value(std::string(256, 'a'))[0] == 0xB1);
  CHECK(encode_value(List{Binary(251)})[0] == 0xC0);  // 1 + 2 + 251 octets: a size of 254
  CHECK(encode_value(List{Binary(252)})[0] == 0xC0);
  CHECK(encode_value(List{Binary(253)})[0] == 0xD0);
  CHECK(encode_value(List(254, Value{}))[0] == 0xC0);
  CHECK(encode_value(List(255, Value{}))[0] == 0xD0);
}

TEST_CASE("an array's constructor is widened when an element does not fit it", "[amqp][codec]") {
  const auto again = [](const Array& array) { return decode_value(encode_value(array)).value().value; };
  CHECK(again({0xA3, {Symbol{"a"}, Symbol{std::string(256, 'b')}}, {}}) ==
        Value{Array{0xB3, {Symbol{"a"}, Symbol{std::string(256, 'b')}}, {}}});
  CHECK(again({0x54, {1, 1000}, {}}) == Value{Array{0x71, {1, 1000}, {}}});
  CHECK(again({0x41, {true, false}, {}}) == Value{Array{0x56, {true, false}, {}}});
  CHECK(again({0x45, {List{}, List{1}}, {}}) == Value{Array{0xD0, {List{}, List{1}}, {}}});
  CHECK(again({0xC1, {Map{}, Map{{1, Binary(300)}}}, {}}) == Value{Array{0xD1, {Map{}, Map{{1, Binary(300)}}}, {}}});
  CHECK(again({0, {std::uint64_t{1}, std::uint64_t{2}}, {}}) ==
        Value{Array{0x53, {std::uint64_t{1}, std::uint64_t{2}}, {}}});
}

TEST_CASE("any value survives being encoded and decoded", "[amqp][codec]") {
  Rng rng{20240817};
  for (int round = 0; round < 3000; ++round) {
    CAPTURE(round);
    const Value value = test::random_value(rng, 4);
    const Bytes bytes = encode_value(value);
    const auto result = decode_value(bytes);
    REQUIRE(result);
    REQUIRE(result->bytes == bytes.size());
    REQUIRE(result->value == value);
    REQUIRE(value_extent(bytes).bytes == bytes.size());
  }
}

TEST_CASE("a value cut at any length is refused and its extent never wrong", "[amqp][codec]") {
  Rng rng{7};
  for (int round = 0; round < 300; ++round) {
    const Bytes bytes = encode_value(test::random_value(rng, 3));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      CAPTURE(round, length);
      const ByteView prefix = ByteView{bytes}.first(length);
      REQUIRE_FALSE(decode_value(prefix));
      const Extent extent = value_extent(prefix);
      REQUIRE(extent.error == nullptr);
      REQUIRE((extent.bytes == 0 || extent.bytes == bytes.size()));
    }
  }
}

TEST_CASE("malformed values are refused with decode-error", "[amqp][codec]") {
  CHECK(refusal("") == "value cut short");
  CHECK(refusal("57") == "unknown constructor");
  CHECK(refusal("46") == "unknown constructor");
  CHECK(refusal("56 02") == "boolean is neither 0 nor 1");
  CHECK(refusal("73 0000d800") == "char is no Unicode character");
  CHECK(refusal("73 00110000") == "char is no Unicode character");
  CHECK(refusal("a1 01 80") == "string is no UTF-8");
  CHECK(refusal("a3 01 80") == "symbol is no ASCII");
  CHECK(refusal("c0 00") == "value cut short");
  CHECK(refusal("c0 03 01 41 42") == "size and count do not agree");
  CHECK(refusal("c0 02 02 41") == "count exceeds size");
  CHECK(refusal("c1 02 01 41") == "map with a key without value");
  CHECK(refusal("c1 07 04 5401 40 5401 40") == "map with a key twice");
  CHECK(refusal("e0 01 00") == "unknown constructor");
  CHECK(refusal("e0 03 00 40 40") == "size and count do not agree");
  CHECK(refusal("e0 03 02 50 01") == "count exceeds size");
  CHECK(refusal("00 53 10") == "value cut short");
}

TEST_CASE("map keys are compared by value, not by encoding (§1.6.23)", "[amqp][codec]") {
  CHECK(refusal("c1 06 04 43 40 5200 40") == "map with a key twice");
  CHECK(refusal("c1 09 04 43 40 70 00000000 40") == "map with a key twice");
  CHECK(decoded("c1 06 04 43 40 5400 40").map()->size() == 2);

  Map many;
  for (std::int32_t key = 0; key < 100; ++key) many.emplace_back(key, Value{});
  CHECK(decode_value(encode_value(many)));
  many.emplace_back(50, Value{});
  CHECK_FALSE(decode_value(encode_value(many)));
}

TEST_CASE("UTF-8 is well formed or refused", "[amqp][codec]") {
  CHECK(decoded("a1 04 f09f9880").text() == "\xF0\x9F\x98\x80");
  for (const char* wrong : {"a1 01 c3", "a1 02 c080", "a1 02 c1bf", "a1 03 e08080", "a1 03 eda080", "a1 04 f0808080",
                            "a1 04 f4908080", "a1 04 f5808080", "a1 02 c341", "a1 01 ff"}) {
    CHECK(refusal(wrong) == "string is no UTF-8");
  }
}

Bytes nested_lists(unsigned levels) {
  Value value{true};
  for (unsigned i = 0; i < levels; ++i) value = List{std::move(value)};
  return encode_value(value);
}

TEST_CASE("nesting is bounded by the depth limit", "[amqp][codec]") {
  CHECK(decode_value(nested_lists(limits::kValueDepth - 1)));
  CHECK_FALSE(decode_value(nested_lists(limits::kValueDepth)));

  Bytes descriptors(1000, 0x00);
  CHECK_FALSE(decode_value(descriptors));
  CHECK(value_extent(descriptors).error != nullptr);

  const auto nested_arrays = [](unsigned levels) {
    Array array{0x41, {true}, {}};
    for (unsigned i = 1; i < levels; ++i) array = Array{0xE0, {array}, {}};
    return encode_value(array);
  };
  CHECK(decode_value(nested_arrays(limits::kValueDepth - 1)));
  CHECK_FALSE(decode_value(nested_arrays(limits::kValueDepth)));
}

TEST_CASE("a count in a few bytes takes no more memory than the element limit allows", "[amqp][codec]") {
  CHECK(refusal("f0 00000005 ffffffff 40") == "too many elements");
  CHECK(refusal("f0 00000005 ffffffff 45") == "too many elements");
  CHECK(refusal("f0 00000005 00010001 40") == "too many elements");
  CHECK(decoded("f0 00000005 00010000 40").get_if<Array>()->elements.size() == limits::kValueElements);
  CHECK(refusal("d0 00000005 ffffffff 40") == "count exceeds size");
  CHECK(refusal("b0 ffffffff 00") == "value cut short");
  // all compounds of a value share one budget
  CHECK(refusal("c0 15 02 f0 00000005 0000ffff 40 f0 00000005 0000ffff 40") == "too many elements");
}

TEST_CASE("a reader past the end gives zero and stays bad", "[amqp][codec]") {
  const Bytes bytes = from_hex("01 0203 04050607 08");
  Reader reader{bytes};
  CHECK(reader.u8() == 1);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.peek() == 4);
  CHECK(reader.u32() == 0x04050607);
  CHECK(reader.remaining() == 1);
  CHECK(reader.ok());
  CHECK(reader.u16() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.u8() == 0);
  CHECK(reader.bytes(0).empty());
  CHECK(reader.remaining() == 0);
}

TEST_CASE("descriptors are numbers or the standard's symbols (§1.3.1)", "[amqp][codec]") {
  CHECK(descriptor_code(std::uint64_t{0x10}) == 0x10);
  CHECK(descriptor_code(Symbol{"amqp:open:list"}) == descriptor::open);
  CHECK(descriptor_code(Symbol{"amqp:amqp-value:*"}) == descriptor::amqp_value);
  CHECK_FALSE(descriptor_code(Symbol{"amqp:other:list"}));
  CHECK_FALSE(descriptor_code("amqp:open:list"));
}

TEST_CASE("fields of a list: null and missing are the same (§1.4)", "[amqp][codec]") {
  const Bytes bytes = encode_value(List{Value{}, std::uint32_t{7}, "text", true});
  auto list = decode_list(bytes);
  REQUIRE(list);
  FieldReader& fields = list->fields;
  CHECK_FALSE(fields.uint());
  CHECK(fields.uint() == 7);
  CHECK(fields.string() == "text");
  CHECK(fields.boolean() == true);
  CHECK_FALSE(fields.ulong());
  CHECK(fields.map().empty());
  CHECK(fields.value().is_null());
  CHECK(fields.symbols().empty());
  CHECK(fields.ok());
}

TEST_CASE("a field of a wrong type makes the reader bad", "[amqp][codec]") {
  const Bytes bytes = encode_value(List{std::uint32_t{7}, std::uint32_t{8}});
  auto list = decode_list(bytes);
  REQUIRE(list);
  CHECK_FALSE(list->fields.string());
  CHECK_FALSE(list->fields.ok());
  CHECK_FALSE(list->fields.uint());
  CHECK(list->fields.error().error.condition == condition::decode_error);
  CHECK(list->fields.error().error.description == "field 0 is no string");
}

TEST_CASE("a multiple field is null, one symbol or an array of symbols (§1.4)", "[amqp][codec]") {
  const auto symbols = [](const Value& field) {
    const Bytes bytes = encode_value(List{field, true});
    auto list = decode_list(bytes);
    REQUIRE(list);
    auto result = list->fields.symbols();
    if (list->fields.ok()) CHECK(list->fields.boolean() == true);
    return list->fields.ok() ? std::optional{result} : std::nullopt;
  };
  using Symbols = std::vector<std::string>;
  CHECK(symbols(Value{}) == Symbols{});
  CHECK(symbols(Symbol{"a"}) == Symbols{"a"});
  CHECK(symbols(Array{0xA3, {Symbol{"a"}, Symbol{"b"}}, {}}) == Symbols{"a", "b"});
  CHECK_FALSE(symbols("a"));
  CHECK_FALSE(symbols(Array{0xA1, {"a"}, {}}));
}

TEST_CASE("null fields at the end of a list are not written (§1.4)", "[amqp][codec]") {
  Bytes out;
  Encoder encoder{out};
  CompoundEncoder list{encoder, CompoundEncoder::Kind::list};
  list.skip();
  list.item().boolean(true);
  list.skip();
  list.skip();
  list.close();
  CHECK(out == from_hex("c0 03 02 40 41"));

  out.clear();
  CompoundEncoder empty{encoder, CompoundEncoder::Kind::list};
  empty.skip();
  empty.close();
  CHECK(out == from_hex("45"));
}

}  // namespace
}  // namespace van::amqp
