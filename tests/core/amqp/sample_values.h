#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/amqp/value.h"
#include "core/base/random.h"

namespace van::amqp::test {

inline std::string random_text(Rng& rng) { return rng.discriminator(rng.below(8) == 0 ? 300 : rng.below(12)); }

/// A number that is small, or has any number of bits.
template <class Number>
Number random_number(Rng& rng) {
  return static_cast<Number>(rng.next() >> rng.below(64));
}

inline Array random_array(Rng& rng) {
  Array array;
  const std::uint64_t count = rng.below(5);
  const std::uint64_t kind = rng.below(5);
  array.code = std::vector<std::uint8_t>{0xA3, 0x54, 0x53, 0x56, 0xC0}[kind];
  for (std::uint64_t i = 0; i < count; ++i) {
    if (kind == 0) array.elements.emplace_back(Symbol{rng.discriminator(rng.below(9))});
    if (kind == 1) array.elements.emplace_back(random_number<std::int8_t>(rng) + 0);
    if (kind == 2) array.elements.emplace_back(std::uint64_t{random_number<std::uint8_t>(rng)});
    if (kind == 3) array.elements.emplace_back(rng.below(2) == 0);
    if (kind == 4) array.elements.emplace_back(List{random_number<std::uint32_t>(rng), "x"});
  }
  if (rng.below(3) == 0) array.descriptors.emplace_back(Symbol{"van:sample"});
  return array;
}

/// Any value, of at most `depth` levels of compounds.
inline Value random_value(Rng& rng, unsigned depth) {
  switch (rng.below(depth > 0 ? 23 : 19)) {
    case 0:
      return {};
    case 1:
      return rng.below(2) == 0;
    case 2:
      return random_number<std::uint8_t>(rng);
    case 3:
      return random_number<std::uint16_t>(rng);
    case 4:
      return random_number<std::uint32_t>(rng);
    case 5:
      return random_number<std::uint64_t>(rng);
    case 6:
      return random_number<std::int8_t>(rng);
    case 7:
      return random_number<std::int16_t>(rng);
    case 8:
      return random_number<std::int32_t>(rng);
    case 9:
      return random_number<std::int64_t>(rng);
    case 10:
      return static_cast<float>(rng.unit());
    case 11:
      return rng.unit();
    case 12:
      return Char{static_cast<std::uint32_t>(rng.below(0xD800))};
    case 13:
      return Timestamp{random_number<std::int64_t>(rng)};
    case 14:
      return Uuid{{1, 2, 3, static_cast<std::uint8_t>(rng.below(256))}};
    case 15:
      return Decimal{Bytes(std::size_t{4} << rng.below(3), 7)};
    case 16:
      return Binary(rng.below(300), 0xFE);
    case 17:
      return random_text(rng);
    case 18:
      return Symbol{random_text(rng)};
    case 19: {
      List list;
      for (std::uint64_t count = rng.below(6); count > 0; --count) list.push_back(random_value(rng, depth - 1));
      return list;
    }
    case 20: {
      Map map;
      for (std::uint64_t count = rng.below(6); count > 0; --count) {
        map.emplace_back(Value{static_cast<std::uint32_t>(count)}, random_value(rng, depth - 1));
      }
      return map;
    }
    case 21:
      return random_array(rng);
    default:
      return Described{{random_number<std::uint64_t>(rng), random_value(rng, depth - 1)}};
  }
}

}  // namespace van::amqp::test
