#include "core/amqp/message.h"

#include <algorithm>
#include <utility>

#include "core/amqp/constructor.h"
#include "core/amqp/decoder.h"
#include "core/amqp/descriptor.h"
#include "core/amqp/encoder.h"
#include "core/amqp/section.h"
#include "core/amqp/text.h"
#include "core/base/limits.h"

namespace van::amqp {
namespace {

/// A failed read of annotations is told as invalid_field, whatever is wrong inside (control-plane 4.3).
Unexpected<Error> annotations_error(const std::string& description) {
  return failure(condition::invalid_field, "router annotations: " + description);
}

std::optional<std::string> to_string(std::optional<std::string_view> text) {
  return text ? std::optional{std::string{*text}} : std::nullopt;
}

/// control-plane 4.3: a list of strings, never null.
Result<std::vector<std::string>> read_trace(FieldReader& annotations) {
  const auto octets = annotations.raw();
  if (!octets) return annotations_error("no trace");
  auto list = decode_list(*octets);
  if (!list) return annotations_error(list.error().description);
  std::vector<std::string> trace;
  FieldReader& entries = list->fields;
  while (entries.ok() && entries.index() < entries.count()) {
    const auto entry = entries.string();
    if (!entry) return annotations_error("trace entry is no string");
    trace.emplace_back(*entry);
  }
  return trace;
}

/// control-plane 4.3, "reader checks".
Result<RouterAnnotations> read_annotations(ByteView value) {
  auto list = decode_list(value);
  if (!list) return annotations_error(list.error().description);
  FieldReader& fields = list->fields;
  if (fields.count() < 4) return annotations_error("less than 4 fields");

  RouterAnnotations annotations;
  annotations.flags = fields.uint().value_or(0);
  annotations.to_override = to_string(fields.string());
  annotations.ingress = to_string(fields.string());
  auto trace = read_trace(fields);
  if (!trace) return Unexpected{trace.error()};
  annotations.trace = std::move(*trace);
  if (fields.count() > 4) {
    annotations.mesh_id = to_string(fields.string());
    if (!annotations.mesh_id) return annotations_error("mesh id is no string");
  }
  if (!fields.ok()) return annotations_error(fields.error().error.description);
  return annotations;
}

std::optional<std::string> read_text(FieldReader& fields) {
  const auto octets = fields.raw();
  if (!octets) return std::nullopt;
  Reader reader{*octets};  // a string, as it nearly always is, needs no Value
  const std::uint8_t code = reader.u8();
  if (code == constructor::string8 || code == constructor::string32) {
    const std::string_view text = as_text(reader.bytes(code == constructor::string8 ? reader.u8() : reader.u32()));
    if (reader.ok() && is_utf8(text)) return std::string{text};
  }
  const auto decoded = decode_value(*octets);
  if (!decoded) fields.fail(decoded.error().description);
  return decoded ? to_string(decoded->value.text()) : std::nullopt;
}

/// §3.2.4. A text field of another type reads as absent: what it is needed for tells.
Result<Properties> read_properties(ByteView value) {
  auto list = decode_list(value);
  if (!list) return Unexpected{list.error()};
  FieldReader& fields = list->fields;
  Properties properties;
  properties.message_id = fields.value();
  fields.skip();  // user-id
  properties.to = read_text(fields);
  properties.subject = read_text(fields);
  properties.reply_to = read_text(fields);
  properties.correlation_id = fields.value();
  properties.content_type = read_text(fields);
  fields.skip(3);  // content-encoding, absolute-expiry-time, creation-time
  properties.group_id = read_text(fields);
  if (!fields.ok()) return fields.error();
  return properties;
}

/// §3.2.4: `to` alone.
Result<std::optional<std::string>> read_to(ByteView value) {
  auto list = decode_list(value);
  if (!list) return Unexpected{list.error()};
  FieldReader& fields = list->fields;
  fields.skip(2);  // message-id, user-id
  auto to = read_text(fields);
  if (!fields.ok()) return fields.error();
  return to;
}

/// §3.2.1: the priority.
Result<std::optional<std::uint8_t>> read_priority(ByteView value) {
  auto list = decode_list(value);
  if (!list) return Unexpected{list.error()};
  list->fields.skip();  // durable
  const auto priority = list->fields.ubyte();
  if (!list->fields.ok()) return list->fields.error();
  return priority;
}

/// §3.2.5
Result<Map> read_application_properties(ByteView value) {
  auto decoded = decode_value(value);
  if (!decoded) return Unexpected{decoded.error()};
  if (decoded->value.map() == nullptr) return failure(condition::decode_error, "application-properties are no map");
  return std::get<Map>(std::move(decoded->value).variant());
}

bool is_body(std::uint64_t code) { return code >= descriptor::data && code <= descriptor::amqp_value; }

/// Takes the sections of a message off its beginning, one after the other.
class SectionCursor {
 public:
  enum class Found { section, raw, end, more_needed };

