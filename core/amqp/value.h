#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/bytes.h"

namespace van::amqp {

class Value;

/// AMQP 1.0 §1.6.20: a symbol. Told apart from a string because writers must choose one.
struct Symbol {
  std::string text;
  friend auto operator<=>(const Symbol&, const Symbol&) = default;
};
struct Timestamp {  ///< §1.6.17: milliseconds since 1970
  std::int64_t milliseconds = 0;
  friend auto operator<=>(Timestamp, Timestamp) = default;
};
struct Char {  ///< §1.6.16: UTF-32BE code point
  std::uint32_t code_point = 0;
  friend auto operator<=>(Char, Char) = default;
};
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};
/// decimal32/64/128 (§1.6.13-15) as their 4, 8 or 16 octets: passed on, never computed with.
struct Decimal {
  Bytes octets;
  friend auto operator<=>(const Decimal&, const Decimal&) = default;
};
using Binary = Bytes;
/// To nest one list in another write `List{Value{inner}}`: compilers disagree about `List{inner}` (a copy, or nested).
using List = std::vector<Value>;
/// §1.6.23: order is kept, duplicate keys are the peer's error (refused by the decoder).
using Map = std::vector<std::pair<Value, Value>>;
/// §1.6.24: elements of one type, all written with the constructor `code` (widened when one does not fit; 0: null's,
/// for an empty array).
struct Array {
  std::uint8_t code = 0;
  std::vector<Value> elements;
  std::vector<Value> descriptors;  ///< of the element constructor (§1.3.1), outermost first; nearly always none
  friend bool operator==(const Array&, const Array&);
};
/// §1.3.1
struct Described {
  std::vector<Value> parts;  ///< exactly two: descriptor, value
  friend bool operator==(const Described&, const Described&);
};

/// Any AMQP 1.0 value (§1.6). Numbers keep their AMQP type: what is decoded encodes as the same type again. Equal means
/// same type and same bits (so a NaN equals itself, and zero is not minus zero).
class Value {
 public:
  using Variant = std::variant<std::monostate, bool, std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t,
                               std::int8_t, std::int16_t, std::int32_t, std::int64_t, float, double, Char, Timestamp,
                               Uuid, Decimal, Binary, std::string, Symbol, List, Map, Array, Described>;
  Value() = default;  ///< null
  template <class T>
  requires std::is_constructible_v<Variant, T&&> &&
      (!std::is_same_v<std::remove_cvref_t<T>, Value>)&&(!std::is_convertible_v<T&&, std::string_view> ||
                                                         std::is_same_v<std::remove_cvref_t<T>, std::string>)
          Value(T&& value)
      : state_{std::forward<T>(value)} {}                      // NOLINT: a value is what it holds
  Value(const char* text) : state_{std::string{text}} {}       // NOLINT
  Value(std::string_view text) : state_{std::string{text}} {}  // NOLINT

  [[nodiscard]] bool is_null() const { return state_.index() == 0; }
  template <class T>
  [[nodiscard]] const T* get_if() const {
    return std::get_if<T>(&state_);
  }
  [[nodiscard]] const Variant& variant() const& { return state_; }
  [[nodiscard]] Variant&& variant() && { return std::move(state_); }

  /// Readers that take what real peers send: string or symbol; any integer type in range. nullopt otherwise.
  [[nodiscard]] std::optional<std::string_view> text() const;
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  [[nodiscard]] std::optional<std::uint64_t> unsigned_integer() const;
  [[nodiscard]] std::optional<bool> boolean() const;
  [[nodiscard]] const List* list() const { return get_if<List>(); }
  [[nodiscard]] const Map* map() const { return get_if<Map>(); }
  /// Looks up a text key (string or symbol) in a map; nullptr when this is no map or has no such key.
  [[nodiscard]] const Value* find(std::string_view key) const;

  friend bool operator==(const Value&, const Value&);

 private:
  Variant state_;
};

/// Looks up a text key (string or symbol); nullptr when there is none.
const Value* find(const Map& map, std::string_view key);

}  // namespace van::amqp
