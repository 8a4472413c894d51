#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/amqp/value.h"
#include "core/base/bytes.h"

namespace van::amqp {

/// Appends AMQP values (AMQP 1.0 §1.6) to a byte vector, each in the smallest encoding of its type.
class Encoder {
 public:
  /// `out` must outlive the encoder.
  explicit Encoder(Bytes& out) : out_{out} {}

  void null();
  void boolean(bool value);
  void ubyte(std::uint8_t value);
  void ushort(std::uint16_t value);
  void uint(std::uint32_t value);
  void ulong(std::uint64_t value);
  void binary(ByteView value);
  void string(std::string_view value);
  void symbol(std::string_view value);
  void map(const Map& value);
  void value(const Value& value);
  /// A descriptor: the described value is to follow.
  void descriptor(std::uint64_t code);
  /// A field with multiple="true" (§1.4): null, one symbol, or an array of them.
  void symbols(const std::vector<std::string>& values);
  /// An array of symbols whatever their number (SASL mechanisms, open's capabilities as real routers send them).
  void symbol_array(const std::vector<std::string>& values);

  [[nodiscard]] Bytes& out() { return out_; }

 private:
  Bytes& out_;
};

/// Writes one list or map: call item() before each value, then close() once.
class CompoundEncoder {
 public:
  enum class Kind : std::uint8_t { list, map };
  CompoundEncoder(Encoder& to, Kind kind);
  CompoundEncoder(const CompoundEncoder&) = delete;
  CompoundEncoder& operator=(const CompoundEncoder&) = delete;

  /// Where exactly one value is to be written now.
  Encoder& item();
  /// A null field of a list; dropped when no item follows (§1.4).
  void skip() { ++nulls_; }
  void close();

 private:
  Encoder& to_;
  Kind kind_;
  std::size_t start_;  // of the constructor
  std::uint32_t count_ = 0;
  std::uint32_t nulls_ = 0;
};

/// One value on its own.
Bytes encode_value(const Value& value);

}  // namespace van::amqp
