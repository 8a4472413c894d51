#include "agent/telemetry_collector.h"

#include <algorithm>
#include <chrono>

#include "core/base/limits.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

using namespace std::chrono_literals;
using vanflow::Attribute;
using vanflow::Beacon;
using vanflow::Record;
using vanflow::RecordType;

Beacon beacon_of(const std::string& id) { return {id, "mc/sfe." + id, "sfe." + id, false}; }

struct Fixture {
  TelemetryCollector collector{"ownid:0"};
  TimePoint now{};
  std::vector<TelemetryCollector::Subscribe> subscribed;
  std::vector<std::string> unsubscribed;
  std::vector<std::string> flushed;
  int newcomers = 0;

  void hear(const Beacon& beacon) {
    collector.receive_beacon(vanflow::beacon_message(beacon), now);
    collect();
  }
  void tell(const std::string& source, const std::vector<Record>& records) {
    collector.receive(source, vanflow::record_message(beacon_of(source), records), now);
    collect();
  }
  void collect() {
    while (const auto command = collector.poll_command()) {
      if (const auto* subscribe = std::get_if<TelemetryCollector::Subscribe>(&*command)) subscribed.push_back(*subscribe);
      if (const auto* gone = std::get_if<TelemetryCollector::Unsubscribe>(&*command)) unsubscribed.push_back(gone->source);
      if (const auto* message = std::get_if<amqp::Message>(&*command)) flushed.push_back(*message->properties->to);
      if (std::holds_alternative<TelemetryCollector::Newcomer>(*command)) ++newcomers;
    }
  }
  void advance(Duration by) {
    const TimePoint end = now + by;
    while (collector.next_deadline() <= end) {
      now = std::max(now, collector.next_deadline());
      collector.handle_deadline(now);
      collect();
    }
    now = end;
  }
  [[nodiscard]] const TelemetryCollector::Source& source(const std::string& id) const { return collector.sources().at(id); }
};

TEST_CASE("a new source is subscribed, asked for everything, and greeted", "[agent][telemetry]") {
  Fixture f;
  f.hear(beacon_of("aaaaa:0"));
  f.hear(beacon_of("aaaaa:0"));
  REQUIRE(f.subscribed.size() == 1);
  CHECK(f.subscribed[0].addresses == std::vector<std::string>{"mc/sfe.aaaaa:0"});
  CHECK(f.newcomers == 1);
  f.advance(1s);
  CHECK(f.flushed == std::vector<std::string>{"sfe.aaaaa:0"});
}

TEST_CASE("a controller's heartbeats come on an address of their own", "[agent][telemetry]") {
  Fixture f;
  Beacon beacon = beacon_of("some-uuid");
  beacon.controller = true;
  f.hear(beacon);
  CHECK(f.subscribed.at(0).addresses == std::vector<std::string>{"mc/sfe.some-uuid", "mc/sfe.some-uuid.heartbeats"});
}

TEST_CASE("the source is asked again once it is heard, and while it tells nothing", "[agent][telemetry]") {
  Fixture f;
  f.hear(beacon_of("aaaaa:0"));
  f.advance(1s);
  f.collector.receive("aaaaa:0", vanflow::heartbeat_message(beacon_of("aaaaa:0"), 1), f.now);
  f.advance(0s);
  CHECK(f.flushed.size() == 2);
  f.advance(15s);
  CHECK(f.flushed.size() == 3);
  f.tell("aaaaa:0", {{RecordType::site, "s", {}}});
  f.flushed.clear();
  for (int i = 0; i < 20; ++i) {
    f.hear(beacon_of("aaaaa:0"));
    f.advance(10s);
  }
  CHECK(f.flushed.size() <= 1);  // one was due already
}

TEST_CASE("a source that falls silent for thirty seconds is forgotten with its records", "[agent][telemetry]") {
  Fixture f;
  f.hear(beacon_of("aaaaa:0"));
  f.hear(beacon_of("bbbbb:0"));
  f.tell("aaaaa:0", {{RecordType::site, "s", {}}});
  f.advance(20s);
  f.collector.receive("bbbbb:0", vanflow::heartbeat_message(beacon_of("bbbbb:0"), 1), f.now);
  const auto before = f.collector.revision();
  f.advance(10s);
  CHECK(f.unsubscribed == std::vector<std::string>{"aaaaa:0"});
  CHECK(f.collector.sources().size() == 1);
  CHECK(f.collector.revision() > before);
  f.advance(60s);
  CHECK(f.collector.sources().empty());
  CHECK(f.collector.next_deadline() == kNever);
}

