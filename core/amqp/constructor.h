#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

/// The constructor octets of AMQP 1.0 §1.6 and what follows them (§1.2).
namespace van::amqp::constructor {

inline constexpr std::uint8_t described = 0x00;
inline constexpr std::uint8_t null = 0x40;
inline constexpr std::uint8_t boolean_true = 0x41, boolean_false = 0x42, boolean = 0x56;
inline constexpr std::uint8_t ubyte = 0x50, ushort = 0x60;
inline constexpr std::uint8_t uint = 0x70, smalluint = 0x52, uint0 = 0x43;
inline constexpr std::uint8_t ulong = 0x80, smallulong = 0x53, ulong0 = 0x44;
inline constexpr std::uint8_t byte = 0x51, short16 = 0x61;
inline constexpr std::uint8_t int32 = 0x71, smallint = 0x54, long64 = 0x81, smalllong = 0x55;
inline constexpr std::uint8_t float32 = 0x72, double64 = 0x82;
inline constexpr std::uint8_t decimal32 = 0x74, decimal64 = 0x84, decimal128 = 0x94;
inline constexpr std::uint8_t character = 0x73, timestamp = 0x83, uuid = 0x98;
inline constexpr std::uint8_t binary8 = 0xA0, binary32 = 0xB0;
inline constexpr std::uint8_t string8 = 0xA1, string32 = 0xB1;
inline constexpr std::uint8_t symbol8 = 0xA3, symbol32 = 0xB3;
inline constexpr std::uint8_t list0 = 0x45, list8 = 0xC0, list32 = 0xD0;
inline constexpr std::uint8_t map8 = 0xC1, map32 = 0xD1;
inline constexpr std::uint8_t array8 = 0xE0, array32 = 0xF0;

constexpr bool is_known(std::uint8_t code) {
  switch (code) {
    case null: case boolean_true: case boolean_false: case boolean:
    case ubyte: case ushort: case uint: case smalluint: case uint0: case ulong: case smallulong: case ulong0:
    case byte: case short16: case int32: case smallint: case long64: case smalllong:
    case float32: case double64: case decimal32: case decimal64: case decimal128:
    case character: case timestamp: case uuid:
    case binary8: case binary32: case string8: case string32: case symbol8: case symbol32:
    case list0: case list8: case list32: case map8: case map32: case array8: case array32:
      return true;
    default:
      return false;
  }
}

/// §1.2: octets of data behind a fixed-width constructor; nullopt: a size comes first.
constexpr std::optional<std::size_t> fixed_width(std::uint8_t code) {
  switch (code >> 4) {
    case 0x4: return 0;
    case 0x5: return 1;
    case 0x6: return 2;
    case 0x7: return 4;
    case 0x8: return 8;
    case 0x9: return 16;
    default: return std::nullopt;
  }
}

/// §1.2: width of the size (and of the count, in compounds and arrays) behind the other constructors.
constexpr std::size_t size_width(std::uint8_t code) { return (code & 0x10) != 0 ? 4 : 1; }

/// The octets of a value of fixed width with its constructor; 0: a size comes first, or the constructor is unknown.
inline constexpr std::array<std::uint8_t, 256> kFixedExtents = [] {
  std::array<std::uint8_t, 256> extents{};
  for (unsigned code = 0; code < extents.size(); ++code) {
    const auto octet = static_cast<std::uint8_t>(code);
    if (is_known(octet) && fixed_width(octet)) extents[code] = static_cast<std::uint8_t>(1 + *fixed_width(octet));
  }
  return extents;
}();

}  // namespace van::amqp::constructor
