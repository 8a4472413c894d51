#include "core/amqp/value.h"

#include <limits>

#include "core/amqp/delivery_state.h"
#include "core/amqp/error.h"
#include "tests/support/catch.h"

namespace van::amqp {
namespace {

TEST_CASE("a value is what it was made from", "[amqp][value]") {
  CHECK(Value{}.is_null());
  CHECK(*Value{"text"}.get_if<std::string>() == "text");
  CHECK(*Value{std::string_view{"text"}}.get_if<std::string>() == "text");
  CHECK(*Value{std::uint8_t{7}}.get_if<std::uint8_t>() == 7);
  CHECK(*Value{true}.get_if<bool>());
  CHECK(Value{Symbol{"a"}}.get_if<std::string>() == nullptr);
  CHECK(Value{List{1, "a"}}.list()->size() == 2);
}

TEST_CASE("text is a string or a symbol", "[amqp][value]") {
  CHECK(Value{"a"}.text() == "a");
  CHECK(Value{Symbol{"b"}}.text() == "b");
  CHECK_FALSE(Value{}.text());
  CHECK_FALSE(Value{Binary{1}}.text());
}

TEST_CASE("any integer type reads as an integer in range", "[amqp][value]") {
  CHECK(Value{std::int8_t{-3}}.integer() == -3);
  CHECK(Value{std::uint16_t{3}}.integer() == 3);
  CHECK_FALSE(Value{std::numeric_limits<std::uint64_t>::max()}.integer());
  CHECK(Value{std::numeric_limits<std::uint64_t>::max()}.unsigned_integer() ==
        std::numeric_limits<std::uint64_t>::max());
  CHECK(Value{std::int64_t{5}}.unsigned_integer() == 5);
  CHECK_FALSE(Value{std::int32_t{-1}}.unsigned_integer());
  CHECK_FALSE(Value{true}.integer());
  CHECK_FALSE(Value{1.0}.integer());
  CHECK_FALSE(Value{Char{65}}.integer());
  CHECK(Value{false}.boolean() == false);
  CHECK_FALSE(Value{std::uint8_t{1}}.boolean());
}

TEST_CASE("a map is searched by text keys of both kinds", "[amqp][value]") {
  const Value map{Map{{Symbol{"id"}, 1}, {"pv", 2}, {3, 4}}};
  REQUIRE(map.find("id") != nullptr);
  CHECK(map.find("id")->integer() == 1);
  CHECK(map.find("pv")->integer() == 2);
  CHECK(map.find("none") == nullptr);
  CHECK(Value{"id"}.find("id") == nullptr);
}

TEST_CASE("equal values have the same type and the same bits", "[amqp][value]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(Value{nan} == Value{nan});
  CHECK_FALSE(Value{0.0} == Value{-0.0});
  CHECK_FALSE(Value{std::int32_t{1}} == Value{std::int64_t{1}});
  CHECK_FALSE(Value{"a"} == Value{Symbol{"a"}});
  CHECK(Value{List{nan}} == Value{List{nan}});
  CHECK(Value{Described{{std::uint64_t{1}, "a"}}} == Value{Described{{std::uint64_t{1}, "a"}}});
  CHECK_FALSE(Value{Array{0x54, {1}, {}}} == Value{Array{0x71, {1}, {}}});
}

TEST_CASE("an error and its value are the same thing (§2.8.14)", "[amqp][value]") {
  const Error error = GENERATE(Error{"amqp:not-found", "", {}}, Error{"a", "words", {}},
                               Error{"a", "", {{Symbol{"k"}, 1}}}, Error{"a", "words", {{Symbol{"k"}, 1}}});
  CHECK(error_from(to_value(error)).value() == error);
}

TEST_CASE("what is no error is refused", "[amqp][value]") {
  const Value wrong = GENERATE(Value{}, Value{List{}}, Value{Described{{std::uint64_t{0x1D}, List{}}}},
                               Value{Described{{std::uint64_t{0x1D}, List{"string"}}}},
                               Value{Described{{std::uint64_t{0x1E}, List{Symbol{"a"}}}}},
                               Value{Described{{std::uint64_t{0x1D}, List{Symbol{"a"}, 1}}}},
                               Value{Described{{std::uint64_t{0x1D}, List{Symbol{"a"}, Value{}, 1}}}});
  const auto error = error_from(wrong);
  REQUIRE_FALSE(error);
  CHECK(error.error().condition == condition::decode_error);
}

TEST_CASE("a delivery state and its value are the same thing (§3.4)", "[amqp][value]") {
  const DeliveryState state =
      GENERATE(DeliveryState{Received{3, 1u << 20}}, DeliveryState{Accepted{}}, DeliveryState{Rejected{}},
               DeliveryState{Rejected{Error{"amqp:not-found", "gone", {}}}}, DeliveryState{Released{}},
               DeliveryState{Modified{}}, DeliveryState{Modified{true, false, {}}},
               DeliveryState{Modified{false, true, {}}}, DeliveryState{Modified{true, true, {{Symbol{"x-opt"}, 1}}}},
               DeliveryState{OtherState{Described{{std::uint64_t{0x34}, List{Binary{1, 2}}}}}});
  CHECK(delivery_state_from(to_value(state)).value() == state);
}

TEST_CASE("only outcomes are terminal (§3.4)", "[amqp][value]") {
  CHECK_FALSE(is_terminal(Received{}));
  CHECK_FALSE(is_terminal(OtherState{}));
  CHECK(is_terminal(Accepted{}));
  CHECK(is_terminal(Rejected{}));
  CHECK(is_terminal(Released{}));
  CHECK(is_terminal(Modified{}));
}

TEST_CASE("a delivery state with wrong fields is refused", "[amqp][value]") {
  const Value wrong = GENERATE(
      Value{}, Value{List{}}, Value{Described{{std::uint64_t{0x23}, List{}}}},
      Value{Described{{std::uint64_t{0x23}, List{std::uint32_t{1}}}}}, Value{Described{{std::uint64_t{0x24}, Map{}}}},
      Value{Described{{std::uint64_t{0x25}, List{"no error"}}}}, Value{Described{{std::uint64_t{0x27}, List{1}}}},
      Value{Described{{std::uint64_t{0x27}, List{true, true, "no map"}}}});
  const auto state = delivery_state_from(wrong);
  REQUIRE_FALSE(state);
  CHECK(state.error().condition == condition::decode_error);
}

}  // namespace
}  // namespace van::amqp
