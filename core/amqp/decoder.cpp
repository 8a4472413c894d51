#include "core/amqp/decoder.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/amqp/constructor.h"
#include "core/amqp/descriptor.h"
#include "core/amqp/encoder.h"
#include "core/amqp/text.h"
#include "core/base/assert.h"
#include "core/base/limits.h"

namespace van::amqp {
namespace {

/// Reads values and says with the first thing that is wrong. After a failure only nulls come.
class ValueDecoder {
 public:
  Value read(Reader& input, unsigned depth);
  [[nodiscard]] const char* error() const { return error_; }

 private:
  Value body(std::uint8_t code, Reader& input, unsigned depth);
  Value described(Reader& input, unsigned depth);
  List list(std::uint8_t code, Reader& input, unsigned depth);
  Map map(std::uint8_t code, Reader& input, unsigned depth);
  Array array(std::uint8_t code, Reader& input, unsigned depth);
  std::string text(std::uint8_t code, Reader& input);
  std::string ascii(std::uint8_t code, Reader& input);
  bool boolean(Reader& input);
  Char character(Reader& input);

  struct Compound {
    Reader content;
    std::uint32_t count;
  };
  Compound open(std::uint8_t code, Reader& input);
  void expect_end(const Reader& input);
  bool spend(std::uint32_t elements);

  Value fail(const char* reason) {
    if (error_ == nullptr) error_ = reason;
    return {};
  }
  [[nodiscard]] bool failed() const { return error_ != nullptr; }

