#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/amqp/constructor.h"
#include "core/amqp/error.h"
#include "core/amqp/value.h"
#include "core/base/bytes.h"

namespace van::amqp {

/// Big-endian numbers from borrowed bytes. Past the end everything gives 0 or nothing and ok() stays false: read all
/// fields, then ask once.
class Reader {
 public:
  explicit Reader(ByteView input) : begin_{input.data()}, at_{begin_}, end_{begin_ + input.size()} {}

  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  ByteView bytes(std::size_t count) {
    if (count > remaining()) return fail(), ByteView{};
    return {std::exchange(at_, at_ + count), count};
  }
  /// The next byte without taking it; 0 at the end, which does not make the reader bad.
  [[nodiscard]] std::uint8_t peek() const { return at_ == end_ ? std::uint8_t{0} : *at_; }
  void fail() {
    ok_ = false;
    at_ = end_;
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }  ///< while ok()
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] ByteView rest() const { return {at_, end_}; }

 private:
  template <class Number>
  Number number() {
    if (remaining() < sizeof(Number)) return fail(), Number{0};
    return big_endian<Number>(std::exchange(at_, at_ + sizeof(Number)));
  }
  template <class Number>
  static Number big_endian(const std::uint8_t* octets) {
    if constexpr (sizeof(Number) == 1) return octets[0];
    else if constexpr (sizeof(Number) == 2) return static_cast<Number>(octets[0] << 8 | octets[1]);
    else if constexpr (sizeof(Number) == 4) return Number{octets[0]} << 24 | Number{octets[1]} << 16 | Number{octets[2]} << 8 | octets[3];
    else return Number{big_endian<std::uint32_t>(octets)} << 32 | big_endian<std::uint32_t>(octets + 4);
  }

  const std::uint8_t* begin_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool ok_ = true;
};

/// A descriptor that is a number (§1.3.1), as nearly all are.
struct NumericDescriptor {
  std::uint64_t code = 0;
  std::size_t bytes = 0;  ///< with the constructor of the described value
};
/// The one at the beginning of `input`; nullopt when there is none, or not all of it.
inline std::optional<NumericDescriptor> numeric_descriptor(ByteView input) {
  if (input.size() < 3 || input[0] != constructor::described) return std::nullopt;
  if (input[1] == constructor::smallulong) return NumericDescriptor{input[2], 3};
  if (input[1] != constructor::ulong || input.size() < 10) return std::nullopt;
  return NumericDescriptor{Reader{input.subspan(2)}.u64(), 10};
}

struct DecodedValue {
  Value value;
  std::size_t bytes = 0;  ///< taken from the input
};
/// The value at the beginning of `input` (AMQP 1.0 §1.6), which must be whole. Bounded by limits::kValueDepth and
/// limits::kValueElements. Errors: decode_error, also for duplicate map keys, strings that are no UTF-8, symbols that
/// are no ASCII, and sizes or counts that do not agree.
Result<DecodedValue> decode_value(ByteView input);

/// How many bytes a value takes, its descriptors included, as soon as that can be said; it may be more than there are.
struct Extent {
  std::size_t bytes = 0;        ///< 0: more bytes are needed to know, or there is an error
  const char* error = nullptr;  ///< decode_error: what is no constructor, or more than limits::kValueDepth descriptors
};
/// Of the value at the beginning of `prefix`. Looks at no more than constructors and sizes.
Extent value_extent(ByteView prefix);

