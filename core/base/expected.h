#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "core/base/assert.h"

namespace van {

/// The error side of an Expected: `return Unexpected{error};`.
template <class E>
struct Unexpected {
  E error;
};
template <class E>
Unexpected(E) -> Unexpected<E>;

/// A value or an error, with the names and meaning of std::expected (which GCC 12 lacks in C++20 mode),
/// but fewer of them. Asking for the side that is not there asserts.
template <class T, class E>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : state_{std::in_place_index<0>, std::move(value)} {}  // NOLINT: implicit as in std
  template <class U>
    requires(std::is_constructible_v<T, U &&> && std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, Expected> &&
             !std::is_same_v<std::remove_cvref_t<U>, T>)
  Expected(U&& value) : state_{std::in_place_index<0>, std::forward<U>(value)} {}  // NOLINT
  template <class G>
    requires std::is_convertible_v<G, E>
  Expected(Unexpected<G> unexpected) : state_{std::in_place_index<1>, std::move(unexpected.error)} {}  // NOLINT

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] T& value() & { return *checked(); }
  [[nodiscard]] const T& value() const& { return *checked(); }
  [[nodiscard]] T&& value() && { return std::move(*checked()); }
  [[nodiscard]] const E& error() const& {
    VAN_ASSERT(!has_value());
    return *std::get_if<1>(&state_);
  }
  [[nodiscard]] E&& error() && {
    VAN_ASSERT(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

  T& operator*() & { return *checked(); }
  const T& operator*() const& { return *checked(); }
  T&& operator*() && { return std::move(*checked()); }
  T* operator->() { return checked(); }
  const T* operator->() const { return checked(); }

 private:
  T* checked() {
    VAN_ASSERT(has_value());
    return std::get_if<0>(&state_);
  }
  const T* checked() const {
    VAN_ASSERT(has_value());
    return std::get_if<0>(&state_);
  }

  std::variant<T, E> state_;
};

/// Success without a value, or an error.
template <class E>
class [[nodiscard]] Expected<void, E> {
 public:
  Expected() = default;
  template <class G>
    requires std::is_convertible_v<G, E>
  Expected(Unexpected<G> unexpected) : state_{std::in_place_index<1>, std::move(unexpected.error)} {}  // NOLINT

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  [[nodiscard]] const E& error() const {
    VAN_ASSERT(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<std::monostate, E> state_;
};

}  // namespace van