TEST_CASE("records are merged, and go when they end", "[agent][telemetry]") {
  Fixture f;
  f.hear(beacon_of("aaaaa:0"));
  f.tell("aaaaa:0", {{RecordType::connector, "aaaaa:1", {{Attribute::address, "web"}, {Attribute::port, "80"}}}});
  f.tell("aaaaa:0", {{RecordType::connector, "aaaaa:1", {{Attribute::port, "81"}}}});
  CHECK(f.source("aaaaa:0").records.at("aaaaa:1").attributes ==
        vanflow::Attributes{{Attribute::address, "web"}, {Attribute::port, "81"}});
  f.tell("aaaaa:0", {{RecordType::connector, "aaaaa:1", {{Attribute::end_time, std::uint64_t{5}}}}});
  CHECK(f.source("aaaaa:0").records.empty());
  CHECK(f.source("aaaaa:0").bytes == 0);
}

TEST_CASE("a source can't change what another one told", "[agent][telemetry]") {
  Fixture f;
  f.hear(beacon_of("aaaaa:0"));
  f.hear(beacon_of("bbbbb:0"));
  f.tell("aaaaa:0", {{RecordType::site, "s", {{Attribute::name, "mill"}}}});
  f.tell("bbbbb:0", {{RecordType::site, "s", {{Attribute::end_time, std::uint64_t{5}}}}});
  CHECK(f.source("aaaaa:0").records.at("s").text(Attribute::name) == "mill");
}

TEST_CASE("the router of a neighbour's record is asked before its beacon comes", "[agent][telemetry]") {
  Fixture f;
  f.collector.suggest("aaaaa:17", f.now);
  f.collector.suggest("ownid:3", f.now);
  f.collector.suggest("", f.now);
  f.collector.suggest("no identity", f.now);
  f.advance(1s);
  CHECK(f.flushed == std::vector<std::string>{"sfe.aaaaa:0"});
  f.hear(beacon_of("aaaaa:0"));
  CHECK(f.subscribed.size() == 1);
  f.advance(60s);
  CHECK(f.collector.sources().empty());
}

TEST_CASE("nobody makes us take what is no telemetry", "[agent][telemetry]") {
  Fixture f;
  f.hear(beacon_of("ownid:0"));
  f.hear({"aaaaa:0", "web", "sfe.aaaaa:0", false});
  f.hear({"aaaaa:0", "mc/sfe.aaaaa:0", "web", false});
  f.hear({"aaaaa:0", "mc/sfe.all", "sfe.aaaaa:0", false});
  f.hear({"", "mc/sfe.x", "sfe.x", false});
  f.hear({std::string(5000, 'x'), "mc/sfe.x", "sfe.x", false});
  f.hear({"x", "mc/sfe." + std::string(5000, 'x'), "sfe.x", false});
  f.collector.receive_beacon({}, f.now);
  f.collector.receive_beacon(vanflow::flush_message(beacon_of("aaaaa:0")), f.now);
  f.collect();
  CHECK(f.subscribed.empty());
  f.tell("aaaaa:0", {{RecordType::site, "s", {}}});  // was never announced
  CHECK(f.collector.sources().empty());
}

TEST_CASE("sources, records and their bytes are bounded", "[agent][telemetry]") {
  Fixture f;
  const auto id = [](std::size_t number) { return "a" + std::to_string(number) + ":0"; };
  for (std::size_t i = 0; i < limits::kTelemetrySources + 10; ++i) f.hear(beacon_of(id(i)));
  CHECK(f.collector.sources().size() == limits::kTelemetrySources);
  for (std::size_t i = 0; i < limits::kTelemetryRecordsPerSource + 10; ++i)
    f.tell(id(0), {{RecordType::connector, std::to_string(i), {}}});
  CHECK(f.source(id(0)).records.size() == limits::kTelemetryRecordsPerSource);
  const std::string text(limits::kTelemetryTextBytes, 'x');
  for (std::size_t source = 1; source < 40; ++source) {
    std::vector<Record> records;
    for (int i = 0; i < 1000; ++i)
      records.push_back({RecordType::connector,
                         std::to_string(i),
                         {{Attribute::name, text}, {Attribute::address, text}, {Attribute::host, text}}});
    f.tell(id(source), records);
  }
  std::size_t bytes = 0;
  for (const auto& [name, source] : f.collector.sources()) bytes += source.bytes;
  CHECK(bytes <= limits::kTelemetryBytes);
  CHECK(bytes > limits::kTelemetryBytes / 2);
  f.advance(100s);
  CHECK(f.collector.sources().empty());
  f.hear(beacon_of("later:0"));
  f.tell("later:0", {{RecordType::site, "s", {}}});
  CHECK(f.source("later:0").records.size() == 1);  // there is room again
}

}  // namespace
}  // namespace van::agent
