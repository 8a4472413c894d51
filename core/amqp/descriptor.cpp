#include "core/amqp/descriptor.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace van::amqp {
namespace {

struct Name {
  std::string_view symbol;
  std::uint64_t code;
};

constexpr Name kNames[] = {
    {"amqp:open:list", descriptor::open},
    {"amqp:begin:list", descriptor::begin},
    {"amqp:attach:list", descriptor::attach},
    {"amqp:flow:list", descriptor::flow},
    {"amqp:transfer:list", descriptor::transfer},
    {"amqp:disposition:list", descriptor::disposition},
    {"amqp:detach:list", descriptor::detach},
    {"amqp:end:list", descriptor::end},
    {"amqp:close:list", descriptor::close},
    {"amqp:error:list", descriptor::error},
    {"amqp:received:list", descriptor::received},
    {"amqp:accepted:list", descriptor::accepted},
    {"amqp:rejected:list", descriptor::rejected},
    {"amqp:released:list", descriptor::released},
    {"amqp:modified:list", descriptor::modified},
    {"amqp:source:list", descriptor::source},
    {"amqp:target:list", descriptor::target},
    {"amqp:coordinator:list", descriptor::coordinator},
    {"amqp:sasl-mechanisms:list", descriptor::sasl_mechanisms},
    {"amqp:sasl-init:list", descriptor::sasl_init},
    {"amqp:sasl-challenge:list", descriptor::sasl_challenge},
    {"amqp:sasl-response:list", descriptor::sasl_response},
    {"amqp:sasl-outcome:list", descriptor::sasl_outcome},
    {"amqp:header:list", descriptor::header},
    {"amqp:delivery-annotations:map", descriptor::delivery_annotations},
    {"amqp:message-annotations:map", descriptor::message_annotations},
    {"amqp:properties:list", descriptor::properties},
    {"amqp:application-properties:map", descriptor::application_properties},
    {"amqp:data:binary", descriptor::data},
    {"amqp:amqp-sequence:list", descriptor::amqp_sequence},
    {"amqp:amqp-value:*", descriptor::amqp_value},
    {"amqp:footer:map", descriptor::footer},
};

}  // namespace

std::optional<std::uint64_t> descriptor_code(const Value& descriptor) {
  if (const auto* code = descriptor.get_if<std::uint64_t>()) return *code;
  const auto* symbol = descriptor.get_if<Symbol>();
  if (symbol == nullptr) return std::nullopt;
  const auto* name =
      std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& n) { return n.symbol == symbol->text; });
  return name != std::end(kNames) ? std::optional{name->code} : std::nullopt;
}

}  // namespace van::amqp
