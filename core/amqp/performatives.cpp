#include "core/amqp/performatives.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/amqp/constructor.h"
#include "core/amqp/decoder.h"
#include "core/amqp/descriptor.h"
#include "core/base/assert.h"

namespace van::amqp {
namespace {

std::optional<std::string> to_string(std::optional<std::string_view> text) {
  return text ? std::optional{std::string{*text}} : std::nullopt;
}

std::optional<Binary> to_binary(std::optional<ByteView> octets) {
  return octets ? std::optional{to_bytes(*octets)} : std::nullopt;
}

/// The value of a mandatory field; its default, and `fields` failed, when absent.
template <class T>
T required(FieldReader& fields, std::optional<T> field, std::string_view name) {
  if (!field) fields.fail(std::string{name} + " is missing");
  return field.value_or(T{});
}

/// One of the enumerators 0 to `last`.
template <class Enum>
std::optional<Enum> choice(FieldReader& fields, std::optional<std::uint8_t> field, Enum last, std::string_view name) {
  if (!field) return std::nullopt;
  if (*field > static_cast<std::uint8_t>(last)) {
    fields.fail(std::string{name} + " has an unknown value", condition::invalid_field);
    return std::nullopt;
  }
  return static_cast<Enum>(*field);
}

LinkRole read_role(FieldReader& fields) {
  const bool is_receiver = required(fields, fields.boolean(), "role");
  return is_receiver ? LinkRole::receiver : LinkRole::sender;
}

std::optional<Error> read_error(FieldReader& fields) {
  const Value value = fields.value();
  if (value.is_null()) return std::nullopt;
  auto error = error_from(value);
  if (error) return std::move(*error);
  fields.fail(error.error().description);
  return std::nullopt;
}

constexpr std::array<std::uint8_t, 4> kAccepted{constructor::described, constructor::smallulong, descriptor::accepted, constructor::list0};

/// The states of nearly all dispositions, without a Value between; nullopt: another one, or none.
std::optional<DeliveryState> plain_state(ByteView octets) {
  if (std::ranges::equal(octets, kAccepted)) return Accepted{};
  auto list = decode_described_list(octets);
  if (!list) return std::nullopt;
  FieldReader& fields = list->fields;
  const bool empty = fields.count() == 0 && fields.at_end();
  if (empty && list->descriptor == descriptor::accepted) return Accepted{};
  if (empty && list->descriptor == descriptor::released) return Released{};
  if (list->descriptor != descriptor::received || fields.count() != 2) return std::nullopt;
  const auto number = fields.uint();
  const auto offset = fields.ulong();
  return number && offset && fields.at_end() ? std::optional<DeliveryState>{Received{*number, *offset}} : std::nullopt;
}

std::optional<DeliveryState> read_state(FieldReader& fields) {
  const std::uint32_t index = fields.index();
  const auto octets = fields.raw();
  if (!octets) return std::nullopt;
  if (auto plain = plain_state(*octets)) return plain;
  const auto decoded = decode_value(*octets);
  if (!decoded) {
    fields.fail("field " + std::to_string(index) + ": " + decoded.error().description);
    return std::nullopt;
  }
  auto state = delivery_state_from(decoded->value);
  if (state) return std::move(*state);
  fields.fail(state.error().description);
  return std::nullopt;
}

/// §3.5.3 and §3.5.4 begin alike; a source has four more fields before its capabilities.
Terminus read_terminus(FieldReader fields, std::size_t fields_before_capabilities, FieldReader& parent) {
  Terminus terminus;
  const Value address = fields.value();
  if (const auto text = address.text()) terminus.address = std::string{*text};
  if (!address.is_null() && !terminus.address) fields.fail("address is no text", condition::invalid_field);
  fields.skip(3);  // durable, expiry-policy, timeout
  terminus.dynamic = fields.boolean().value_or(false);
  fields.skip(fields_before_capabilities);
  terminus.capabilities = fields.symbols();
  if (!fields.ok()) {
    Error error = fields.error().error;
    parent.fail("terminus: " + error.description,
                error.condition == condition::invalid_field ? condition::invalid_field : condition::decode_error);
  }
  return terminus;
}

constexpr std::size_t kSourceFieldsBeforeCapabilities = 5;  // dynamic-node-properties to outcomes
constexpr std::size_t kTargetFieldsBeforeCapabilities = 1;  // dynamic-node-properties

void read_source(FieldReader& fields, Attach& attach) {
  const auto octets = fields.raw();
  if (!octets) return;
  auto list = decode_described_list(*octets);
  if (!list || list->descriptor != descriptor::source) return fields.fail("source expected");
  attach.source = read_terminus(std::move(list->fields), kSourceFieldsBeforeCapabilities, fields);
}

void read_target(FieldReader& fields, Attach& attach) {
  const auto octets = fields.raw();
  if (!octets) return;
  auto list = decode_described_list(*octets);
  if (!list) return fields.fail("target expected");
  if (list->descriptor == descriptor::target) {
    attach.target = read_terminus(std::move(list->fields), kTargetFieldsBeforeCapabilities, fields);
  } else {
    attach.other_target = list->descriptor;
  }
}

void read(FieldReader& fields, Open& open) {
  open.container_id = required(fields, fields.string(), "container-id");
  open.hostname = to_string(fields.string());
  open.max_frame_size = fields.uint().value_or(open.max_frame_size);
  open.channel_max = fields.ushort().value_or(open.channel_max);
  open.idle_time_out = fields.uint();
  open.outgoing_locales = fields.symbols();
  open.incoming_locales = fields.symbols();
  open.offered_capabilities = fields.symbols();
  open.desired_capabilities = fields.symbols();
  open.properties = fields.map();
  if (open.max_frame_size < 512) fields.fail("max-frame-size is below 512", condition::invalid_field);
}

void read(FieldReader& fields, Begin& begin) {
  begin.remote_channel = fields.ushort();
  begin.next_outgoing_id = required(fields, fields.uint(), "next-outgoing-id");
  begin.incoming_window = required(fields, fields.uint(), "incoming-window");
  begin.outgoing_window = required(fields, fields.uint(), "outgoing-window");
  begin.handle_max = fields.uint().value_or(begin.handle_max);
  begin.offered_capabilities = fields.symbols();
  begin.desired_capabilities = fields.symbols();
  begin.properties = fields.map();
}

void read(FieldReader& fields, Attach& attach) {
  attach.name = required(fields, fields.string(), "name");
  attach.handle = required(fields, fields.uint(), "handle");
  attach.role = read_role(fields);
  attach.snd_settle_mode =
      choice(fields, fields.ubyte(), SenderSettleMode::mixed, "snd-settle-mode").value_or(attach.snd_settle_mode);
  attach.rcv_settle_mode =
      choice(fields, fields.ubyte(), ReceiverSettleMode::second, "rcv-settle-mode").value_or(attach.rcv_settle_mode);
  read_source(fields, attach);
  read_target(fields, attach);
  attach.unsettled = fields.map();
  attach.incomplete_unsettled = fields.boolean().value_or(false);
  attach.initial_delivery_count = fields.uint();
  attach.max_message_size = fields.ulong();
  attach.offered_capabilities = fields.symbols();
  attach.desired_capabilities = fields.symbols();
  attach.properties = fields.map();
  if (attach.role == LinkRole::sender && !attach.initial_delivery_count) {
    fields.fail("initial-delivery-count is missing", condition::invalid_field);
  }
}

void read(FieldReader& fields, Flow& flow) {
  flow.next_incoming_id = fields.uint();
  flow.incoming_window = required(fields, fields.uint(), "incoming-window");
  flow.next_outgoing_id = required(fields, fields.uint(), "next-outgoing-id");
  flow.outgoing_window = required(fields, fields.uint(), "outgoing-window");
  flow.handle = fields.uint();
  flow.delivery_count = fields.uint();
  flow.link_credit = fields.uint();
  flow.available = fields.uint();
  flow.drain = fields.boolean().value_or(false);
  flow.echo = fields.boolean().value_or(false);
  flow.properties = fields.map();
  if (!flow.handle && (flow.delivery_count || flow.link_credit || flow.available || flow.drain)) {
    fields.fail("link fields without handle", condition::invalid_field);
  }
}

std::optional<TagOctets> read_tag(FieldReader& fields) {
  const auto octets = fields.binary();
  if (!octets) return std::nullopt;
  if (octets->size() > TagOctets::kMax) {
    fields.fail("delivery-tag is above 32 octets", condition::invalid_field);
    return std::nullopt;
  }
  return TagOctets::of(*octets);
}

void read(FieldReader& fields, Transfer& transfer) {
  transfer.handle = required(fields, fields.uint(), "handle");
  transfer.delivery_id = fields.uint();
  transfer.delivery_tag = read_tag(fields);
  transfer.message_format = fields.uint();
  transfer.settled = fields.boolean();
  transfer.more = fields.boolean().value_or(false);
  transfer.rcv_settle_mode = choice(fields, fields.ubyte(), ReceiverSettleMode::second, "rcv-settle-mode");
  transfer.state = read_state(fields);
  transfer.resume = fields.boolean().value_or(false);
  transfer.aborted = fields.boolean().value_or(false);
  transfer.batchable = fields.boolean().value_or(false);
}

void read(FieldReader& fields, Disposition& disposition) {
  disposition.role = read_role(fields);
  disposition.first = required(fields, fields.uint(), "first");
  disposition.last = fields.uint();
  disposition.settled = fields.boolean().value_or(false);
  disposition.state = read_state(fields);
  disposition.batchable = fields.boolean().value_or(false);
}

void read(FieldReader& fields, Detach& detach) {
  detach.handle = required(fields, fields.uint(), "handle");
  detach.closed = fields.boolean().value_or(false);
  detach.error = read_error(fields);
}

void read(FieldReader& fields, SaslInit& init) {
  init.mechanism = required(fields, fields.symbol(), "mechanism");
  init.initial_response = to_binary(fields.binary());
  init.hostname = to_string(fields.string());
}

void read(FieldReader& fields, SaslOutcome& outcome) {
  const std::uint8_t code = required(fields, fields.ubyte(), "code");
  outcome.code = choice(fields, std::optional{code}, SaslCode::sys_temp, "code").value_or(SaslCode::sys);
  outcome.additional_data = to_binary(fields.binary());
}

/// False: no performative has this descriptor.
bool read(std::uint64_t code, FieldReader& fields, Performative& to) {
  switch (code) {
    case descriptor::open:
      return read(fields, to.emplace<Open>()), true;
    case descriptor::begin:
      return read(fields, to.emplace<Begin>()), true;
    case descriptor::attach:
      return read(fields, to.emplace<Attach>()), true;
    case descriptor::flow:
      return read(fields, to.emplace<Flow>()), true;
    case descriptor::transfer:
      return read(fields, to.emplace<Transfer>()), true;
    case descriptor::disposition:
      return read(fields, to.emplace<Disposition>()), true;
    case descriptor::detach:
      return read(fields, to.emplace<Detach>()), true;
    case descriptor::end:
      return to.emplace<End>().error = read_error(fields), true;
    case descriptor::close:
      return to.emplace<Close>().error = read_error(fields), true;
    case descriptor::sasl_mechanisms:
      return to.emplace<SaslMechanisms>().mechanisms = fields.symbols(), true;
    case descriptor::sasl_init:
      return read(fields, to.emplace<SaslInit>()), true;
    case descriptor::sasl_challenge:
      return to.emplace<SaslChallenge>().challenge = to_bytes(required(fields, fields.binary(), "challenge")), true;
    case descriptor::sasl_response:
      return to.emplace<SaslResponse>().response = to_bytes(required(fields, fields.binary(), "response")), true;
    case descriptor::sasl_outcome:
      return read(fields, to.emplace<SaslOutcome>()), true;
    default:
      return false;
  }
}

}  // namespace

TagOctets TagOctets::of(ByteView tag) {
  VAN_ASSERT(tag.size() <= kMax);
  TagOctets result;
  std::copy(tag.begin(), tag.end(), result.octets.begin());
  result.size = static_cast<std::uint8_t>(tag.size());
  return result;
}

Result<DecodedPerformative> decode_performative(ByteView body) {
  auto list = decode_described_list(body);
  if (!list) return Unexpected{list.error()};
  // In the place where it is returned: a performative is large.
  Result<DecodedPerformative> decoded{DecodedPerformative{End{}, list->bytes}};
  if (!read(list->descriptor, list->fields, decoded->performative)) decoded = failure(condition::not_implemented, "unknown performative");
  else if (!list->fields.ok()) decoded = list->fields.error();
  return decoded;
}

}  // namespace van::amqp
