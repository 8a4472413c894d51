#include "core/amqp/message.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/amqp/constructor.h"
#include "core/amqp/decoder.h"
#include "core/amqp/descriptor.h"
#include "core/amqp/section.h"
#include "core/amqp/text.h"
#include "core/base/limits.h"

namespace van::amqp {
namespace {

/// A failed read of annotations is told as invalid_field, whatever is wrong inside (control-plane 4.3).
Unexpected<Error> annotations_error(const std::string& description) {
  return failure(condition::invalid_field, "router annotations: " + description);
}

void keep(std::optional<std::string_view> text, std::optional<std::string>& to) {
  if (text) to.emplace(*text);
}

/// control-plane 4.3: a list of strings, never null.
Result<void> read_trace(FieldReader& annotations, std::vector<std::string>& trace) {
  const auto octets = annotations.raw();
  if (!octets) return annotations_error("no trace");
  auto list = decode_list(*octets);
  if (!list) return annotations_error(list.error().description);
  FieldReader& entries = list->fields;
  while (entries.ok() && entries.index() < entries.count()) {
    const auto entry = entries.string();
    if (!entry) return annotations_error("trace entry is no string");
    trace.emplace_back(*entry);
  }
  return {};
}

/// control-plane 4.3, "reader checks".
Result<void> read_annotations(ByteView value, RouterAnnotations& annotations) {
  auto list = decode_list(value);
  if (!list) return annotations_error(list.error().description);
  FieldReader& fields = list->fields;
  if (fields.count() < 4) return annotations_error("less than 4 fields");

  annotations.flags = fields.uint().value_or(0);
  keep(fields.string(), annotations.to_override);
  keep(fields.string(), annotations.ingress);
  const auto trace = read_trace(fields, annotations.trace);
  if (!trace) return trace;
  if (fields.count() > 4) {
    keep(fields.string(), annotations.mesh_id);
    if (!annotations.mesh_id) return annotations_error("mesh id is no string");
  }
  if (!fields.ok()) return annotations_error(fields.error().error.description);
  return {};
}

struct PropertyFields {
  PropertyTexts texts;
  std::optional<ByteView> message_id;  ///< encoded
  std::optional<ByteView> correlation_id;
};

/// §3.2.4. A text field of another type reads as absent: what it is needed for tells.
Result<PropertyFields> read_properties(ByteView value) {
  auto list = decode_list(value);
  if (!list) return Unexpected{list.error()};
  FieldReader& fields = list->fields;
  PropertyFields properties;
  properties.message_id = fields.checked();
  fields.skip();  // user-id
  properties.texts.to = fields.text();
  properties.texts.subject = fields.text();
  properties.texts.reply_to = fields.text();
  properties.correlation_id = fields.checked();
  properties.texts.content_type = fields.text();
  fields.skip(3);  // content-encoding, absolute-expiry-time, creation-time
  properties.texts.group_id = fields.text();
  if (!fields.ok()) return fields.error();
  return properties;
}

Value value_of(std::optional<ByteView> checked) {
  return checked ? std::move(decode_value(*checked)).value().value : Value{};
}

/// The same, kept.
Result<void> read_properties(ByteView value, std::optional<Properties>& to) {
  const auto read = read_properties(value);
  if (!read) return Unexpected{read.error()};
  Properties& properties = to.emplace();
  properties.message_id = value_of(read->message_id);
  keep(read->texts.to, properties.to);
  keep(read->texts.subject, properties.subject);
  keep(read->texts.reply_to, properties.reply_to);
  properties.correlation_id = value_of(read->correlation_id);
  keep(read->texts.content_type, properties.content_type);
  keep(read->texts.group_id, properties.group_id);
  return {};
}

/// §3.2.4: `to` alone.
Result<void> read_to(ByteView value, std::optional<std::string>& to) {
  auto list = decode_list(value);
  if (!list) return Unexpected{list.error()};
  FieldReader& fields = list->fields;
  fields.skip(2);  // message-id, user-id
  keep(fields.text(), to);
  if (!fields.ok()) return fields.error();
  return {};
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

/// The texts alone. What is more than a few texts and numbers is checked by being decoded whole.
Result<void> read_application_properties(ByteView value, StreamHead& head) {
  auto map = decode_map(value);
  if (!map) return Unexpected{map.error()};
  FieldReader& entries = map->fields;
  std::array<std::string_view, 8> keys;
  std::size_t count = 0;
  bool is_plain_map = entries.count() % 2 == 0 && entries.count() <= 2 * keys.size();
  while (entries.ok() && entries.index() < entries.count()) {
    const auto key = entries.raw();
    const auto mapped = entries.raw();
    const auto name = key ? text_of(*key) : std::nullopt;
    const auto text = mapped ? text_of(*mapped) : std::nullopt;
    if (name && text) head.application_properties.emplace_back(*name, *text);
    is_plain_map = is_plain_map && name && (*key)[0] == constructor::string8 && (!mapped || text || is_plain(*mapped)) &&
                   std::find(keys.begin(), keys.begin() + count, *name) == keys.begin() + count;
    if (is_plain_map) keys[count++] = *name;
  }
  if (is_plain_map && entries.at_end()) return {};
  const auto decoded = decode_value(value);
  return decoded ? Result<void>{} : Unexpected{decoded.error()};
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
    auto value = section_value(bytes_.subspan(position_), start_, bytes_max_ - std::min(bytes_max_, position_));
    if (value && *value) position_ += start_.value + (*value)->size();
    else if (value && complete_) value = failure(condition::decode_error, "message section cut short");
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
    header.annotations_bytes = end;
    return read_annotations(value, header.annotations.emplace());
  }
  if (code == descriptor::header) {
    const auto priority = read_priority(value);
    if (!priority) return Unexpected{priority.error()};
    header.priority = *priority;
  }
  return {};
}

/// Stores what a section of a stream's head says.
Result<void> apply(std::uint64_t code, ByteView value, StreamHead& head) {
  if (is_body(code)) return {};
  if (code == descriptor::application_properties) return read_application_properties(value, head);
  if (code == descriptor::properties) {
    const auto read = read_properties(value);
    if (!read) return Unexpected{read.error()};
    head.properties = read->texts;
    return {};
  }
  MessageHeader passed_over;
  return apply(code, value, 0, passed_over);
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

/// Stores what a section of a whole message says.
Result<void> apply(std::uint64_t code, ByteView value, std::size_t end, MessageHeader& header, Message& message) {
  if (is_body(code)) return append_body(code, value, message.body);
  if (code == descriptor::header) message.header = true;
  if (code == descriptor::properties) return read_properties(value, message.properties);
  if (code == descriptor::application_properties) {
    auto properties = read_application_properties(value);
    if (!properties) return Unexpected{properties.error()};
    message.application_properties = std::move(*properties);
    return {};
  }
  return apply(code, value, end, header);
}

/// False: more bytes are needed.
Result<bool> read(SectionCursor& cursor, bool only_annotations, MessageHeader& header) {
  using Found = SectionCursor::Found;
  for (;;) {
    const bool first = cursor.position() == 0;
    const Found found = cursor.probe();
    if (found == Found::more_needed) return false;
    if (found == Found::raw && first) return failure(condition::decode_error, "no message section");
    if (found != Found::section) return true;
    const std::uint64_t code = cursor.code();
    if (code == kRouterAnnotations ? !first : only_annotations) return true;
    if (code > descriptor::properties && code <= descriptor::footer) return true;

    const auto value = cursor.take();
    if (!value) return Unexpected{value.error()};
    if (!*value) return false;
    const bool is_last = only_annotations || code == descriptor::properties;
    const auto applied = code == descriptor::properties ? read_to(**value, header.to) : apply(code, **value, cursor.position(), header);
    if (!applied) return Unexpected{applied.error()};
    if (is_last) return true;
  }
}

/// False: more bytes are needed.
Result<bool> read(SectionCursor& cursor, StreamHead& head) {
  using Found = SectionCursor::Found;
  std::uint64_t last = 0;
  for (bool body_seen = false; !body_seen;) {
    const Found found = cursor.probe();
    if (found == Found::more_needed) return false;
    if (found != Found::section) break;
    const std::uint64_t code = cursor.code();
    const bool is_first_annotations = code == kRouterAnnotations && cursor.position() == 0;
    const bool is_next_section = code >= descriptor::header && code <= descriptor::amqp_value && code > last;
    if (!is_first_annotations && !is_next_section) break;

    const auto value = cursor.take();
    if (!value) return Unexpected{value.error()};
    if (!*value) return false;
    const auto applied = apply(code, **value, head);
    if (!applied) return Unexpected{applied.error()};
    if (!is_first_annotations) last = code;
    body_seen = is_body(code);
  }
  head.bytes = cursor.position();
  return true;
}

/// What `read` fills in where it is returned; nullopt when that needs more bytes.
template <class To, class Read>
Result<std::optional<To>> filled(Read read) {
  Result<std::optional<To>> result{std::optional<To>{std::in_place}};
  const Result<bool> whole = read(**result);
  if (!whole) result = Unexpected{whole.error()};
  else if (!*whole) result->reset();
  return result;
}

}  // namespace

Result<std::optional<MessageHeader>> read_message_header(ByteView prefix, bool complete, bool only_annotations) {
  SectionCursor cursor{prefix, complete, limits::kMessageHeaderBytes};
  return filled<MessageHeader>([&](MessageHeader& header) { return read(cursor, only_annotations, header); });
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
  SectionCursor cursor{prefix, complete, limits::kMessageHeaderBytes};
  return filled<StreamHead>([&](StreamHead& head) { return read(cursor, head); });
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

}  // namespace van::amqp
