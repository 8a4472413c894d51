#include "core/amqp/error.h"

#include "core/amqp/descriptor.h"

namespace van::amqp {

Value to_value(const Error& error) {
  List fields{Symbol{error.condition}, error.description.empty() ? Value{} : Value{error.description},
              error.info.empty() ? Value{} : Value{error.info}};
  while (fields.back().is_null()) fields.pop_back();
  return Described{{std::uint64_t{descriptor::error}, std::move(fields)}};
}

Result<Error> error_from(const Value& value) {
  const auto* described = value.get_if<Described>();
  if (described == nullptr || descriptor_code(described->parts[0]) != descriptor::error ||
      described->parts[1].list() == nullptr) {
    return failure(condition::decode_error, "error expected");
  }
  const List& fields = *described->parts[1].list();
  const auto* condition = fields.empty() ? nullptr : fields[0].get_if<Symbol>();
  if (condition == nullptr) return failure(condition::decode_error, "error without condition");

  Error error{condition->text, {}, {}};
  if (fields.size() > 1 && !fields[1].is_null()) {
    const auto* description = fields[1].get_if<std::string>();
    if (description == nullptr) return failure(condition::decode_error, "error description is no string");
    error.description = *description;
  }
  if (fields.size() > 2 && !fields[2].is_null()) {
    const Map* info = fields[2].map();
    if (info == nullptr) return failure(condition::decode_error, "error info is no map");
    error.info = *info;
  }
  return error;
}

}  // namespace van::amqp
