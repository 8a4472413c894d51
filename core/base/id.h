#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace van {

/// A number that can't be mixed with others: `using LinkId = Id<struct LinkTag>;`. 0 means "none".
template <class Tag, class Number = std::uint32_t>
struct Id {
  Number value = 0;
  explicit operator bool() const { return value != 0; }
  friend auto operator<=>(Id, Id) = default;
};

}  // namespace van

template <class Tag, class Number>
struct std::hash<van::Id<Tag, Number>> {
  std::size_t operator()(van::Id<Tag, Number> id) const noexcept { return std::hash<Number>{}(id.value); }
};
