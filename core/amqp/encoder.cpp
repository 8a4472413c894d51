#include "core/amqp/encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "core/amqp/constructor.h"
#include "core/base/assert.h"

namespace van::amqp {
namespace {

constexpr std::uint32_t kShortMax = 255;  // sizes and counts of one octet

template <class Number>
void put(Bytes& out, Number value) {
  using Bits = std::make_unsigned_t<Number>;
  const auto bits = static_cast<Bits>(value);
  std::array<std::uint8_t, sizeof(Bits)> octets;
  for (std::size_t i = 0; i < sizeof(Bits); ++i) octets[i] = static_cast<std::uint8_t>(bits >> (8 * (sizeof(Bits) - 1 - i)));
  append(out, octets);
}

void overwrite(Bytes& out, std::size_t position, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) out[position + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

std::uint32_t size32(std::size_t size) {
  VAN_ASSERT(size <= std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(size);
}

/// Short or long form of a value with a size in front; `short_code` | 0x10 is the long constructor (§1.2.2).
void put_variable(Bytes& out, std::uint8_t short_code, ByteView octets) {
  if (octets.size() <= kShortMax) {
    out.push_back(short_code);
    out.push_back(static_cast<std::uint8_t>(octets.size()));
  } else {
    out.push_back(short_code | 0x10);
    put(out, size32(octets.size()));
  }
  append(out, octets);
}

// Compounds and arrays are written in their short form, 3 octets of constructor, size and count, and lengthened when
// they turn out not to fit it.
constexpr std::size_t kLongHeader = 9, kShortHeader = 3;

std::size_t begin_compound(Bytes& out) {
  const std::size_t start = out.size();
  for (std::size_t i = 0; i < kShortHeader; ++i) out.push_back(0);
  return start;
}

void end_compound(Bytes& out, std::size_t start, std::uint8_t short_code, std::uint32_t count) {
  const std::size_t body = out.size() - start - kShortHeader;
  if (body + 1 <= kShortMax && count <= kShortMax) {
    out[start] = short_code;
    out[start + 1] = static_cast<std::uint8_t>(body + 1);
    out[start + 2] = static_cast<std::uint8_t>(count);
  } else {
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(start), kLongHeader - kShortHeader, 0);
    out[start] = short_code | 0x10;
    overwrite(out, start + 1, size32(body + 4));
    overwrite(out, start + 5, count);
  }
}

void put_list(Bytes& out, const List& list);
void put_array(Bytes& out, const Array& array);

// ---- Elements of arrays: data only, all behind one constructor. ----

/// The constructor of `value`'s type to begin with.
struct FirstConstructor {
  std::uint8_t operator()(std::monostate) const { return constructor::null; }
  std::uint8_t operator()(bool) const { return constructor::boolean; }
  std::uint8_t operator()(std::uint8_t) const { return constructor::ubyte; }
  std::uint8_t operator()(std::uint16_t) const { return constructor::ushort; }
  std::uint8_t operator()(std::uint32_t) const { return constructor::smalluint; }
  std::uint8_t operator()(std::uint64_t) const { return constructor::smallulong; }
  std::uint8_t operator()(std::int8_t) const { return constructor::byte; }
  std::uint8_t operator()(std::int16_t) const { return constructor::short16; }
  std::uint8_t operator()(std::int32_t) const { return constructor::smallint; }
  std::uint8_t operator()(std::int64_t) const { return constructor::smalllong; }
  std::uint8_t operator()(float) const { return constructor::float32; }
  std::uint8_t operator()(double) const { return constructor::double64; }
  std::uint8_t operator()(Char) const { return constructor::character; }
  std::uint8_t operator()(Timestamp) const { return constructor::timestamp; }
  std::uint8_t operator()(const Uuid&) const { return constructor::uuid; }
  std::uint8_t operator()(const Decimal& decimal) const {
    return decimal.octets.size() == 4   ? constructor::decimal32
           : decimal.octets.size() == 8 ? constructor::decimal64
                                        : constructor::decimal128;
  }
  std::uint8_t operator()(const Binary&) const { return constructor::binary8; }
  std::uint8_t operator()(const std::string&) const { return constructor::string8; }
  std::uint8_t operator()(const Symbol&) const { return constructor::symbol8; }
  std::uint8_t operator()(const List&) const { return constructor::list8; }
  std::uint8_t operator()(const Map&) const { return constructor::map8; }
  std::uint8_t operator()(const Array&) const { return constructor::array8; }
  std::uint8_t operator()(const Described&) const {
    VAN_ASSERT(false && "described elements are written with Array::descriptors");
    return constructor::null;
  }
};

/// The constructor of the same type that fits every value.
std::uint8_t widest(std::uint8_t code) {
  switch (code) {
    case constructor::boolean_true:
    case constructor::boolean_false:
      return constructor::boolean;
    case constructor::uint0:
    case constructor::smalluint:
      return constructor::uint;
    case constructor::ulong0:
    case constructor::smallulong:
      return constructor::ulong;
    case constructor::smallint:
      return constructor::int32;
    case constructor::smalllong:
      return constructor::long64;
    case constructor::list0:
    case constructor::list8:
      return constructor::list32;
    case constructor::map8:
    case constructor::array8:
    case constructor::binary8:
    case constructor::string8:
    case constructor::symbol8:
      return code | 0x10;
    default:
      return code;
  }
}

/// Writes the data of one element; false when it does not fit `code`. Asserts that it is of code's type.
class ElementWriter {
 public:
  ElementWriter(Bytes& out, std::uint8_t code) : out_{out}, code_{code} {}

  bool operator()(std::monostate) { return is(constructor::null); }
  bool operator()(bool value) {
    if (code_ == constructor::boolean) out_.push_back(value ? 1 : 0);
    return code_ == constructor::boolean || code_ == (value ? constructor::boolean_true : constructor::boolean_false);
  }
  bool operator()(std::uint32_t value) {
    return integer(value, constructor::uint0, constructor::smalluint, std::uint8_t{});
  }
  bool operator()(std::uint64_t value) {
    return integer(value, constructor::ulong0, constructor::smallulong, std::uint8_t{});
  }
  bool operator()(std::int32_t value) {
    return integer(value, constructor::null, constructor::smallint, std::int8_t{});
  }
  bool operator()(std::int64_t value) {
    return integer(value, constructor::null, constructor::smalllong, std::int8_t{});
  }
  bool operator()(std::uint8_t value) { return fixed(value); }
  bool operator()(std::uint16_t value) { return fixed(value); }
  bool operator()(std::int8_t value) { return fixed(value); }
  bool operator()(std::int16_t value) { return fixed(value); }
  bool operator()(float value) { return fixed(std::bit_cast<std::uint32_t>(value)); }
  bool operator()(double value) { return fixed(std::bit_cast<std::uint64_t>(value)); }
  bool operator()(Char value) { return fixed(value.code_point); }
  bool operator()(Timestamp value) { return fixed(value.milliseconds); }
  bool operator()(const Uuid& value) { return octets(value.bytes); }
  bool operator()(const Decimal& value) { return octets(value.octets); }
  bool operator()(const Binary& value) { return variable(value); }
  bool operator()(const std::string& value) { return variable(as_bytes(value)); }
  bool operator()(const Symbol& value) { return variable(as_bytes(value.text)); }
  bool operator()(const List& value);
  bool operator()(const Map& value);
  bool operator()(const Array& value);
  bool operator()(const Described&) { return false; }

 private:
  [[nodiscard]] bool is(std::uint8_t code) const { return code_ == code; }

  template <class Number>
  bool fixed(Number value) {
    put(out_, value);
    return true;
  }
  bool octets(ByteView value) {
    append(out_, value);
    return true;
  }
  /// `Small` is the type of the one-octet form.
  template <class Number, class Small>
  bool integer(Number value, std::uint8_t zero_code, std::uint8_t small_code, Small) {
    if (is(zero_code)) return value == 0;
    if (!is(small_code)) return fixed(value);
    if (!std::in_range<Small>(value)) return false;
    return fixed(static_cast<Small>(value));
  }
  bool variable(ByteView value) {
    if (constructor::size_width(code_) == 1) {
      if (value.size() > kShortMax) return false;
      out_.push_back(static_cast<std::uint8_t>(value.size()));
    } else {
      put(out_, size32(value.size()));
    }
    return octets(value);
  }
  /// A compound or array was written at `start` in its smallest form; puts it in the form of code_.
  bool reshape(std::size_t start);

  Bytes& out_;
  std::uint8_t code_;
};

bool ElementWriter::reshape(std::size_t start) {
  const auto position = [this](std::size_t index) { return out_.begin() + static_cast<std::ptrdiff_t>(index); };
  const std::uint8_t written = out_[start];
  if (is(constructor::list0) || written == constructor::list0) {
    out_.resize(start);
    if (is(constructor::list0)) return written == constructor::list0;
    if (is(constructor::list8)) put(out_, std::uint16_t{0x0100});
    if (is(constructor::list32)) put(out_, std::uint64_t{0x0000'0004'0000'0000});
    return true;
  }
  if (written == code_) {
    out_.erase(position(start));
    return true;
  }
  if (constructor::size_width(code_) == 1) return false;
  const std::uint32_t size = out_[start + 1] + 3u;
  const std::uint32_t count = out_[start + 2];
  out_.insert(position(start), 5, 0);
  overwrite(out_, start, size);
  overwrite(out_, start + 4, count);
  return true;
}

bool ElementWriter::operator()(const List& value) {
  const std::size_t start = out_.size();
  put_list(out_, value);
  return reshape(start);
}

bool ElementWriter::operator()(const Map& value) {
  const std::size_t start = out_.size();
  Encoder{out_}.map(value);
  return reshape(start);
}

bool ElementWriter::operator()(const Array& value) {
  const std::size_t start = out_.size();
  put_array(out_, value);
  return reshape(start);
}

/// Writes an array's element constructor and elements; false, with `out` as it was, when one does not fit `code`.
bool put_elements(Bytes& out, const Array& array, std::uint8_t code) {
  const std::size_t start = out.size();
  Encoder encoder{out};
  for (const Value& descriptor : array.descriptors) {
    out.push_back(constructor::described);
    encoder.value(descriptor);
  }
  out.push_back(code);
  for (const Value& element : array.elements) {
    VAN_ASSERT(widest(std::visit(FirstConstructor{}, element.variant())) == widest(code));
    if (std::visit(ElementWriter{out, code}, element.variant())) continue;
    out.resize(start);
    return false;
  }
  return true;
}

void put_array(Bytes& out, const Array& array) {
  const std::size_t start = begin_compound(out);
  std::uint8_t code = array.code != 0 ? array.code : constructor::null;
  if (array.code == 0 && !array.elements.empty()) code = std::visit(FirstConstructor{}, array.elements[0].variant());
  if (!put_elements(out, array, code)) {
    const bool fits = put_elements(out, array, widest(code));
    VAN_ASSERT(fits);
  }
  end_compound(out, start, constructor::array8, size32(array.elements.size()));
}

/// Writes a value with its constructor.
class ValueWriter {
 public:
  explicit ValueWriter(Encoder& to) : to_{to} {}
  void operator()(std::monostate) { to_.null(); }
  void operator()(bool value) { to_.boolean(value); }
  void operator()(std::uint8_t value) { to_.ubyte(value); }
  void operator()(std::uint16_t value) { to_.ushort(value); }
  void operator()(std::uint32_t value) { to_.uint(value); }
  void operator()(std::uint64_t value) { to_.ulong(value); }
  void operator()(std::int8_t value) { fixed(constructor::byte, value); }
  void operator()(std::int16_t value) { fixed(constructor::short16, value); }
  void operator()(std::int32_t value) { integer(constructor::smallint, constructor::int32, value); }
  void operator()(std::int64_t value) { integer(constructor::smalllong, constructor::long64, value); }
  void operator()(float value) { fixed(constructor::float32, std::bit_cast<std::uint32_t>(value)); }
  void operator()(double value) { fixed(constructor::double64, std::bit_cast<std::uint64_t>(value)); }
  void operator()(Char value) { fixed(constructor::character, value.code_point); }
  void operator()(Timestamp value) { fixed(constructor::timestamp, value.milliseconds); }
  void operator()(const Uuid& value) {
    to_.out().push_back(constructor::uuid);
    append(to_.out(), value.bytes);
  }
  void operator()(const Decimal& value) {
    VAN_ASSERT(value.octets.size() == 4 || value.octets.size() == 8 || value.octets.size() == 16);
    to_.out().push_back(FirstConstructor{}(value));
    append(to_.out(), value.octets);
  }
  void operator()(const Binary& value) { to_.binary(value); }
  void operator()(const std::string& value) { to_.string(value); }
  void operator()(const Symbol& value) { to_.symbol(value.text); }
  void operator()(const List& value) { put_list(to_.out(), value); }
  void operator()(const Map& value) { to_.map(value); }
  void operator()(const Array& value) { put_array(to_.out(), value); }
  void operator()(const Described& value);

 private:
  template <class Number>
  void fixed(std::uint8_t code, Number value) {
    to_.out().push_back(code);
    put(to_.out(), value);
  }
  template <class Number>
  void integer(std::uint8_t small_code, std::uint8_t code, Number value) {
    if (std::in_range<std::int8_t>(value)) return fixed(small_code, static_cast<std::int8_t>(value));
    fixed(code, value);
  }

  Encoder& to_;
};

void put_list(Bytes& out, const List& list) {
  if (list.empty()) return out.push_back(constructor::list0);
  const std::size_t start = begin_compound(out);
  Encoder encoder{out};
  for (const Value& element : list) encoder.value(element);
  end_compound(out, start, constructor::list8, size32(list.size()));
}

void ValueWriter::operator()(const Described& value) {
  VAN_ASSERT(value.parts.size() == 2);
  to_.out().push_back(constructor::described);
  to_.value(value.parts[0]);
  to_.value(value.parts[1]);
}

}  // namespace

void Encoder::null() { out_.push_back(constructor::null); }

void Encoder::boolean(bool value) { out_.push_back(value ? constructor::boolean_true : constructor::boolean_false); }

void Encoder::ubyte(std::uint8_t value) {
  out_.push_back(constructor::ubyte);
  out_.push_back(value);
}

void Encoder::ushort(std::uint16_t value) {
  out_.push_back(constructor::ushort);
  put(out_, value);
}

void Encoder::uint(std::uint32_t value) {
  if (value == 0) return out_.push_back(constructor::uint0);
  out_.push_back(value <= kShortMax ? constructor::smalluint : constructor::uint);
  if (value <= kShortMax) return out_.push_back(static_cast<std::uint8_t>(value));
  put(out_, value);
}

void Encoder::ulong(std::uint64_t value) {
  if (value == 0) return out_.push_back(constructor::ulong0);
  out_.push_back(value <= kShortMax ? constructor::smallulong : constructor::ulong);
  if (value <= kShortMax) return out_.push_back(static_cast<std::uint8_t>(value));
  put(out_, value);
}

void Encoder::binary(ByteView value) { put_variable(out_, constructor::binary8, value); }

void Encoder::string(std::string_view value) { put_variable(out_, constructor::string8, as_bytes(value)); }

void Encoder::symbol(std::string_view value) { put_variable(out_, constructor::symbol8, as_bytes(value)); }

void Encoder::map(const Map& value) {
  const std::size_t start = begin_compound(out_);
  for (const auto& [key, mapped] : value) {
    this->value(key);
    this->value(mapped);
  }
  end_compound(out_, start, constructor::map8, size32(2 * value.size()));
}

void Encoder::value(const Value& value) { std::visit(ValueWriter{*this}, value.variant()); }

void Encoder::descriptor(std::uint64_t code) {
  out_.push_back(constructor::described);
  ulong(code);
}

void Encoder::symbols(const std::vector<std::string>& values) {
  if (values.empty()) return null();
  if (values.size() == 1) return symbol(values[0]);
  symbol_array(values);
}

void Encoder::symbol_array(const std::vector<std::string>& values) {
  Array array{constructor::symbol8, {}, {}};
  for (const std::string& text : values) array.elements.emplace_back(Symbol{text});
  put_array(out_, array);
}

CompoundEncoder::CompoundEncoder(Encoder& to, Kind kind) : to_{to}, kind_{kind}, start_{begin_compound(to.out())} {}

Encoder& CompoundEncoder::item() {
  count_ += nulls_ + 1;
  for (; nulls_ > 0; --nulls_) to_.null();
  return to_;
}

void CompoundEncoder::close() {
  if (kind_ == Kind::list && count_ == 0) {
    to_.out().resize(start_);
    return to_.out().push_back(constructor::list0);
  }
  VAN_ASSERT(kind_ == Kind::list || nulls_ == 0);
  end_compound(to_.out(), start_, kind_ == Kind::list ? constructor::list8 : constructor::map8, count_);
}

Bytes encode_value(const Value& value) {
  Bytes out;
  Encoder{out}.value(value);
  return out;
}

}  // namespace van::amqp
