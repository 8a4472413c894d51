#include "agent/vanflow_records.h"

#include <array>
#include <string_view>
#include <utility>

#include "core/base/limits.h"

namespace van::agent::vanflow {
namespace {

constexpr std::uint32_t kTypeKey = 0;
constexpr std::uint32_t kIdentityKey = 1;

/// Whether the attribute is one of ours, and how it is written.
enum class Kind { unknown, number, text };
Kind kind_of(std::uint64_t key) {
  switch (static_cast<Attribute>(key)) {
    case Attribute::start_time:
    case Attribute::end_time:
    case Attribute::cost:
    case Attribute::connections: return Kind::number;
    case Attribute::parent:
    case Attribute::peer:
    case Attribute::platform:
    case Attribute::mode:
    case Attribute::host:
    case Attribute::protocol:
    case Attribute::port:
    case Attribute::address:
    case Attribute::name:
    case Attribute::version:
    case Attribute::status:
    case Attribute::role:
    case Attribute::http_proxy: return Kind::text;
  }
  return Kind::unknown;
}

std::optional<RecordType> type_of(std::uint64_t number) {
  switch (static_cast<RecordType>(number)) {
    case RecordType::site:
    case RecordType::router:
    case RecordType::link:
    case RecordType::listener:
    case RecordType::connector:
    case RecordType::router_access: return static_cast<RecordType>(number);
  }
  return std::nullopt;
}

/// As real routers do; never inside a UTF-8 character.
std::string cut(const std::string& text) {
  if (text.size() <= limits::kTelemetryTextBytes) return text;
  std::size_t length = limits::kTelemetryTextBytes;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  return text.substr(0, length);
}

std::optional<std::string> bounded_text(const amqp::Value& value) {
  const auto text = value.text();
  if (!text || text->size() > limits::kTelemetryTextBytes) return std::nullopt;
  return std::string{*text};
}

amqp::Value encode(const Record& record) {
  amqp::Map map;
  map.emplace_back(kTypeKey, static_cast<std::uint32_t>(record.type));
  map.emplace_back(kIdentityKey, record.identity);
  for (const auto& [attribute, scalar] : record.attributes) {
    const auto key = static_cast<std::uint32_t>(attribute);
    if (const auto* number = std::get_if<std::uint64_t>(&scalar)) {
      VAN_ASSERT(kind_of(key) == Kind::number);
      map.emplace_back(key, *number);
    } else {
      VAN_ASSERT(kind_of(key) == Kind::text);
      map.emplace_back(key, cut(std::get<std::string>(scalar)));
    }
  }
  return map;
}

void read_attribute(std::uint64_t key, const amqp::Value& value, Attributes& attributes) {
  if (key > static_cast<std::uint64_t>(Attribute::http_proxy)) return;
  const Kind kind = kind_of(key);
  if (kind == Kind::number) {
    if (const auto number = value.unsigned_integer()) attributes[static_cast<Attribute>(key)] = *number;
  } else if (kind == Kind::text) {
    if (auto text = bounded_text(value)) attributes[static_cast<Attribute>(key)] = *std::move(text);
  }
}

/// Type and identity may stand anywhere among the attributes (vanflow 3).
std::optional<Record> decode(const amqp::Value& value) {
  const amqp::Map* map = value.map();
  if (map == nullptr) return std::nullopt;
  Record record;
  std::optional<RecordType> type;
  for (const auto& [key_value, attribute] : *map) {
    const auto key = key_value.unsigned_integer();
    if (!key) continue;
    if (*key == kTypeKey) {
      const auto number = attribute.unsigned_integer();
      if (number && *number <= static_cast<std::uint64_t>(RecordType::router_access)) type = type_of(*number);
    } else if (*key == kIdentityKey) {
      record.identity = bounded_text(attribute).value_or("");
    } else {
      read_attribute(*key, attribute, record.attributes);
    }
  }
  if (!type || record.identity.empty()) return std::nullopt;
  record.type = *type;
  return record;
}

std::string property(const amqp::Message& message, std::string_view name) {
  const amqp::Value* value = amqp::find(message.application_properties, name);
  return value == nullptr ? std::string{} : bounded_text(*value).value_or("");
}

amqp::Message message_to(std::string to, const char* subject) {
  amqp::Message message;
  message.properties.emplace();
  message.properties->to = std::move(to);
  message.properties->subject = subject;
  return message;
}

}  // namespace

std::string Record::text(Attribute attribute) const {
  const auto found = attributes.find(attribute);
  const auto* text = found == attributes.end() ? nullptr : std::get_if<std::string>(&found->second);
  return text == nullptr ? std::string{} : *text;
}

std::uint64_t Record::number(Attribute attribute) const {
  const auto found = attributes.find(attribute);
  const auto* number = found == attributes.end() ? nullptr : std::get_if<std::uint64_t>(&found->second);
  return number == nullptr ? 0 : *number;
}

std::optional<Telegram> read_telegram(const amqp::Message& message) {
  if (!message.properties || !message.properties->subject) return std::nullopt;
  const std::string& subject = *message.properties->subject;
  if (subject == "HEARTBEAT") return Heartbeat{};
  if (subject == "FLUSH") return Flush{};
  if (subject == "BEACON")
    return Beacon{property(message, "id"), property(message, "address"), property(message, "direct"),
                  property(message, "sourceType") == "CONTROLLER"};
  if (subject != "RECORD") return std::nullopt;
  Records records;
  const amqp::List* list = message.body ? message.body->list() : nullptr;
  if (list == nullptr) return records;
  for (const amqp::Value& value : *list)
    if (auto record = decode(value)) records.records.push_back(*std::move(record));
  return records;
}

amqp::Message beacon_message(const Beacon& beacon) {
  amqp::Message message = message_to(kBeacons, "BEACON");
  message.application_properties = {{"v", std::uint32_t{1}},
                                    {"sourceType", beacon.controller ? "CONTROLLER" : "ROUTER"},
                                    {"id", beacon.id},
                                    {"address", beacon.address},
                                    {"direct", beacon.direct}};
  return message;
}

amqp::Message heartbeat_message(const Beacon& source, std::uint64_t now_us) {
  amqp::Message message = message_to(source.address, "HEARTBEAT");
  message.application_properties = {{"v", std::uint32_t{1}}, {"now", now_us}, {"id", source.id}};
  return message;
}

amqp::Message record_message(const Beacon& source, const std::vector<Record>& records) {
  amqp::Message message = message_to(source.address, "RECORD");
  amqp::List list;
  for (const Record& record : records) list.push_back(encode(record));
  message.body = amqp::Value{std::move(list)};
  return message;
}

amqp::Message flush_message(const Beacon& source) { return message_to(source.direct, "FLUSH"); }

}  // namespace van::agent::vanflow
