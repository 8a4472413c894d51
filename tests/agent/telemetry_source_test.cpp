#include "agent/telemetry_source.h"

#include <algorithm>
#include <chrono>

#include "tests/support/catch.h"

namespace van::agent {
namespace {

using namespace std::chrono_literals;
using vanflow::Attribute;
using vanflow::Record;
using vanflow::RecordType;

/// A source, a clock, and what there is.
struct Fixture {
  TelemetrySource source{Rng{7}};
  TimePoint now{};
  std::vector<Described> described{{.type = RecordType::site, .identity = "site-id", .attributes = {{Attribute::name, "mill"}}},
                                   {.type = RecordType::connector, .key = "web", .attributes = {{Attribute::address, "web"}}}};
  int beacons = 0, beats = 0;
  std::vector<Record> records;

  [[nodiscard]] Moment moment() const { return {now, static_cast<std::uint64_t>(now.time_since_epoch() / 1us) + 1'000'000}; }
  void collect() {
    while (const auto message = source.poll_message()) {
      const auto telegram = vanflow::read_telegram(*message);
      REQUIRE(telegram);
      if (std::holds_alternative<vanflow::Beacon>(*telegram)) ++beacons;
      if (std::holds_alternative<vanflow::Heartbeat>(*telegram)) ++beats;
      if (const auto* told = std::get_if<vanflow::Records>(&*telegram)) {
        CHECK(told->records.size() <= 50);
        records.insert(records.end(), told->records.begin(), told->records.end());
      }
    }
  }
  /// Lets time pass, deadline by deadline.
  void advance(Duration by) {
    const TimePoint end = now + by;
    while (source.next_deadline() <= end) {
      now = std::max(now, source.next_deadline());
      source.handle_deadline(described, moment());
      collect();
    }
    now = end;
  }
  void clear() {
    beacons = beats = 0;
    records.clear();
  }
  [[nodiscard]] Record told(RecordType type) const {
    const auto found = std::ranges::find(records, type, &Record::type);
    REQUIRE(found != records.end());
    return *found;
  }
};

struct HeardFixture : Fixture {
  HeardFixture() {
    source.beacons_heard(true, now);
    source.stream_heard(true, now);
    advance(1s);
  }
};

TEST_CASE("a source that nobody hears sleeps", "[agent][telemetry]") {
  Fixture f;
  CHECK(f.source.next_deadline() == kNever);
  f.source.changed(f.now);
  f.source.newcomer(f.now);
  f.source.flush(f.now);
  CHECK(f.source.next_deadline() == kNever);
  f.source.beacons_heard(true, f.now);
  f.source.stream_heard(true, f.now);
  f.source.beacons_heard(false, f.now);
  f.source.stream_heard(false, f.now);
  CHECK(f.source.next_deadline() == kNever);
}

TEST_CASE("beacons come at once and every ten seconds, heartbeats every two", "[agent][telemetry]") {
  Fixture f;
  f.source.beacons_heard(true, f.now);
  f.advance(0s);
  CHECK(f.beacons == 1);
  f.advance(29s);
  CHECK(f.beacons == 3);
  CHECK(f.beats == 0);  // nobody takes them
  f.source.stream_heard(true, f.now);
  f.clear();
  f.advance(20s);
  CHECK(f.beacons == 2);
  CHECK(f.beats == 11);
}

TEST_CASE("beacons and heartbeats share their wake-ups", "[agent][telemetry]") {
  HeardFixture f;
  f.advance(60s);
  int wakeups = 0;
  const TimePoint end = f.now + 60s;
  while (f.source.next_deadline() <= end) {
    f.now = f.source.next_deadline();
    f.source.handle_deadline(f.described, f.moment());
    ++wakeups;
  }
  CHECK(wakeups <= 31);
}

TEST_CASE("who begins to listen gets everything", "[agent][telemetry]") {
  HeardFixture f;
  REQUIRE(f.records.size() == 2);
  CHECK(f.told(RecordType::site).identity == "site-id");
  const Record connector = f.told(RecordType::connector);
  CHECK(connector.identity.starts_with(f.source.self().id.substr(0, 6)));
  CHECK(connector.text(Attribute::address) == "web");
  CHECK(connector.number(Attribute::start_time) >= 1'000'000);
}

TEST_CASE("an identity is five characters of this start, and a number", "[agent][telemetry]") {
  TelemetrySource one{Rng{1}}, other{Rng{2}};
  CHECK(one.self().id.size() == 7);
  CHECK(one.self().id.ends_with(":0"));
  CHECK(one.self().id != other.self().id);
  CHECK(one.new_identity() != one.new_identity());
  CHECK(one.self().address == "mc/sfe." + one.self().id);
  CHECK(one.self().direct == "sfe." + one.self().id);
}

TEST_CASE("changes are told within a second, and only what changed", "[agent][telemetry]") {
  HeardFixture f;
  f.clear();
  f.described[1].attributes[Attribute::status] = "down";
  f.source.changed(f.now);
  f.advance(1s);
  REQUIRE(f.records.size() == 1);
  CHECK(f.records[0].attributes == vanflow::Attributes{{Attribute::status, "down"}});
}

TEST_CASE("many changes make one message a second", "[agent][telemetry]") {
  HeardFixture f;
  f.clear();
  int told = 0;
  for (std::uint64_t step = 1; step <= 30; ++step) {
    f.described[1].attributes[Attribute::connections] = step;
    f.source.changed(f.now);
    f.advance(100ms);
  }
  told = static_cast<int>(f.records.size());
  CHECK(told >= 2);
  CHECK(told <= 4);
}

TEST_CASE("what goes is ended, and comes again under another identity", "[agent][telemetry]") {
  HeardFixture f;
  const std::string identity = f.told(RecordType::connector).identity;
  const Described web = f.described[1];
  f.clear();
  f.described.pop_back();
  f.source.changed(f.now);
  f.advance(1s);
  REQUIRE(f.records.size() == 1);
  CHECK(f.records[0].identity == identity);
  CHECK(f.records[0].attributes.size() == 1);
  CHECK(f.records[0].number(Attribute::end_time) > 0);
  f.clear();
  f.described.push_back(web);
  f.source.changed(f.now);
  f.advance(1s);
  REQUIRE(f.records.size() == 1);
  CHECK(f.records[0].identity != identity);
  CHECK(f.records[0].text(Attribute::address) == "web");
}

TEST_CASE("what came and went between two messages is not told", "[agent][telemetry]") {
  Fixture f;
  f.source.beacons_heard(true, f.now);
  f.advance(0s);
  f.described.pop_back();
  f.advance(20s);
  f.source.stream_heard(true, f.now);
  f.advance(1s);
  REQUIRE(f.records.size() == 1);
  CHECK(f.records[0].type == RecordType::site);
}

TEST_CASE("a flush is answered with everything within a second; several are one", "[agent][telemetry]") {
  HeardFixture f;
  f.advance(5s);
  f.clear();
  for (int i = 0; i < 5; ++i) f.source.flush(f.now);
  f.advance(500ms);
  CHECK(f.records.size() == 2);
  f.source.flush(f.now);
  f.advance(1s);
  CHECK(f.records.size() == 4);
}

TEST_CASE("a flush right behind a change is answered at once, and does not make changes go sooner", "[agent][telemetry]") {
  HeardFixture f;
  f.described[1].attributes[Attribute::status] = "down";
  f.source.changed(f.now);
  f.advance(100ms);
  f.clear();
  f.source.flush(f.now);
  f.advance(100ms);
  CHECK(f.records.size() == 2);
  f.described[1].attributes[Attribute::status] = "up";
  f.source.changed(f.now);
  f.advance(500ms);
  CHECK(f.records.size() == 2);
  f.advance(500ms);
  CHECK(f.records.size() == 3);
}

TEST_CASE("a flush before the network has told us of the listener is kept", "[agent][telemetry]") {
  Fixture f;
  f.source.flush(f.now);
  f.source.stream_heard(true, f.now);
  f.advance(500ms);
  CHECK(f.records.size() == 2);
}

TEST_CASE("the site is told again every half minute", "[agent][telemetry]") {
  HeardFixture f;
  f.clear();
  f.advance(65s);
  CHECK(f.records.size() == 2);
  for (const Record& record : f.records) CHECK(record.text(Attribute::name) == "mill");
}

TEST_CASE("many records are sent fifty at a time", "[agent][telemetry]") {
  Fixture f;
  for (int i = 0; i < 200; ++i)
    f.described.push_back({.type = RecordType::listener, .key = std::to_string(i), .attributes = {{Attribute::address, "a"}}});
  f.source.stream_heard(true, f.now);
  f.advance(500ms);
  CHECK(f.records.size() == 202);
}

TEST_CASE("a newcomer hears of us soon, but not ten of them ten times", "[agent][telemetry]") {
  HeardFixture f;
  f.advance(3s);
  f.clear();
  for (int i = 0; i < 10; ++i) f.source.newcomer(f.now);
  f.advance(1s);
  CHECK(f.beacons == 1);
}

TEST_CASE("whoever leaves in order ends all records", "[agent][telemetry]") {
  HeardFixture f;
  f.clear();
  f.source.close(f.moment());
  f.collect();
  CHECK(f.records.size() == 2);
  CHECK(std::ranges::all_of(f.records, [](const Record& record) { return record.number(Attribute::end_time) > 0; }));
  CHECK(f.source.next_deadline() == kNever);
}

}  // namespace
}  // namespace van::agent
