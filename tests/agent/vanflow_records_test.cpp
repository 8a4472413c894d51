#include "agent/vanflow_records.h"

#include "core/base/limits.h"
#include "tests/support/catch.h"
#include "tests/support/hex_vector.h"

namespace van::agent::vanflow {
namespace {

using amqp::Value;
using test::from_hex;
using test::hex_vector;

const Beacon kSelf{"abcde:0", "mc/sfe.abcde:0", "sfe.abcde:0", false};

Telegram read(const Bytes& bytes) {
  const auto message = amqp::decode_message(bytes);
  REQUIRE(message);
  const auto telegram = read_telegram(*message);
  REQUIRE(telegram);
  return *telegram;
}

/// What is left of a body after reading it.
std::vector<Record> records_in(Value body) {
  amqp::Message message = record_message(kSelf, {});
  message.body = std::move(body);
  return std::get<Records>(*read_telegram(message)).records;
}

Value record_with(amqp::Map attributes) {
  amqp::Map map{{std::uint32_t{0}, std::uint32_t{5}}, {std::uint32_t{1}, "x:1"}};
  map.insert(map.end(), attributes.begin(), attributes.end());
  return amqp::List{Value{map}};
}

TEST_CASE("a real router's beacon is read", "[agent][vanflow]") {
  CHECK(std::get<Beacon>(read(hex_vector("vanflow_beacon"))) == Beacon{"yu0Hh:0", "mc/sfe.yu0Hh:0", "sfe.yu0Hh:0", false});
}

TEST_CASE("a real router's record is read", "[agent][vanflow]") {
  const auto records = std::get<Records>(read(hex_vector("vanflow_record"))).records;
  REQUIRE(records.size() == 1);
  CHECK(records[0] == Record{RecordType::listener,
                             "TQ1RL:3",
                             {{Attribute::parent, "TQ1RL:0"},
                              {Attribute::start_time, std::uint64_t{0x000660e750b5102e}},
                              {Attribute::host, "127.0.0.1"},
                              {Attribute::protocol, "tcp"},
                              {Attribute::port, "34201"},
                              {Attribute::address, "backend"},
                              {Attribute::name, "backend-list-e"},
                              {Attribute::connections, std::uint64_t{0}}}});
}

TEST_CASE("records are written as strict collectors want them", "[agent][vanflow]") {
  const Record record{RecordType::connector,
                      "abcde:7",
                      {{Attribute::parent, "abcde:0"},
                       {Attribute::port, "8080"},
                       {Attribute::connections, std::uint64_t{0}},
                       {Attribute::start_time, std::uint64_t{5}}}};
  // vanflow 4: keys uint, type uint, numbers ulong, the rest string, in the order of the numbers.
  CHECK(amqp::encode_message(record_message(kSelf, {record})) ==
        from_hex("00 53 73 c0 1b 04 40 40 a1 0e 6d632f7366652e61626364653a30 a1 06 5245434f5244"
                 "00 53 77 c0 2c 01 c1 29 0c 43 52 05 52 01 a1 07 61626364653a37 52 02 a1 07 61626364653a30"
                 "52 03 53 05 52 12 a1 04 38303830 52 28 44"));
}

TEST_CASE("all four kinds of messages survive being written and read", "[agent][vanflow]") {
  const auto again = [](const amqp::Message& message) { return read(amqp::encode_message(message)); };
  CHECK(std::get<Beacon>(again(beacon_message(kSelf))) == kSelf);
  Beacon controller = kSelf;
  controller.controller = true;
  CHECK(std::get<Beacon>(again(beacon_message(controller))) == controller);
  CHECK(std::holds_alternative<Flush>(again(flush_message(kSelf))));
  const amqp::Message beat = heartbeat_message(kSelf, 77);
  CHECK(std::holds_alternative<Heartbeat>(again(beat)));
  CHECK(*amqp::find(beat.application_properties, "now") == Value{std::uint64_t{77}});
  CHECK(*amqp::find(beat.application_properties, "v") == Value{std::uint32_t{1}});
  const Record record{RecordType::site, "s", {{Attribute::name, "mill"}, {Attribute::end_time, std::uint64_t{9}}}};
  CHECK(std::get<Records>(again(record_message(kSelf, {record, record}))).records == std::vector{record, record});
}

TEST_CASE("messages of other kinds are passed over", "[agent][vanflow]") {
  CHECK_FALSE(read_telegram({}));
  amqp::Message message = flush_message(kSelf);
  message.properties->subject = "HELLO";
  CHECK_FALSE(read_telegram(message));
  message.properties->subject.reset();
  CHECK_FALSE(read_telegram(message));
}

TEST_CASE("what is no record, or not one that we use, is left out", "[agent][vanflow]") {
  CHECK(records_in({}).empty());
  CHECK(records_in("text").empty());
  CHECK(records_in(amqp::List{Value{}, Value{"x"}, Value{amqp::Map{}}}).empty());
  CHECK(records_in(amqp::List{Value{amqp::Map{{std::uint32_t{0}, std::uint32_t{5}}}}}).empty());           // no identity
  CHECK(records_in(amqp::List{Value{amqp::Map{{std::uint32_t{1}, "x:1"}}}}).empty());                      // no type
  for (const std::uint64_t type : {3ull, 6ull, 17ull, 1ull << 32, ~0ull})
    CHECK(records_in(amqp::List{Value{amqp::Map{{std::uint32_t{0}, type}, {std::uint32_t{1}, "x:1"}}}}).empty());
}

TEST_CASE("a record's own faults cost only what is faulty", "[agent][vanflow]") {
  const auto records = records_in(record_with({{"name", "text key"},
                                               {std::uint32_t{19}, Value{}},
                                               {std::uint32_t{30}, std::uint64_t{5}},
                                               {std::uint32_t{33}, "five"},
                                               {std::uint32_t{40}, std::int32_t{-1}},
                                               {std::uint32_t{66}, std::uint64_t{1}},
                                               {std::uint64_t{1} << 32 | 18, "0"},
                                               {std::uint32_t{16}, amqp::Symbol{"tcp"}},
                                               {std::uint64_t{18}, "80"},
                                               {std::uint32_t{15}, std::string(limits::kTelemetryTextBytes + 1, 'x')}}));
  REQUIRE(records.size() == 1);
  CHECK(records[0].attributes == Attributes{{Attribute::protocol, "tcp"}, {Attribute::port, "80"}});
}

TEST_CASE("numbers are read in any width", "[agent][vanflow]") {
  const auto records = records_in(record_with({{std::uint32_t{33}, std::uint8_t{3}}, {std::uint32_t{40}, std::int64_t{4}}}));
  REQUIRE(records.size() == 1);
  CHECK(records[0].number(Attribute::cost) == 3);
  CHECK(records[0].number(Attribute::connections) == 4);
}

TEST_CASE("long texts are cut between characters", "[agent][vanflow]") {
  std::string text(limits::kTelemetryTextBytes - 1, 'a');
  text += "\xc3\xa9";  // é would be cut in two
  const auto message = record_message(kSelf, {{RecordType::site, "s", {{Attribute::name, text}}}});
  const auto telegram = read(amqp::encode_message(message));
  CHECK(std::get<Records>(telegram).records.at(0).text(Attribute::name) == text.substr(0, limits::kTelemetryTextBytes - 1));
}

}  // namespace
}  // namespace van::agent::vanflow
