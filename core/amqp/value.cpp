#include "core/amqp/value.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

namespace van::amqp {
namespace {

template <class T>
constexpr bool is_number = std::is_integral_v<T> && !std::is_same_v<T, bool>;

/// Any integer alternative as a `Wanted`, if it is in range.
template <class Wanted>
std::optional<Wanted> to_integer(const Value::Variant& state) {
  return std::visit(
      [](const auto& held) -> std::optional<Wanted> {
        using Held = std::remove_cvref_t<decltype(held)>;
        if constexpr (is_number<Held>) {
          if (std::in_range<Wanted>(held)) return static_cast<Wanted>(held);
        }
        return std::nullopt;
      },
      state);
}

}  // namespace

std::optional<std::string_view> Value::text() const {
  if (const auto* string = get_if<std::string>()) return *string;
  if (const auto* symbol = get_if<Symbol>()) return symbol->text;
  return std::nullopt;
}

std::optional<std::int64_t> Value::integer() const { return to_integer<std::int64_t>(state_); }

std::optional<std::uint64_t> Value::unsigned_integer() const { return to_integer<std::uint64_t>(state_); }

std::optional<bool> Value::boolean() const {
  const bool* held = get_if<bool>();
  return held != nullptr ? std::optional{*held} : std::nullopt;
}

const Value* Value::find(std::string_view key) const {
  const Map* entries = map();
  return entries != nullptr ? amqp::find(*entries, key) : nullptr;
}

const Value* find(const Map& map, std::string_view key) {
  const auto entry = std::find_if(map.begin(), map.end(), [key](const auto& pair) { return pair.first.text() == key; });
  return entry != map.end() ? &entry->second : nullptr;
}

bool operator==(const Array& a, const Array& b) {
  return a.code == b.code && a.elements == b.elements && a.descriptors == b.descriptors;
}

bool operator==(const Described& a, const Described& b) { return a.parts == b.parts; }

bool operator==(const Value& a, const Value& b) {
  if (a.state_.index() != b.state_.index()) return false;
  if (const float* number = a.get_if<float>()) {
    return std::bit_cast<std::uint32_t>(*number) == std::bit_cast<std::uint32_t>(*b.get_if<float>());
  }
  if (const double* number = a.get_if<double>()) {
    return std::bit_cast<std::uint64_t>(*number) == std::bit_cast<std::uint64_t>(*b.get_if<double>());
  }
  return a.state_ == b.state_;
}

}  // namespace van::amqp