  SectionCursor(ByteView bytes, bool complete, std::size_t bytes_max)
      : bytes_{bytes}, complete_{complete}, bytes_max_{bytes_max} {}

  /// What is at position(). A cut descriptor at the very end counts as raw octets.
  Found probe() {
    if (position_ == bytes_.size()) return complete_ ? Found::end : Found::more_needed;
    const auto found = probe_section(bytes_.subspan(position_));
    if (!found) return complete_ ? Found::raw : Found::more_needed;
    start_ = found->start;
    return found->is_section ? Found::section : Found::raw;
  }
  [[nodiscard]] std::uint64_t code() const { return start_.code; }

  /// The value of the section probed, and steps behind it; nullopt: more bytes are needed.
  Result<std::optional<ByteView>> take() {
    const auto value = section_value(bytes_.subspan(position_), start_, bytes_max_ - std::min(bytes_max_, position_));
    if (!value) return value;
    if (!*value && complete_) return failure(condition::decode_error, "message section cut short");
    if (*value) position_ += start_.value + (*value)->size();
    return value;
  }
  [[nodiscard]] std::size_t position() const { return position_; }

 private:
  ByteView bytes_;
  bool complete_;
  std::size_t bytes_max_;
  std::size_t position_ = 0;
  SectionStart start_;
};

/// Stores what a section before the properties says; sections that are not wanted do nothing.
Result<void> apply(std::uint64_t code, ByteView value, std::size_t end, MessageHeader& header) {
  if (code == kRouterAnnotations) {
    auto annotations = read_annotations(value);
    if (!annotations) return Unexpected{annotations.error()};
    header.annotations = std::move(*annotations);
    header.annotations_bytes = end;
  } else if (code == descriptor::header) {
    const auto priority = read_priority(value);
    if (!priority) return Unexpected{priority.error()};
    header.priority = *priority;
  }
  return {};
}

/// §3.2: what sections a body may have behind each other, and that all others come once and in this order.
bool may_follow(std::uint64_t code, std::uint64_t last) {
  const bool repeats = code == descriptor::data || code == descriptor::amqp_sequence;
  return code > last ? !(is_body(last) && is_body(code)) : code == last && repeats;
}

/// Adds a body section's value to the body.
Result<void> append_body(std::uint64_t code, ByteView octets, std::optional<Value>& body) {
  auto decoded = decode_value(octets);
  if (!decoded) return Unexpected{decoded.error()};
  Value& value = decoded->value;
  if (code == descriptor::data && value.get_if<Binary>() == nullptr) {
    return failure(condition::decode_error, "data section is no binary");
  }
  if (code == descriptor::amqp_sequence && value.list() == nullptr) {
    return failure(condition::decode_error, "sequence section is no list");
  }
  if (!body) {
    body = std::move(value);
  } else if (code == descriptor::data) {
    Binary all = std::get<Binary>(std::move(*body).variant());
    append(all, *value.get_if<Binary>());
    body = std::move(all);
  } else {
    List all = std::get<List>(std::move(*body).variant());
    all.insert(all.end(), value.list()->begin(), value.list()->end());
    body = std::move(all);
  }
  return {};
}

template <class Read, class To>
Result<void> store(Result<Read> read, To& to) {
  if (!read) return Unexpected{read.error()};
  to = std::move(*read);
  return {};
}

/// Stores what a section of a whole message says.
Result<void> apply(std::uint64_t code, ByteView value, std::size_t end, MessageHeader& header, Message& message) {
  if (is_body(code)) return append_body(code, value, message.body);
  if (code == descriptor::header) message.header = true;
  if (code == descriptor::properties) return store(read_properties(value), message.properties);
  if (code == descriptor::application_properties) return store(read_application_properties(value), message.application_properties);
  return apply(code, value, end, header);
}

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

Result<std::optional<MessageHeader>> read_message_header(ByteView prefix, bool complete, bool only_annotations) {
  using Found = SectionCursor::Found;
  SectionCursor cursor{prefix, complete, limits::kMessageHeaderBytes};
  MessageHeader header;
  for (;;) {
    const bool first = cursor.position() == 0;
    const Found found = cursor.probe();
    if (found == Found::more_needed) return std::optional<MessageHeader>{};
    if (found == Found::raw && first) return failure(condition::decode_error, "no message section");
    if (found != Found::section) return std::optional{std::move(header)};
    const std::uint64_t code = cursor.code();
    if (code == kRouterAnnotations ? !first : only_annotations) return std::optional{std::move(header)};
    if (code > descriptor::properties && code <= descriptor::footer) return std::optional{std::move(header)};

    const auto value = cursor.take();
    if (!value) return Unexpected{value.error()};
    if (!*value) return std::optional<MessageHeader>{};
    const auto applied = code == descriptor::properties ? store(read_to(**value), header.to) : apply(code, **value, cursor.position(), header);
    if (!applied) return Unexpected{applied.error()};
    if (only_annotations || code == descriptor::properties) return std::optional{std::move(header)};
  }
}

std::uint32_t annotation_flags(ByteView prefix) {
  SectionCursor cursor{prefix, false, prefix.size()};
  if (cursor.probe() != SectionCursor::Found::section || cursor.code() != kRouterAnnotations) return 0;
  const auto value = cursor.take();
  if (!value || !*value) return 0;
  auto list = decode_list(**value);
  return list ? list->fields.uint().value_or(0) : 0;
}

Result<std::optional<StreamHead>> read_stream_head(ByteView prefix, bool complete) {
  using Found = SectionCursor::Found;
  SectionCursor cursor{prefix, complete, limits::kMessageHeaderBytes};
  MessageHeader header;
  StreamHead head;
  std::uint64_t last = 0;
  for (bool body_seen = false; !body_seen;) {
    const Found found = cursor.probe();
    if (found == Found::more_needed) return std::optional<StreamHead>{};
    if (found != Found::section) break;
    const std::uint64_t code = cursor.code();
    const bool is_first_annotations = code == kRouterAnnotations && cursor.position() == 0;
    const bool is_next_section = code >= descriptor::header && code <= descriptor::amqp_value && code > last;
    if (!is_first_annotations && !is_next_section) break;

    const auto value = cursor.take();
    if (!value) return Unexpected{value.error()};
    if (!*value) return std::optional<StreamHead>{};
    const auto applied = code == descriptor::properties               ? store(read_properties(**value), head.properties)
                         : code == descriptor::application_properties ? store(read_application_properties(**value), head.application_properties)
                                                                      : apply(code, **value, cursor.position(), header);
    if (!applied) return Unexpected{applied.error()};
    if (!is_first_annotations) last = code;
    body_seen = is_body(code);
  }
  head.annotations = std::move(header.annotations).value_or(RouterAnnotations{});
  head.bytes = cursor.position();
  return std::optional{std::move(head)};
}

Result<Message> decode_message(ByteView bytes) {
  using Found = SectionCursor::Found;
  SectionCursor cursor{bytes, true, bytes.size()};
  MessageHeader header;
  Message message;
  std::uint64_t last = 0;
  for (Found found = cursor.probe(); found != Found::end; found = cursor.probe()) {
    if (found == Found::raw) return failure(condition::decode_error, "no message section");
    const std::uint64_t code = cursor.code();
    const bool is_standard = code >= descriptor::header && code <= descriptor::footer;
    if (is_standard && !may_follow(code, last)) return failure(condition::decode_error, "message section out of order");
    if (code == kRouterAnnotations && cursor.position() != 0) {
      return failure(condition::decode_error, "router annotations are not the first section");
    }
    if (is_standard) last = code;
    const auto value = cursor.take();
    if (!value) return Unexpected{value.error()};
    const auto applied = apply(code, **value, cursor.position(), header, message);
    if (!applied) return Unexpected{applied.error()};
  }
  message.annotations = std::move(header.annotations);
  message.priority = header.priority;
  return message;
}

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
