#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/amqp/message.h"

/// The telemetry that sites of a network tell each other, as values: records of what there is, and the four kinds of messages
/// that carry them (vanflow 3 to 7).
namespace van::agent::vanflow {

inline constexpr const char* kBeacons = "mc/sfe.all";  ///< where sources announce themselves

/// Those we use. Others are passed over.
enum class RecordType : std::uint32_t { site = 0, router = 1, link = 2, listener = 4, connector = 5, router_access = 15 };

/// vanflow 5. `host` and `port` are destHost and destPort.
enum class Attribute : std::uint32_t {
  parent = 2,
  start_time = 3,  ///< microseconds since 1970, as end_time
  end_time = 4,
  peer = 6,
  platform = 11,
  mode = 13,
  host = 15,
  protocol = 16,
  port = 18,
  address = 19,
  name = 30,
  version = 32,
  cost = 33,
  connections = 40,
  status = 53,
  role = 54,
  http_proxy = 67,
};
using Scalar = std::variant<std::uint64_t, std::string>;
using Attributes = std::map<Attribute, Scalar>;

struct Record {
  RecordType type = RecordType::site;
  std::string identity = {};
  Attributes attributes = {};

  [[nodiscard]] std::string text(Attribute attribute) const;  ///< empty when absent
  [[nodiscard]] std::uint64_t number(Attribute attribute) const;  ///< 0 when absent
  friend bool operator==(const Record&, const Record&) = default;
};

struct Beacon {
  std::string id;
  std::string address;  ///< of its records and heartbeats
  std::string direct;   ///< of FLUSH
  bool controller = false;
  friend bool operator==(const Beacon&, const Beacon&) = default;
};
struct Heartbeat {};
struct Records {
  std::vector<Record> records;
};
struct Flush {};
using Telegram = std::variant<Beacon, Heartbeat, Records, Flush>;

/// Takes what anybody may send (vanflow 3, 10): records without identity, of types or with attributes that we do not use, and
/// texts above limits::kTelemetryTextBytes are left out; numbers may have any width. nullopt: none of the four.
std::optional<Telegram> read_telegram(const amqp::Message& message);

/// As strict collectors want them (vanflow 4): number and text by attribute, no null, and texts cut to
/// limits::kTelemetryTextBytes.
amqp::Message beacon_message(const Beacon& beacon);
amqp::Message heartbeat_message(const Beacon& source, std::uint64_t now_us);
amqp::Message record_message(const Beacon& source, const std::vector<Record>& records);
amqp::Message flush_message(const Beacon& source);

}  // namespace van::agent::vanflow
