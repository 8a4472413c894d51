#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/vanflow_records.h"
#include "core/base/clock.h"

namespace van::agent {

/// Keeps what other sites tell of themselves (vanflow 10), within the limits of core/base/limits.h, whatever anybody sends. No
/// I/O: messages and time in; commands and deadlines out.
class TelemetryCollector {
 public:
  /// Everything that one source told. Another source can't change it.
  struct Source {
    vanflow::Beacon beacon;
    std::map<std::string, vanflow::Record> records = {};  ///< by identity; those that ended are gone
    std::size_t bytes = 0;                                ///< about what the records take
    TimePoint heard;
    TimePoint flush_at = kNever;
    Duration flush_wait{};
    bool confirmed = false;  // something of its stream has come
  };
  using Sources = std::map<std::string, Source>;  ///< by id

  struct Subscribe {
    std::string source;
    std::vector<std::string> addresses;
  };
  struct Unsubscribe {
    std::string source;
  };
  struct Newcomer {};  ///< a source that may not know of us
  using Command = std::variant<Subscribe, Unsubscribe, Newcomer, amqp::Message>;

  explicit TelemetryCollector(std::string own_id) : own_id_{std::move(own_id)} {}

  void receive_beacon(const amqp::Message& message, TimePoint now);  ///< from vanflow::kBeacons
  /// A neighbour told the identity of one of its records: its router is a source, whose beacon may be ten seconds away.
  void suggest(const std::string& identity, TimePoint now);
  void receive(const std::string& source, const amqp::Message& message, TimePoint now);  ///< from what was subscribed for it
  void handle_deadline(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const { return wake_at_; }
  std::optional<Command> poll_command();

  [[nodiscard]] const Sources& sources() const { return sources_; }
  [[nodiscard]] std::uint64_t revision() const { return revision_; }  ///< grows when records change

 private:
  void add(vanflow::Beacon beacon, TimePoint now);
  void merge(Source& source, vanflow::Record record);
  void remove(Source& source, const std::string& identity);
  void flush_at(Source& source, TimePoint when);

  std::string own_id_;
  Sources sources_;
  std::size_t bytes_ = 0;
  std::uint64_t revision_ = 0;
  TimePoint wake_at_ = kNever;  // no later than the next thing to do
  std::deque<Command> commands_;
};

}  // namespace van::agent
