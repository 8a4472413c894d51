#include <optional>
#include <type_traits>
#include <utility>

#include "core/amqp/descriptor.h"
#include "core/amqp/encoder.h"
#include "core/amqp/performatives.h"
#include "core/base/assert.h"

namespace van::amqp {
namespace {

/// The fields of a performative. An absent or default field is a null, and dropped at the end of the list.
class FieldWriter {
 public:
  FieldWriter(std::uint64_t code, Bytes& out)
      : encoder_{out}, list_{described_by(code, encoder_), CompoundEncoder::Kind::list} {}
  ~FieldWriter() { list_.close(); }
  FieldWriter(const FieldWriter&) = delete;
  FieldWriter& operator=(const FieldWriter&) = delete;

  void null() { list_.skip(); }
  void flag(bool value) {
    if (value) return list_.item().boolean(true);
    null();
  }
  void boolean(std::optional<bool> value) {
    if (value) return list_.item().boolean(*value);
    null();
  }
  void ubyte(std::optional<std::uint8_t> value) {
    if (value) return list_.item().ubyte(*value);
    null();
  }
  void ushort(std::optional<std::uint16_t> value) {
    if (value) return list_.item().ushort(*value);
    null();
  }
  void uint(std::optional<std::uint32_t> value) {
    if (value) return list_.item().uint(*value);
    null();
  }
  void ulong(std::optional<std::uint64_t> value) {
    if (value) return list_.item().ulong(*value);
    null();
  }
  void string(const std::optional<std::string>& value) {
    if (value) return list_.item().string(*value);
    null();
  }
  void binary(const std::optional<Binary>& value) {
    if (value) return list_.item().binary(*value);
    null();
  }
  void symbol(const std::string& value) { list_.item().symbol(value); }
  void symbols(const std::vector<std::string>& values) {
    if (!values.empty()) return list_.item().symbols(values);
    null();
  }
  /// As real routers write capabilities of open: an array also for one.
  void symbol_array(const std::vector<std::string>& values) {
    if (!values.empty()) return list_.item().symbol_array(values);
    null();
  }
  void map(const Map& value) {
    if (!value.empty()) return list_.item().map(value);
    null();
  }
  void error(const std::optional<Error>& value) {
    if (value) return list_.item().value(to_value(*value));
    null();
  }
  void state(const std::optional<DeliveryState>& value);
  void terminus(std::uint64_t code, const std::optional<Terminus>& value);

 private:
  static Encoder& described_by(std::uint64_t code, Encoder& encoder) {
    encoder.descriptor(code);
    return encoder;
  }

  Encoder encoder_;
  CompoundEncoder list_;
};

void FieldWriter::terminus(std::uint64_t code, const std::optional<Terminus>& value) {
  if (!value) return null();
  FieldWriter fields{code, list_.item().out()};
  fields.string(value->address);
  for (int i = 0; i < 3; ++i) fields.null();  // durable, expiry-policy, timeout
  fields.flag(value->dynamic);
  // dynamic-node-properties, and in a source distribution-mode, filter, default-outcome and outcomes
  const std::size_t nulls = code == descriptor::source ? 5 : 1;
  for (std::size_t i = 0; i < nulls; ++i) fields.null();
  fields.symbols(value->capabilities);
}

/// The two of nearly all dispositions without a Value between.
void FieldWriter::state(const std::optional<DeliveryState>& value) {
  if (!value) return null();
  if (std::holds_alternative<Accepted>(*value)) {
    FieldWriter{descriptor::accepted, list_.item().out()};
  } else if (const auto* received = std::get_if<Received>(&*value)) {
    FieldWriter fields{descriptor::received, list_.item().out()};
    fields.uint(received->section_number);
    fields.ulong(received->section_offset);
  } else {
    list_.item().value(to_value(*value));
  }
}

template <class Number>
std::optional<Number> unless(Number value, Number default_value) {
  return value != default_value ? std::optional{value} : std::nullopt;
}

struct WritePerformative {
  Bytes& out;

