#include <utility>

#include "core/amqp/decoder.h"
#include "core/amqp/text.h"
#include "core/base/assert.h"

namespace van::amqp {
namespace {

/// A number needs no look at its octets.
bool is_number(std::uint8_t code) {
  return constructor::kFixedExtents[code] != 0 && code != constructor::boolean && code != constructor::character;
}

}  // namespace

bool is_plain(ByteView value) { return is_number(value[0]) || text_of(value); }

void FieldReader::fail(std::string reason, std::string_view condition) {
  if (ok()) error_ = std::make_unique<Error>(Error{std::string{condition}, std::move(reason), {}});
}

Unexpected<Error> FieldReader::error() const {
  VAN_ASSERT(!ok());
  return {*error_};
}

std::nullopt_t FieldReader::wrong_type(std::string_view wanted) {
  fail("field " + std::to_string(index_ - 1) + " is no " + std::string{wanted});
  return std::nullopt;
}

std::optional<std::uint8_t> FieldReader::ubyte() {
  const std::uint8_t code = next_constructor();
  if (code == constructor::null) return std::nullopt;
  return code == constructor::ubyte ? whole(reader_.u8(), "ubyte") : wrong_type("ubyte");
}

std::optional<std::uint16_t> FieldReader::ushort() {
  const std::uint8_t code = next_constructor();
  if (code == constructor::null) return std::nullopt;
  return code == constructor::ushort ? whole(reader_.u16(), "ushort") : wrong_type("ushort");
}

std::optional<std::uint64_t> FieldReader::ulong() {
  const std::uint8_t code = next_constructor();
  if (code == constructor::null) return std::nullopt;
  if (code == constructor::smallulong) return whole<std::uint64_t>(reader_.u8(), "ulong");
  if (code == constructor::ulong0) return 0;
  if (code == constructor::ulong) return whole(reader_.u64(), "ulong");
  return wrong_type("ulong");
}

std::optional<std::string_view> FieldReader::string() {
  const auto octets = variable(constructor::string8, "string");
  if (!octets) return std::nullopt;
  if (!is_utf8(as_text(*octets))) return wrong_type("UTF-8 string");
  return as_text(*octets);
}

std::optional<std::string_view> FieldReader::symbol() {
  const auto octets = variable(constructor::symbol8, "symbol");
  if (!octets) return std::nullopt;
  if (!is_ascii(as_text(*octets))) return wrong_type("ASCII symbol");
  return as_text(*octets);
}

std::vector<std::string> FieldReader::symbols() {
  const Value field = value();
  std::vector<std::string> result;
  if (const auto* one = field.get_if<Symbol>()) {
    result.push_back(one->text);
  } else if (const auto* many = field.get_if<Array>()) {
    for (const Value& element : many->elements) {
      if (const auto* symbol = element.get_if<Symbol>()) {
        result.push_back(symbol->text);
      } else {
        wrong_type("array of symbols");
      }
    }
  } else if (!field.is_null()) {
    wrong_type("symbol or array of symbols");
  }
  return result;
}

Map FieldReader::map() {
  Value field = value();
  if (field.is_null()) return {};
  if (field.map() == nullptr) {
    wrong_type("map");
    return {};
  }
  return std::get<Map>(std::move(field).variant());
}

Value FieldReader::value() {
  if (!ok() || index_ >= count_) return {};
  ++index_;
  if (reader_.peek() == constructor::null) {  // 0 where nothing is left
    reader_.bytes(1);
    return {};
  }
  auto decoded = decode_value(reader_.rest());
  if (!decoded) {
    fail("field " + std::to_string(index_ - 1) + ": " + decoded.error().description);
    return {};
  }
  reader_.bytes(decoded->bytes);
  return std::move(decoded->value);
}

std::optional<ByteView> FieldReader::raw() {
  if (!ok() || index_ >= count_) return std::nullopt;
  ++index_;
  if (reader_.peek() == constructor::null) {  // as most fields are; 0 where nothing is left
    reader_.bytes(1);
    return std::nullopt;
  }
  const Extent extent = value_extent(reader_.rest());
  if (extent.bytes == 0 || extent.bytes > reader_.remaining()) {
    fail("list cut short");
    return std::nullopt;
  }
  return reader_.bytes(extent.bytes);
}

std::optional<ByteView> FieldReader::checked() {
  const auto octets = raw();
  if (octets && !is_plain(*octets)) check(*octets);
  return ok() ? octets : std::nullopt;
}

std::optional<std::string_view> FieldReader::text() {
  if (reader_.peek() == constructor::string8) return string();  // as nearly all are
  const auto octets = raw();
  if (!octets) return std::nullopt;
  const auto text = text_of(*octets);
  if (!text) check(*octets);
  return text;
}

void FieldReader::check(ByteView octets) {
  const auto decoded = decode_value(octets);
  if (!decoded) fail("field " + std::to_string(index_ - 1) + ": " + decoded.error().description);
}

void FieldReader::skip(std::size_t fields) {
  for (; fields > 0 && ok() && index_ < count_; --fields) raw();
}

}  // namespace van::amqp
