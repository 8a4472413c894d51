#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/amqp/error.h"
#include "core/amqp/value.h"
#include "core/base/bytes.h"

namespace van::amqp {

/// Big-endian numbers from borrowed bytes. Past the end everything gives 0 or nothing and ok() stays false: read all
/// fields, then ask once.
class Reader {
 public:
  explicit Reader(ByteView input) : input_{input} {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  ByteView bytes(std::size_t count) {
    if (count > remaining()) ok_ = false;
    if (!ok_) return {};
    const ByteView result = input_.subspan(position_, count);
    position_ += count;
    return result;
  }
  /// The next byte without taking it; 0 at the end, which does not make the reader bad.
  [[nodiscard]] std::uint8_t peek() const { return remaining() == 0 ? std::uint8_t{0} : input_[position_]; }
  void fail() { ok_ = false; }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t position() const { return position_; }
  [[nodiscard]] std::size_t remaining() const { return ok_ ? input_.size() - position_ : 0; }
  [[nodiscard]] ByteView rest() const { return input_.last(remaining()); }

 private:
  std::uint64_t number(std::size_t width) {
    std::uint64_t value = 0;
    for (const std::uint8_t octet : bytes(width)) value = value << 8 | octet;
    return value;
  }

  ByteView input_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

/// A descriptor that is a number (§1.3.1), as nearly all are.
struct NumericDescriptor {
  std::uint64_t code = 0;
  std::size_t bytes = 0;  ///< with the constructor of the described value
};
/// The one at the beginning of `input`; nullopt when there is none, or not all of it.
std::optional<NumericDescriptor> numeric_descriptor(ByteView input);

struct DecodedValue {
  Value value;
  std::size_t bytes = 0;  ///< taken from the input
};
/// The value at the beginning of `input` (AMQP 1.0 §1.6), which must be whole. Bounded by limits::kValueDepth and
/// limits::kValueElements. Errors: decode_error, also for duplicate map keys, strings that are no UTF-8, symbols that
/// are no ASCII, and sizes or counts that do not agree.
Result<DecodedValue> decode_value(ByteView input);

/// How many bytes the value at the beginning of `prefix` takes, its descriptors included, as soon as that can be said;
/// it may be more than `prefix` holds. nullopt: more bytes are needed. Looks at no more than constructors and sizes.
/// Errors: decode_error for what is no constructor, or more than limits::kValueDepth descriptors.
Result<std::optional<std::size_t>> value_extent(ByteView prefix);

/// The fields of a list, one after the other (§1.4): a null and a missing field are both nullopt, what follows the
/// fields asked for is ignored. Sticky: a field of a wrong type gives nullopt, and ok() stays false. Borrows its input.
class FieldReader {
 public:
  FieldReader(ByteView fields, std::uint32_t count) : reader_{fields}, count_{count} {}

  std::optional<bool> boolean();
  std::optional<std::uint8_t> ubyte();
  std::optional<std::uint16_t> ushort();
  std::optional<std::uint32_t> uint();
  std::optional<std::uint64_t> ulong();
  std::optional<ByteView> binary();
  std::optional<std::string_view> string();
  std::optional<std::string_view> symbol();
  std::vector<std::string> symbols();  ///< a field with multiple="true": null, one symbol or an array of them (§1.4)
  Map map();                           ///< empty when absent
  Value value();                       ///< any type, checked as decode_value(); null when absent
  std::optional<ByteView> raw();       ///< the bytes of a value of any type, its inside unchecked
  void skip(std::size_t fields = 1);   ///< passes over fields without looking inside

  /// Marks the list as wrong, unless it is so already.
  void fail(std::string reason, std::string_view condition = condition::decode_error);
  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] Unexpected<Error> error() const;                ///< only when !ok()
  [[nodiscard]] std::uint32_t count() const { return count_; }  ///< fields there are, nulls included
  [[nodiscard]] bool at_end() const { return index_ == count_ && reader_.remaining() == 0; }  ///< nothing is left, as it must be
  [[nodiscard]] std::uint32_t index() const { return index_; }  ///< of the next field

 private:
  /// Takes the constructor of the next field; nullopt when that is null, missing or broken.
  std::optional<std::uint8_t> next_constructor();
  void wrong_type(std::string_view wanted);
  std::optional<ByteView> variable(std::uint8_t short_code, std::uint8_t code, std::string_view wanted);

  Reader reader_;
  std::uint32_t count_;
  std::uint32_t index_ = 0;
  bool failed_ = false;
  std::string_view condition_;
  std::string reason_;
};

/// The fields of the list at the beginning of `input`, which must be whole.
struct ListView {
  FieldReader fields;
  std::size_t bytes = 0;  ///< taken from the input
};
/// Errors: decode_error.
Result<ListView> decode_list(ByteView input);

/// A described list, as all performatives and most sections are.
struct DescribedList {
  std::uint64_t descriptor = 0;
  FieldReader fields;
  std::size_t bytes = 0;  ///< taken from the input
};
/// Errors: decode_error when `input` does not begin with a whole described list whose descriptor has a code.
Result<DescribedList> decode_described_list(ByteView input);

}  // namespace van::amqp
