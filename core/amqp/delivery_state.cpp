#include "core/amqp/delivery_state.h"

#include <utility>

#include "core/amqp/descriptor.h"

namespace van::amqp {
namespace {

Value state_of(std::uint64_t code, List fields) { return Described{{code, std::move(fields)}}; }

struct ToValue {
  Value operator()(const Received& state) const {
    return state_of(descriptor::received, {state.section_number, state.section_offset});
  }
  Value operator()(Accepted) const { return state_of(descriptor::accepted, {}); }
  Value operator()(const Rejected& state) const {
    return state_of(descriptor::rejected, state.error ? List{to_value(*state.error)} : List{});
  }
  Value operator()(Released) const { return state_of(descriptor::released, {}); }
  Value operator()(const Modified& state) const {
    List fields{state.delivery_failed ? Value{true} : Value{}, state.undeliverable_here ? Value{true} : Value{},
                state.message_annotations.empty() ? Value{} : Value{state.message_annotations}};
    while (!fields.empty() && fields.back().is_null()) fields.pop_back();
    return state_of(descriptor::modified, std::move(fields));
  }
  Value operator()(const OtherState& state) const { return state.value; }
};

const Value& field(const List& fields, std::size_t index) {
  static const Value absent;
  return index < fields.size() ? fields[index] : absent;
}

/// §3.4.1: both fields are mandatory.
Result<DeliveryState> received_from(const List& fields) {
  const auto* number = field(fields, 0).get_if<std::uint32_t>();
  const auto* offset = field(fields, 1).get_if<std::uint64_t>();
  if (number == nullptr || offset == nullptr) return failure(condition::decode_error, "received without its fields");
  return DeliveryState{Received{*number, *offset}};
}

Result<DeliveryState> rejected_from(const List& fields) {
  if (field(fields, 0).is_null()) return DeliveryState{Rejected{}};
  auto error = error_from(field(fields, 0));
  if (!error) return Unexpected{error.error()};
  return DeliveryState{Rejected{std::move(*error)}};
}

Result<DeliveryState> modified_from(const List& fields) {
  Modified state;
  for (const auto& [index, flag] : {std::pair{0u, &state.delivery_failed}, std::pair{1u, &state.undeliverable_here}}) {
    const Value& value = field(fields, index);
    if (!value.is_null() && !value.boolean())
      return failure(condition::decode_error, "modified with a flag that is none");
    *flag = value.boolean().value_or(false);
  }
  const Value& annotations = field(fields, 2);
  if (!annotations.is_null() && annotations.map() == nullptr) {
    return failure(condition::decode_error, "modified with annotations that are no map");
  }
  if (annotations.map() != nullptr) state.message_annotations = *annotations.map();
  return DeliveryState{std::move(state)};
}

}  // namespace

bool is_terminal(const DeliveryState& state) {
  return !std::holds_alternative<Received>(state) && !std::holds_alternative<OtherState>(state);
}

Value to_value(const DeliveryState& state) { return std::visit(ToValue{}, state); }

Result<DeliveryState> delivery_state_from(const Value& value) {
  const auto* described = value.get_if<Described>();
  if (described == nullptr) return failure(condition::decode_error, "delivery state expected");
  const std::uint64_t code = descriptor_code(described->parts[0]).value_or(0);
  if (code < descriptor::received || code > descriptor::modified) return DeliveryState{OtherState{*described}};
  const List* fields = described->parts[1].list();
  if (fields == nullptr) return failure(condition::decode_error, "delivery state is no list");
  if (code == descriptor::received) return received_from(*fields);
  if (code == descriptor::rejected) return rejected_from(*fields);
  if (code == descriptor::modified) return modified_from(*fields);
  if (code == descriptor::accepted) return DeliveryState{Accepted{}};
  return DeliveryState{Released{}};
}

}  // namespace van::amqp