  std::size_t elements_left_ = limits::kValueElements;
  const char* error_ = nullptr;
};

inline std::uint32_t read_size(std::uint8_t code, Reader& input) {
  return constructor::size_width(code) == 4 ? input.u32() : input.u8();
}

inline ByteView read_variable(std::uint8_t code, Reader& input) { return input.bytes(read_size(code, input)); }

template <std::size_t Size>
Decimal decimal(Reader& input) {
  return Decimal{to_bytes(input.bytes(Size))};
}

Uuid read_uuid(Reader& input) {
  Uuid uuid;
  const ByteView octets = input.bytes(uuid.bytes.size());
  std::copy(octets.begin(), octets.end(), uuid.bytes.begin());
  return uuid;
}

bool has_duplicate_keys(const Map& map) {
  constexpr std::size_t kFewKeys = 8;
  if (map.size() <= kFewKeys) {
    for (std::size_t i = 0; i < map.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (map[i].first == map[j].first) return true;
      }
    }
    return false;
  }
  std::vector<Bytes> keys;  // equal values have equal encodings, and these have an order
  keys.reserve(map.size());
  for (const auto& entry : map) keys.push_back(encode_value(entry.first));
  std::sort(keys.begin(), keys.end(), [](const Bytes& a, const Bytes& b) { return as_text(a) < as_text(b); });
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

Value ValueDecoder::read(Reader& input, unsigned depth) {
  if (failed()) return {};
  if (depth >= limits::kValueDepth) return fail("values nested too deeply");
  const std::uint8_t code = input.u8();
  if (!input.ok()) return fail("value cut short");
  if (code == constructor::described) return described(input, depth);
  return body(code, input, depth);
}

Value ValueDecoder::described(Reader& input, unsigned depth) {
  Described value;
  value.parts.reserve(2);
  value.parts.push_back(read(input, depth + 1));
  value.parts.push_back(read(input, depth + 1));
  return value;
}

/// The data behind the constructor `code`: §1.6.
Value ValueDecoder::body(std::uint8_t code, Reader& input, unsigned depth) {
  Value value;
  switch (code) {
    case constructor::null:
      break;
    case constructor::boolean_true:
      value = true;
      break;
    case constructor::boolean_false:
      value = false;
      break;
    case constructor::boolean:
      value = boolean(input);
      break;
    case constructor::ubyte:
      value = input.u8();
      break;
    case constructor::ushort:
      value = input.u16();
      break;
    case constructor::uint:
      value = input.u32();
      break;
    case constructor::smalluint:
      value = std::uint32_t{input.u8()};
      break;
    case constructor::uint0:
      value = std::uint32_t{0};
      break;
    case constructor::ulong:
      value = input.u64();
      break;
    case constructor::smallulong:
      value = std::uint64_t{input.u8()};
      break;
    case constructor::ulong0:
      value = std::uint64_t{0};
      break;
    case constructor::byte:
      value = static_cast<std::int8_t>(input.u8());
      break;
    case constructor::short16:
      value = static_cast<std::int16_t>(input.u16());
      break;
    case constructor::int32:
      value = static_cast<std::int32_t>(input.u32());
      break;
    case constructor::smallint:
      value = std::int32_t{static_cast<std::int8_t>(input.u8())};
      break;
    case constructor::long64:
      value = static_cast<std::int64_t>(input.u64());
      break;
    case constructor::smalllong:
      value = std::int64_t{static_cast<std::int8_t>(input.u8())};
      break;
    case constructor::float32:
      value = std::bit_cast<float>(input.u32());
      break;
    case constructor::double64:
      value = std::bit_cast<double>(input.u64());
      break;
    case constructor::decimal32:
      value = decimal<4>(input);
      break;
    case constructor::decimal64:
      value = decimal<8>(input);
      break;
    case constructor::decimal128:
      value = decimal<16>(input);
      break;
    case constructor::character:
      value = character(input);
      break;
    case constructor::timestamp:
      value = Timestamp{static_cast<std::int64_t>(input.u64())};
      break;
    case constructor::uuid:
      value = read_uuid(input);
      break;
    case constructor::binary8:
    case constructor::binary32:
      value = to_bytes(read_variable(code, input));
      break;
    case constructor::string8:
    case constructor::string32:
      value = text(code, input);
      break;
    case constructor::symbol8:
    case constructor::symbol32:
      value = Symbol{ascii(code, input)};
      break;
    case constructor::list0:
      value = List{};
      break;
    case constructor::list8:
    case constructor::list32:
      value = list(code, input, depth);
      break;
    case constructor::map8:
    case constructor::map32:
      value = map(code, input, depth);
      break;
    case constructor::array8:
    case constructor::array32:
      value = array(code, input, depth);
      break;
    default:
      return fail("unknown constructor");
  }
  if (!input.ok()) return fail("value cut short");
  return value;
}

bool ValueDecoder::boolean(Reader& input) {
  const std::uint8_t octet = input.u8();
  if (octet > 1) fail("boolean is neither 0 nor 1");
  return octet == 1;
}

Char ValueDecoder::character(Reader& input) {
  const Char character{input.u32()};
  if (!is_code_point(character.code_point)) fail("char is no Unicode character");
  return character;
}

std::string ValueDecoder::text(std::uint8_t code, Reader& input) {
  const std::string_view text = as_text(read_variable(code, input));
  if (!is_utf8(text)) fail("string is no UTF-8");
  return std::string{text};
}

std::string ValueDecoder::ascii(std::uint8_t code, Reader& input) {
  const std::string_view text = as_text(read_variable(code, input));
  if (!is_ascii(text)) fail("symbol is no ASCII");
  return std::string{text};
}

/// Size and count of a compound or array; its content is exactly what the size says (§1.2.3, §1.2.4).
ValueDecoder::Compound ValueDecoder::open(std::uint8_t code, Reader& input) {
  Reader content{read_variable(code, input)};
  const std::uint32_t count = read_size(code, content);
  if (!input.ok() || !content.ok()) fail("value cut short");
  return {content, count};
}

void ValueDecoder::expect_end(const Reader& input) {
  if (!failed() && input.remaining() != 0) fail("size and count do not agree");
}

/// Charges `elements` before memory is taken for them.
bool ValueDecoder::spend(std::uint32_t elements) {
  if (elements > elements_left_) fail("too many elements");
  if (failed()) return false;
  elements_left_ -= elements;
  return true;
}

List ValueDecoder::list(std::uint8_t code, Reader& input, unsigned depth) {
  Compound compound = open(code, input);
  if (compound.count > compound.content.remaining()) fail("count exceeds size");
  if (!spend(compound.count)) return {};
  List list;
  list.reserve(compound.count);
  for (std::uint32_t i = 0; i < compound.count && !failed(); ++i) list.push_back(read(compound.content, depth + 1));
  expect_end(compound.content);
  return list;
}

Map ValueDecoder::map(std::uint8_t code, Reader& input, unsigned depth) {
  Compound compound = open(code, input);
  if (compound.count > compound.content.remaining()) fail("count exceeds size");
  if (compound.count % 2 != 0) fail("map with a key without value");
  if (!spend(compound.count)) return {};
  Map map;
  map.reserve(compound.count / 2);
  for (std::uint32_t i = 0; i < compound.count && !failed(); i += 2) {
    Value key = read(compound.content, depth + 1);
    map.emplace_back(std::move(key), read(compound.content, depth + 1));
  }
  expect_end(compound.content);
  if (!failed() && has_duplicate_keys(map)) fail("map with a key twice");
  return map;
}

Array ValueDecoder::array(std::uint8_t code, Reader& input, unsigned depth) {
  Compound compound = open(code, input);
  if (!spend(compound.count)) return {};  // elements may have no octets at all: only this bounds them
  Array array;
  Reader& content = compound.content;
  array.code = content.u8();
  while (array.code == constructor::described && content.ok() && !failed()) {
    if (array.descriptors.size() >= limits::kValueDepth) fail("values nested too deeply");
    array.descriptors.push_back(read(content, depth + 1));
    array.code = content.u8();
  }
  if (depth + 1 >= limits::kValueDepth) fail("values nested too deeply");
  if (!constructor::is_known(array.code)) fail("unknown constructor");
  const std::size_t octets_min = constructor::fixed_width(array.code).value_or(constructor::size_width(array.code));
  if (octets_min > 0 && compound.count > content.remaining() / octets_min) fail("count exceeds size");
  if (failed()) return {};
  array.elements.reserve(compound.count);
  for (std::uint32_t i = 0; i < compound.count && !failed(); ++i) {
    array.elements.push_back(body(array.code, content, depth + 1));
  }
  expect_end(content);
  return array;
}

/// A descriptor that is no number, or none.
Result<NumericDescriptor> decode_descriptor(ByteView input) {
  if (input.empty() || input[0] != constructor::described) {
    return failure(condition::decode_error, "described value expected");
  }
  const auto descriptor = decode_value(input.subspan(1));
  if (!descriptor) return Unexpected{descriptor.error()};
  const auto code = descriptor_code(descriptor->value);
  if (!code) return failure(condition::decode_error, "unknown descriptor");
  return NumericDescriptor{*code, 1 + descriptor->bytes};
}

Extent extent(ByteView prefix, unsigned depth) {
  if (depth >= limits::kValueDepth) return {0, "values nested too deeply"};
  if (prefix.empty()) return {};
  const std::uint8_t code = prefix[0];
  if (const std::size_t fixed = constructor::kFixedExtents[code]) return {fixed};
  if (code == constructor::described) {
    const Extent descriptor = extent(prefix.subspan(1), depth + 1);
    if (descriptor.bytes == 0) return descriptor;
    if (descriptor.bytes >= prefix.size()) return {};
    const std::size_t start = 1 + descriptor.bytes;
    const Extent value = extent(prefix.subspan(start), depth + 1);
    return value.bytes == 0 ? value : Extent{start + value.bytes};
  }
  if (!constructor::is_known(code)) return {0, "unknown constructor"};
  Reader header{prefix.subspan(1)};
  const std::size_t size = read_size(code, header);
  return header.ok() ? Extent{1 + header.position() + size} : Extent{};
}

/// The fields behind the constructor of a list or map.
Result<ListView> read_fields(std::uint8_t code, Reader& reader) {
  Reader content{read_variable(code, reader)};
  const std::uint32_t count = read_size(code, content);
  if (!reader.ok() || !content.ok()) return failure(condition::decode_error, "list cut short");
  if (count > content.remaining()) return failure(condition::decode_error, "list count exceeds its size");
  return ListView{FieldReader{content.rest(), count}, reader.position()};
}

}  // namespace

Result<DecodedValue> decode_value(ByteView input) {
  ValueDecoder decoder;
  Reader reader{input};
  Value value = decoder.read(reader, 0);
  if (decoder.error() != nullptr) return failure(condition::decode_error, decoder.error());
  return DecodedValue{std::move(value), reader.position()};
}

Extent value_extent(ByteView prefix) { return extent(prefix, 0); }

std::optional<std::string_view> text_of(ByteView value) {
  Reader reader{value};
  const std::uint8_t code = reader.u8();
  const bool is_string = code == constructor::string8 || code == constructor::string32;
  if (!is_string && code != constructor::symbol8 && code != constructor::symbol32) return std::nullopt;
  const std::string_view text = as_text(read_variable(code, reader));
  if (!reader.ok() || reader.remaining() != 0) return std::nullopt;
  return (is_string ? is_utf8(text) : is_ascii(text)) ? std::optional{text} : std::nullopt;
}

Result<ListView> decode_list(ByteView input) {
  Reader reader{input};
  const std::uint8_t code = reader.u8();
  if (code == constructor::list8 || code == constructor::list32) return read_fields(code, reader);
  if (code == constructor::list0) return ListView{FieldReader{{}, 0}, 1};
  return failure(condition::decode_error, "list expected");
}

Result<ListView> decode_map(ByteView input) {
  Reader reader{input};
  const std::uint8_t code = reader.u8();
  if (code == constructor::map8 || code == constructor::map32) return read_fields(code, reader);
  return failure(condition::decode_error, "map expected");
}

Result<DescribedList> decode_described_list(ByteView input) {
  auto descriptor = numeric_descriptor(input);
  if (!descriptor) {
    const auto other = decode_descriptor(input);
    if (!other) return Unexpected{other.error()};
    descriptor = *other;
  }
  auto list = decode_list(input.subspan(descriptor->bytes));
  if (!list) return Unexpected{list.error()};
  return DescribedList{descriptor->code, std::move(list->fields), descriptor->bytes + list->bytes};
}

}  // namespace van::amqp
