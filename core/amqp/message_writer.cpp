#include "core/amqp/descriptor.h"
#include "core/amqp/encoder.h"
#include "core/amqp/message.h"

namespace van::amqp {
namespace {

/// For the sections of a stream's head, or of a small message, without growing step by step.
Bytes with_room() {
  Bytes bytes;
  bytes.reserve(384);
  return bytes;
}

void put_text(CompoundEncoder& list, const std::optional<std::string>& text) {
  text ? list.item().string(*text) : list.skip();
}

void put_value(CompoundEncoder& list, const Value& value) { value.is_null() ? list.skip() : list.item().value(value); }

void put_properties(Encoder& to, const Properties& properties) {
  to.descriptor(descriptor::properties);
  CompoundEncoder list{to, CompoundEncoder::Kind::list};
  put_value(list, properties.message_id);
  list.skip();  // user-id
  put_text(list, properties.to);
  put_text(list, properties.subject);
  put_text(list, properties.reply_to);
  put_value(list, properties.correlation_id);
  put_text(list, properties.content_type);
  for (int i = 0; i < 3; ++i) list.skip();  // content-encoding, absolute-expiry-time, creation-time
  put_text(list, properties.group_id);
  list.close();
}

}  // namespace

Bytes encode_annotations(const RouterAnnotations& annotations) {
  Bytes out = with_room();
  Encoder encoder{out};
  encoder.descriptor(kRouterAnnotations);
  CompoundEncoder list{encoder, CompoundEncoder::Kind::list};
  list.item().uint(annotations.flags);
  put_text(list, annotations.to_override);
  put_text(list, annotations.ingress);
  CompoundEncoder trace{list.item(), CompoundEncoder::Kind::list};
  for (const std::string& hop : annotations.trace) trace.item().string(hop);
  trace.close();
  put_text(list, annotations.mesh_id);
  list.close();
  return out;
}

Bytes encode_stream_header(const StreamHeader& header) {
  Bytes out = with_room();
  Encoder encoder{out};
  encoder.descriptor(descriptor::properties);
  CompoundEncoder properties{encoder, CompoundEncoder::Kind::list};
  properties.skip();  // message-id
  properties.skip();  // user-id
  properties.item().string(header.to);
  properties.skip();  // subject
  put_text(properties, header.reply_to);
  put_value(properties, header.correlation_id);
  properties.item().string("application/octet-stream");
  properties.close();

  encoder.descriptor(descriptor::application_properties);
  CompoundEncoder map{encoder, CompoundEncoder::Kind::map};
  map.item().string("V");
  map.item().uint(1);
  for (const auto& [key, value] : header.application_properties) {
    map.item().value(key);
    map.item().value(value);
  }
  map.close();

  encoder.descriptor(descriptor::amqp_value);
  encoder.null();
  return out;
}

Bytes encode_message(const Message& message) {
  Bytes out = message.annotations ? encode_annotations(*message.annotations) : with_room();
  Encoder encoder{out};
  if (message.header || message.priority) {
    encoder.descriptor(descriptor::header);
    CompoundEncoder list{encoder, CompoundEncoder::Kind::list};
    list.item().boolean(false);  // durable
    if (message.priority) list.item().ubyte(*message.priority);
    list.close();
  }
  if (message.properties) put_properties(encoder, *message.properties);
  if (!message.application_properties.empty()) {
    encoder.descriptor(descriptor::application_properties);
    encoder.map(message.application_properties);
  }
  if (message.body) {
    encoder.descriptor(descriptor::amqp_value);
    encoder.value(*message.body);
  }
  return out;
}

}  // namespace van::amqp
