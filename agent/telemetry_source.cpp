#include "agent/telemetry_source.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace van::agent {
namespace {

using vanflow::Attribute;
using vanflow::Record;
using vanflow::RecordType;
using namespace std::chrono_literals;

// vanflow 12.
constexpr Duration kBeaconEvery = 10s;
constexpr Duration kBeatEvery = 2s;
constexpr Duration kSiteEvery = 30s;  ///< collectors hold it under our source of before a restart, and forget it with that
constexpr Duration kEmitEvery = 1s;
constexpr Duration kGather = 50ms;  ///< what changes together is told together
constexpr Duration kAnswerEvery = 500ms;
constexpr std::uint64_t kAnswerSpreadMs = 250;  ///< not all at once
constexpr std::size_t kRecordsPerMessage = 50;
constexpr std::size_t kPrefix = 5;

}  // namespace

TelemetrySource::TelemetrySource(Rng rng) : rng_{rng}, prefix_{rng_.discriminator(kPrefix)} {
  const std::string id = prefix_ + ":0";
  self_ = {.id = id, .address = "mc/sfe." + id, .direct = "sfe." + id, .controller = false};
}

std::string TelemetrySource::new_identity() { return prefix_ + ":" + std::to_string(++last_identity_); }

void TelemetrySource::beacons_heard(bool heard, TimePoint now) {
  if (std::exchange(beacons_heard_, heard) == heard) return;
  beacon_at_ = heard ? now : kNever;
}

void TelemetrySource::stream_heard(bool heard, TimePoint now) {
  if (std::exchange(stream_heard_, heard) == heard) return;
  beat_at_ = site_at_ = emit_at_ = kNever;
  if (!heard) return;
  beat_at_ = now;
  site_at_ = now + kSiteEvery;
  all_ = true;
  emit_soon(now, emitted_all_);
}

void TelemetrySource::flush(TimePoint now) {
  all_ = true;  // kept until the network has told us who listens
  emit_soon(now, emitted_all_);
}

void TelemetrySource::newcomer(TimePoint now) {
  if (!beacons_heard_) return;
  const TimePoint allowed = beaconed_ ? *beaconed_ + kAnswerEvery : now;
  beacon_at_ = std::min(beacon_at_, std::max(allowed, now + std::chrono::milliseconds{rng_.below(kAnswerSpreadMs)}));
}

void TelemetrySource::changed(TimePoint now) { emit_soon(now, emitted_); }

void TelemetrySource::emit_soon(TimePoint now, std::optional<TimePoint> last) {
  if (!stream_heard_) return;
  const TimePoint allowed = last ? *last + kEmitEvery : now;
  emit_at_ = std::min(emit_at_, std::max(allowed, now + kGather));
}

void TelemetrySource::handle_deadline(const std::vector<Described>& described, Moment moment) {
  if (next_deadline() > moment.now) return;
  describe(described, moment);
  if (beat_at_ <= moment.now) beat(moment);
  if (beacon_at_ <= moment.now) {
    messages_.push_back(vanflow::beacon_message(self_));
    beaconed_ = moment.now;
    beacon_at_ = moment.now + kBeaconEvery;
  }
  if (emit_at_ <= moment.now) emit(moment.now);
}

TimePoint TelemetrySource::next_deadline() const { return std::min({beacon_at_, beat_at_, emit_at_}); }

/// With the heartbeat goes whatever may go with it, so that we wake up once.
void TelemetrySource::beat(Moment moment) {
  messages_.push_back(vanflow::heartbeat_message(self_, moment.micros));
  beat_at_ = moment.now + kBeatEvery;
  if (beacon_at_ != kNever && beacon_at_ < moment.now + kBeatEvery / 2) beacon_at_ = moment.now;
  if (site_at_ <= moment.now) {
    site_at_ = moment.now + kSiteEvery;
    for (auto& [key, entry] : entries_)
      if (key.first == RecordType::site) entry.fresh = true;
  }
  if (!emitted_ || moment.now - *emitted_ >= kEmitEvery) emit_at_ = moment.now;
}

void TelemetrySource::describe(const std::vector<Described>& described, Moment moment) {
  std::set<Key> there;
  for (const Described& each : described) {
    const Key key{each.type, each.key};
    there.insert(key);
    const auto [found, is_new] = entries_.try_emplace(key);
    Entry& entry = found->second;
    if (!is_new) {
      update(entry, each.attributes);
      continue;
    }
    entry.record = {each.type, each.identity.empty() ? new_identity() : each.identity, each.attributes};
    entry.record.attributes[Attribute::start_time] = moment.micros;
  }
  std::erase_if(entries_, [&](const auto& item) {
    const auto& [key, entry] = item;
    if (there.contains(key)) return false;
    if (!entry.fresh) ended_.push_back({key.first, entry.record.identity, {{Attribute::end_time, moment.micros}}});
    return true;
  });
  if (!stream_heard_) ended_.clear();
}

/// What is not known any more stays as it was: it can't be taken back (vanflow 4).
void TelemetrySource::update(Entry& entry, const vanflow::Attributes& attributes) {
  for (const auto& [attribute, value] : attributes) {
    auto& told = entry.record.attributes[attribute];
    if (told == value) continue;
    told = value;
    entry.changed.insert(attribute);
  }
}

void TelemetrySource::emit(TimePoint now) {
  emit_at_ = kNever;
  std::vector<Record> records;
  for (auto& [key, entry] : entries_) {
    if (all_ || entry.fresh) {
      records.push_back(entry.record);
    } else if (!entry.changed.empty()) {
      Record part{entry.record.type, entry.record.identity, {}};
      for (const Attribute attribute : entry.changed) part.attributes[attribute] = entry.record.attributes.at(attribute);
      records.push_back(std::move(part));
    }
    entry.fresh = false;
    entry.changed.clear();
  }
  for (Record& record : std::exchange(ended_, {})) records.push_back(std::move(record));
  const bool all = std::exchange(all_, false);
  if (records.empty()) return;
  emitted_ = now;
  if (all) emitted_all_ = now;
  send(records);
}

void TelemetrySource::send(const std::vector<Record>& records) {
  for (std::size_t at = 0; at < records.size(); at += kRecordsPerMessage) {
    const std::size_t end = std::min(records.size(), at + kRecordsPerMessage);
    messages_.push_back(vanflow::record_message(
        self_, {records.begin() + static_cast<std::ptrdiff_t>(at), records.begin() + static_cast<std::ptrdiff_t>(end)}));
  }
}

void TelemetrySource::close(Moment moment) {
  describe({}, moment);
  if (stream_heard_) send(ended_);
  ended_.clear();
  stream_heard_ = beacons_heard_ = false;
  beacon_at_ = beat_at_ = emit_at_ = kNever;
}

std::optional<amqp::Message> TelemetrySource::poll_message() {
  if (messages_.empty()) return std::nullopt;
  amqp::Message message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

}  // namespace van::agent