/// The text of a string or a symbol that is the whole of `value`; nullopt: another type, or not as decode_value() wants it.
std::optional<std::string_view> text_of(ByteView value);
/// Known to be right without being decoded: `value` is the whole octets of a text that is one, or of a number.
bool is_plain(ByteView value);

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
  std::optional<ByteView> binary() { return variable(constructor::binary8, "binary"); }
  std::optional<std::string_view> string();
  std::optional<std::string_view> symbol();
  std::vector<std::string> symbols();  ///< a field with multiple="true": null, one symbol or an array of them (§1.4)
  Map map();                           ///< empty when absent
  Value value();                       ///< any type, checked as decode_value(); null when absent
  std::optional<ByteView> raw();       ///< the bytes of a value of any type, its inside unchecked
  std::optional<ByteView> checked();   ///< the same, checked as value()
  std::optional<std::string_view> text();  ///< a string or symbol; nullopt for any other type, checked as value()
  void skip(std::size_t fields = 1);       ///< passes over fields without looking inside

  /// Marks the list as wrong, unless it is so already.
  void fail(std::string reason, std::string_view condition = condition::decode_error);
  [[nodiscard]] bool ok() const { return error_ == nullptr; }
  [[nodiscard]] Unexpected<Error> error() const;                ///< only when !ok()
  [[nodiscard]] std::uint32_t count() const { return count_; }  ///< fields there are, nulls included
  [[nodiscard]] bool at_end() const { return ok() && index_ == count_ && reader_.remaining() == 0; }  ///< nothing is left, as it must be
  [[nodiscard]] std::uint32_t index() const { return index_; }  ///< of the next field

 private:
  /// Takes the constructor of the next field; null's when that is null, missing or broken.
  std::uint8_t next_constructor() {
    if (!ok() || index_ >= count_) return constructor::null;
    ++index_;
    if (reader_.remaining() > 0) return reader_.u8();
    fail("list cut short");
    return constructor::null;
  }
  /// `field`, unless the octets ended in it.
  template <class T>
  std::optional<T> whole(T field, std::string_view wanted) {
    if (reader_.ok()) return field;
    wrong_type(wanted);
    return std::nullopt;
  }
  std::nullopt_t wrong_type(std::string_view wanted);
  void check(ByteView octets);  ///< of the field just taken
  /// Of the type with `short_code`; the long form's is that | 0x10 (§1.2.2).
  std::optional<ByteView> variable(std::uint8_t short_code, std::string_view wanted);

  Reader reader_;
  std::uint32_t count_;
  std::uint32_t index_ = 0;
  std::unique_ptr<Error> error_;
};

// The types of nearly all fields of frames: inline, because a frame is little else.

inline std::optional<bool> FieldReader::boolean() {
  const std::uint8_t code = next_constructor();
  if (code == constructor::null) return std::nullopt;
  if (code == constructor::boolean_true) return true;
  if (code == constructor::boolean_false) return false;
  const std::uint8_t octet = code == constructor::boolean ? reader_.u8() : std::uint8_t{2};
  if (octet > 1) return wrong_type("boolean");
  return whole(octet == 1, "boolean");
}

inline std::optional<std::uint32_t> FieldReader::uint() {
  const std::uint8_t code = next_constructor();
  if (code == constructor::null) return std::nullopt;
  if (code == constructor::smalluint) return whole<std::uint32_t>(reader_.u8(), "uint");
  if (code == constructor::uint0) return 0;
  if (code == constructor::uint) return whole(reader_.u32(), "uint");
  return wrong_type("uint");
}

inline std::optional<ByteView> FieldReader::variable(std::uint8_t short_code, std::string_view wanted) {
  const std::uint8_t code = next_constructor();
  if (code == constructor::null) return std::nullopt;
  if (code == short_code) return whole(reader_.bytes(reader_.u8()), wanted);
  if (code == (short_code | 0x10)) return whole(reader_.bytes(reader_.u32()), wanted);
  return wrong_type(wanted);
}

/// The fields of the list at the beginning of `input`, which must be whole.
struct ListView {
  FieldReader fields;
  std::size_t bytes = 0;  ///< taken from the input
};
/// Errors: decode_error.
Result<ListView> decode_list(ByteView input);
/// The map there, its keys and values as if they were fields: what they are, and whether a key comes twice, is unchecked.
Result<ListView> decode_map(ByteView input);

/// A described list, as all performatives and most sections are.
struct DescribedList {
  std::uint64_t descriptor = 0;
  FieldReader fields;
  std::size_t bytes = 0;  ///< taken from the input
};
/// Errors: decode_error when `input` does not begin with a whole described list whose descriptor has a code.
Result<DescribedList> decode_described_list(ByteView input);

}  // namespace van::amqp
