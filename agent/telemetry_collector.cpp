#include "agent/telemetry_collector.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/base/limits.h"
#include "core/routing/address.h"

namespace van::agent {
namespace {

using vanflow::Attribute;
using vanflow::Record;
using namespace std::chrono_literals;

constexpr Duration kSilence = 30s;  ///< vanflow 10, as all following
constexpr Duration kFirstFlush = 100ms;  ///< the source may not know of us yet, then it is lost; but if it does this is soonest
constexpr Duration kNextFlush = 5s;      ///< while it has told nothing; doubles
constexpr Duration kFlushEvery = 10min;  ///< against messages that were lost
constexpr std::size_t kAttributeBytes = 96;  ///< about what a map's node takes
constexpr std::size_t kRecordBytes = 224;

std::size_t bytes_of(const Record& record) {
  std::size_t bytes = kRecordBytes + 2 * record.identity.size();
  for (const auto& [attribute, value] : record.attributes) {
    const auto* text = std::get_if<std::string>(&value);
    bytes += kAttributeBytes + (text == nullptr ? 0 : text->size());
  }
  return bytes;
}

/// Nobody may have us take what is not telemetry, such as the requests to a service.
bool valid(const vanflow::Beacon& beacon) {
  return !beacon.id.empty() && beacon.address.starts_with("mc/sfe.") && beacon.direct.starts_with("sfe.") &&
         beacon.address != vanflow::kBeacons && routing::AddressKey::mobile(beacon.address + ".heartbeats").has_value() &&
         routing::AddressKey::mobile(beacon.direct).has_value();
}

}  // namespace

void TelemetryCollector::receive_beacon(const amqp::Message& message, TimePoint now) {
  auto telegram = vanflow::read_telegram(message);
  auto* beacon = telegram ? std::get_if<vanflow::Beacon>(&*telegram) : nullptr;
  if (beacon == nullptr || beacon->id == own_id_ || !valid(*beacon)) return;
  const auto known = sources_.find(beacon->id);
  if (known != sources_.end()) {
    known->second.heard = now;
  } else if (sources_.size() < limits::kTelemetrySources) {
    add(std::move(*beacon), now);
  }
}

/// vanflow 6: five characters, then a number, which is 0 for the router. A beacon is not needed to have its records.
void TelemetryCollector::suggest(const std::string& identity, TimePoint now) {
  constexpr std::size_t prefix = 5;
  if (identity.size() <= prefix || identity[prefix] != ':') return;
  const std::string id = identity.substr(0, prefix) + ":0";
  receive_beacon(vanflow::beacon_message({.id = id, .address = "mc/sfe." + id, .direct = "sfe." + id, .controller = false}), now);
}

void TelemetryCollector::add(vanflow::Beacon beacon, TimePoint now) {
  Source& source = sources_[beacon.id];
  source.beacon = std::move(beacon);
  source.heard = now;
  source.flush_wait = kNextFlush;
  std::vector<std::string> addresses{source.beacon.address};
  if (source.beacon.controller) addresses.push_back(source.beacon.address + ".heartbeats");
  commands_.emplace_back(Subscribe{source.beacon.id, std::move(addresses)});
  commands_.emplace_back(Newcomer{});
  flush_at(source, now + kFirstFlush);
  wake_at_ = std::min(wake_at_, now + kSilence);
}

void TelemetryCollector::flush_at(Source& source, TimePoint when) {
  source.flush_at = when;
  wake_at_ = std::min(wake_at_, when);
}

void TelemetryCollector::receive(const std::string& source, const amqp::Message& message, TimePoint now) {
  const auto found = sources_.find(source);
  if (found == sources_.end()) return;
  auto telegram = vanflow::read_telegram(message);
  if (!telegram) return;
  found->second.heard = now;
  if (!std::exchange(found->second.confirmed, true)) flush_at(found->second, now);
  if (auto* records = std::get_if<vanflow::Records>(&*telegram))
    for (Record& record : records->records) merge(found->second, std::move(record));
}

void TelemetryCollector::merge(Source& source, Record record) {
  ++revision_;
  if (record.number(Attribute::end_time) > 0) return remove(source, record.identity);
  const auto known = source.records.find(record.identity);
  Record merged = known == source.records.end() ? Record{record.type, record.identity, {}} : known->second;
  for (auto& [attribute, value] : record.attributes) merged.attributes[attribute] = std::move(value);
  const std::size_t before = known == source.records.end() ? 0 : bytes_of(known->second);
  const std::size_t after = bytes_of(merged);
  if (bytes_ - before + after > limits::kTelemetryBytes) return;
  if (known == source.records.end() && source.records.size() >= limits::kTelemetryRecordsPerSource) return;
  bytes_ += after - before;
  source.bytes += after - before;
  std::string identity = merged.identity;
  source.records.insert_or_assign(std::move(identity), std::move(merged));
}

void TelemetryCollector::remove(Source& source, const std::string& identity) {
  const auto found = source.records.find(identity);
  if (found == source.records.end()) return;
  bytes_ -= bytes_of(found->second);
  source.bytes -= bytes_of(found->second);
  source.records.erase(found);
}

void TelemetryCollector::handle_deadline(TimePoint now) {
  if (wake_at_ > now) return;
  wake_at_ = kNever;
  for (auto each = sources_.begin(); each != sources_.end();) {
    Source& source = each->second;
    if (now - source.heard >= kSilence) {
      commands_.emplace_back(Unsubscribe{each->first});
      bytes_ -= source.bytes;
      ++revision_;
      each = sources_.erase(each);
      continue;
    }
    if (source.flush_at <= now) {
      commands_.emplace_back(vanflow::flush_message(source.beacon));
      source.flush_at = now + (source.records.empty() ? source.flush_wait : kFlushEvery);
      source.flush_wait = std::min(source.flush_wait * 2, kFlushEvery);
    }
    wake_at_ = std::min({wake_at_, source.flush_at, source.heard + kSilence});
    ++each;
  }
}

std::optional<TelemetryCollector::Command> TelemetryCollector::poll_command() {
  if (commands_.empty()) return std::nullopt;
  Command command = std::move(commands_.front());
  commands_.pop_front();
  return command;
}

}  // namespace van::agent
