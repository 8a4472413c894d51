#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/vanflow_records.h"
#include "core/base/clock.h"
#include "core/base/random.h"

namespace van::agent {

/// A moment on both clocks: the engine's, and that of records.
struct Moment {
  TimePoint now;
  std::uint64_t micros = 0;  ///< since 1970
};

/// Something that runs here and that others are told of by a record.
struct Described {
  vanflow::RecordType type = vanflow::RecordType::site;
  std::string key = {};       ///< what it is the same by, among those of its type
  std::string identity = {};  ///< of its record; empty: one is made up
  vanflow::Attributes attributes = {};  ///< without times; numbers that may fall to 0 and texts that may become empty are left out
};

/// Tells the network what is here, as a router does (vanflow 9, 12). No I/O: inputs, handle_deadline() with what there is now,
/// poll_message(). While nobody listens it has no deadline and nothing to say.
class TelemetrySource {
 public:
  explicit TelemetrySource(Rng rng);

  [[nodiscard]] const vanflow::Beacon& self() const { return self_; }
  [[nodiscard]] std::string new_identity();  ///< of a record that is to come

  // ---- Inputs ----
  void beacons_heard(bool heard, TimePoint now);  ///< whether somebody else takes vanflow::kBeacons
  void stream_heard(bool heard, TimePoint now);   ///< whether somebody takes our records
  /// Somebody wants to have all records. Told at once, though changes were told a moment ago; all who want it within a second are one.
  void flush(TimePoint now);
  /// A source appeared that did not know of us: it hears our beacon soon. Our own custom.
  void newcomer(TimePoint now);
  void changed(TimePoint now);  ///< what there is may be different: it is asked for within a second

  /// `described`: all that there is now.
  void handle_deadline(const std::vector<Described>& described, Moment moment);
  [[nodiscard]] TimePoint next_deadline() const;
  /// Ends all records, which removes us elsewhere at once.
  void close(Moment moment);

  std::optional<amqp::Message> poll_message();

 private:
  using Key = std::pair<vanflow::RecordType, std::string>;
  struct Entry {
    vanflow::Record record;
    bool fresh = true;                      // not told yet
    std::set<vanflow::Attribute> changed = {};  // since it was told
  };

  void emit_soon(TimePoint now, std::optional<TimePoint> last);
  void describe(const std::vector<Described>& described, Moment moment);
  void update(Entry& entry, const vanflow::Attributes& attributes);
  void emit(TimePoint now);
  void beat(Moment moment);
  void send(const std::vector<vanflow::Record>& records);

  Rng rng_;
  std::string prefix_;
  std::uint64_t last_identity_ = 0;
  vanflow::Beacon self_;
  bool beacons_heard_ = false;
  bool stream_heard_ = false;
  bool all_ = false;  // not only what changed
  TimePoint beacon_at_ = kNever;
  TimePoint beat_at_ = kNever;
  TimePoint emit_at_ = kNever;
  std::optional<TimePoint> emitted_, emitted_all_;
  std::optional<TimePoint> beaconed_;
  TimePoint site_at_ = kNever;
  std::map<Key, Entry> entries_;
  std::vector<vanflow::Record> ended_;
  std::deque<amqp::Message> messages_;
};

}  // namespace van::agent
