#include <utility>

#include "core/amqp/constructor.h"
#include "core/amqp/decoder.h"
#include "core/amqp/text.h"
#include "core/base/assert.h"

namespace van::amqp {

void FieldReader::fail(std::string reason, std::string_view condition) {
  if (failed_) return;
  failed_ = true;
  condition_ = condition;
  reason_ = std::move(reason);
}

Unexpected<Error> FieldReader::error() const {
  VAN_ASSERT(failed_);
  return failure(condition_, reason_);
}

void FieldReader::wrong_type(std::string_view wanted) {
  fail("field " + std::to_string(index_ - 1) + " is no " + std::string{wanted});
}

std::optional<std::uint8_t> FieldReader::next_constructor() {
  if (failed_ || index_ >= count_) return std::nullopt;
  ++index_;
  const std::uint8_t code = reader_.u8();
  if (!reader_.ok()) fail("list cut short");
  if (failed_ || code == constructor::null) return std::nullopt;
  return code;
}

std::optional<bool> FieldReader::boolean() {
  const auto code = next_constructor();
  if (!code) return std::nullopt;
  if (*code == constructor::boolean_true) return true;
  if (*code == constructor::boolean_false) return false;
  const std::uint8_t octet = *code == constructor::boolean ? reader_.u8() : std::uint8_t{2};
  if (!reader_.ok() || octet > 1) wrong_type("boolean");
  return failed_ ? std::nullopt : std::optional{octet == 1};
}

std::optional<std::uint8_t> FieldReader::ubyte() {
  const auto code = next_constructor();
  if (!code) return std::nullopt;
  const std::uint8_t number = reader_.u8();
  if (*code != constructor::ubyte || !reader_.ok()) wrong_type("ubyte");
  return failed_ ? std::nullopt : std::optional{number};
}

std::optional<std::uint16_t> FieldReader::ushort() {
  const auto code = next_constructor();
  if (!code) return std::nullopt;
  const std::uint16_t number = reader_.u16();
  if (*code != constructor::ushort || !reader_.ok()) wrong_type("ushort");
  return failed_ ? std::nullopt : std::optional{number};
}

std::optional<std::uint32_t> FieldReader::uint() {
  const auto code = next_constructor();
  if (!code) return std::nullopt;
  std::uint32_t number = 0;
  if (*code == constructor::smalluint) {
    number = reader_.u8();
  } else if (*code == constructor::uint) {
    number = reader_.u32();
  } else if (*code != constructor::uint0) {
    wrong_type("uint");
  }
  if (!reader_.ok()) wrong_type("uint");
  return failed_ ? std::nullopt : std::optional{number};
}

std::optional<std::uint64_t> FieldReader::ulong() {
  const auto code = next_constructor();
  if (!code) return std::nullopt;
  std::uint64_t number = 0;
  if (*code == constructor::smallulong) {
    number = reader_.u8();
  } else if (*code == constructor::ulong) {
    number = reader_.u64();
  } else if (*code != constructor::ulong0) {
    wrong_type("ulong");
  }
  if (!reader_.ok()) wrong_type("ulong");
  return failed_ ? std::nullopt : std::optional{number};
}

std::optional<ByteView> FieldReader::variable(std::uint8_t short_code, std::uint8_t code, std::string_view wanted) {
  const auto found = next_constructor();
  if (!found) return std::nullopt;
  ByteView octets;
  if (*found == short_code) {
    octets = reader_.bytes(reader_.u8());
  } else if (*found == code) {
    octets = reader_.bytes(reader_.u32());
  } else {
    wrong_type(wanted);
  }
  if (!reader_.ok()) wrong_type(wanted);
  return failed_ ? std::nullopt : std::optional{octets};
}

std::optional<ByteView> FieldReader::binary() {
  return variable(constructor::binary8, constructor::binary32, "binary");
}

std::optional<std::string_view> FieldReader::string() {
  const auto octets = variable(constructor::string8, constructor::string32, "string");
  if (octets && !is_utf8(as_text(*octets))) wrong_type("UTF-8 string");
  return octets && !failed_ ? std::optional{as_text(*octets)} : std::nullopt;
}

std::optional<std::string_view> FieldReader::symbol() {
  const auto octets = variable(constructor::symbol8, constructor::symbol32, "symbol");
  if (octets && !is_ascii(as_text(*octets))) wrong_type("ASCII symbol");
  return octets && !failed_ ? std::optional{as_text(*octets)} : std::nullopt;
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
  if (failed_ || index_ >= count_) return {};
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
  if (failed_ || index_ >= count_) return std::nullopt;
  ++index_;
  if (reader_.peek() == constructor::null) {  // as most fields are; 0 where nothing is left
    reader_.bytes(1);
    return std::nullopt;
  }
  const auto extent = value_extent(reader_.rest());
  if (!extent || !*extent || **extent > reader_.remaining()) {
    fail("list cut short");
    return std::nullopt;
  }
  return reader_.bytes(**extent);
}

void FieldReader::skip(std::size_t fields) {
  for (; fields > 0 && ok() && index_ < count_; --fields) raw();
}

}  // namespace van::amqp