  void operator()(const Open& open) const {
    FieldWriter fields{descriptor::open, out};
    fields.string(open.container_id);
    fields.string(open.hostname);
    fields.uint(unless(open.max_frame_size, Open{}.max_frame_size));
    fields.ushort(unless(open.channel_max, Open{}.channel_max));
    fields.uint(open.idle_time_out);
    fields.symbols(open.outgoing_locales);
    fields.symbols(open.incoming_locales);
    fields.symbol_array(open.offered_capabilities);
    fields.symbol_array(open.desired_capabilities);
    fields.map(open.properties);
  }
  void operator()(const Begin& begin) const {
    FieldWriter fields{descriptor::begin, out};
    fields.ushort(begin.remote_channel);
    fields.uint(begin.next_outgoing_id);
    fields.uint(begin.incoming_window);
    fields.uint(begin.outgoing_window);
    fields.uint(unless(begin.handle_max, Begin{}.handle_max));
    fields.symbols(begin.offered_capabilities);
    fields.symbols(begin.desired_capabilities);
    fields.map(begin.properties);
  }
  void operator()(const Attach& attach) const {
    FieldWriter fields{descriptor::attach, out};
    fields.string(attach.name);
    fields.uint(attach.handle);
    fields.boolean(attach.role == LinkRole::receiver);
    fields.ubyte(static_cast<std::uint8_t>(attach.snd_settle_mode));
    fields.ubyte(static_cast<std::uint8_t>(attach.rcv_settle_mode));
    fields.terminus(descriptor::source, attach.source);
    fields.terminus(descriptor::target, attach.target);
    fields.map(attach.unsettled);
    fields.flag(attach.incomplete_unsettled);
    fields.uint(attach.initial_delivery_count);
    fields.ulong(attach.max_message_size);
    fields.symbols(attach.offered_capabilities);
    fields.symbols(attach.desired_capabilities);
    fields.map(attach.properties);
  }
  void operator()(const Flow& flow) const {
    FieldWriter fields{descriptor::flow, out};
    fields.uint(flow.next_incoming_id);
    fields.uint(flow.incoming_window);
    fields.uint(flow.next_outgoing_id);
    fields.uint(flow.outgoing_window);
    fields.uint(flow.handle);
    fields.uint(flow.delivery_count);
    fields.uint(flow.link_credit);
    fields.uint(flow.available);
    fields.flag(flow.drain);
    fields.flag(flow.echo);
    fields.map(flow.properties);
  }
  void operator()(const Transfer& transfer) const {
    FieldWriter fields{descriptor::transfer, out};
    fields.uint(transfer.handle);
    fields.uint(transfer.delivery_id);
    fields.binary(transfer.delivery_tag ? std::optional{to_bytes(transfer.delivery_tag->view())} : std::nullopt);
    fields.uint(transfer.message_format);
    fields.boolean(transfer.settled);
    fields.flag(transfer.more);
    fields.ubyte(transfer.rcv_settle_mode ? std::optional{static_cast<std::uint8_t>(*transfer.rcv_settle_mode)}
                                          : std::nullopt);
    fields.state(transfer.state);
    fields.flag(transfer.resume);
    fields.flag(transfer.aborted);
    fields.flag(transfer.batchable);
  }
  void operator()(const Disposition& disposition) const {
    FieldWriter fields{descriptor::disposition, out};
    fields.boolean(disposition.role == LinkRole::receiver);
    fields.uint(disposition.first);
    fields.uint(disposition.last);
    fields.flag(disposition.settled);
    fields.state(disposition.state);
    fields.flag(disposition.batchable);
  }
  void operator()(const Detach& detach) const {
    FieldWriter fields{descriptor::detach, out};
    fields.uint(detach.handle);
    fields.flag(detach.closed);
    fields.error(detach.error);
  }
  void operator()(const End& end) const { FieldWriter{descriptor::end, out}.error(end.error); }
  void operator()(const Close& close) const { FieldWriter{descriptor::close, out}.error(close.error); }
  void operator()(const SaslMechanisms& mechanisms) const {
    Encoder encoder{out};
    encoder.descriptor(descriptor::sasl_mechanisms);
    CompoundEncoder fields{encoder, CompoundEncoder::Kind::list};
    fields.item().symbol_array(mechanisms.mechanisms);  // mandatory, so written when empty too
    fields.close();
  }
  void operator()(const SaslInit& init) const {
    FieldWriter fields{descriptor::sasl_init, out};
    fields.symbol(init.mechanism);
    fields.binary(init.initial_response);
    fields.string(init.hostname);
  }
  void operator()(const SaslChallenge& challenge) const {
    FieldWriter{descriptor::sasl_challenge, out}.binary(challenge.challenge);
  }
  void operator()(const SaslResponse& response) const {
    FieldWriter{descriptor::sasl_response, out}.binary(response.response);
  }
  void operator()(const SaslOutcome& outcome) const {
    FieldWriter fields{descriptor::sasl_outcome, out};
    fields.ubyte(static_cast<std::uint8_t>(outcome.code));
    fields.binary(outcome.additional_data);
  }
};

constexpr std::size_t kFrameHeaderBytes = 8;  // §2.3.1
constexpr std::size_t kFirstSaslKind = 9;     // index in Performative
static_assert(std::is_same_v<std::variant_alternative_t<kFirstSaslKind, Performative>, SaslMechanisms>);

}  // namespace

void encode_performative(const Performative& performative, Bytes& out) {
  std::visit(WritePerformative{out}, performative);
}

Bytes encode_frame(std::uint16_t channel, const Performative& performative) {
  const bool is_sasl = performative.index() >= kFirstSaslKind;
  Bytes out(kFrameHeaderBytes);
  encode_performative(performative, out);
  const std::size_t size = out.size();
  VAN_ASSERT(size <= 0xFFFF'FFFFu);
  for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(size >> (24 - 8 * i));
  out[4] = 2;  // DOFF
  out[5] = is_sasl ? 1 : 0;
  out[6] = is_sasl ? std::uint8_t{0} : static_cast<std::uint8_t>(channel >> 8);
  out[7] = is_sasl ? std::uint8_t{0} : static_cast<std::uint8_t>(channel);
  return out;
}

}  // namespace van::amqp
