#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/telemetry_collector.h"
#include "agent/telemetry_source.h"
#include "core/base/random.h"
#include "core/io/deferred.h"
#include "core/io/loop.h"
#include "core/io/timer.h"
#include "core/link/node.h"

namespace van::agent {

/// A site's telemetry on its node: tells the others what is here, and keeps what they tell.
class Telemetry {
 public:
  struct Parts {  ///< all must outlive the Telemetry
    link::Node& node;
    io::Loop& loop;
    Rng rng;
    std::function<std::vector<Described>()> describe;  ///< all that there is now
    std::function<void()> news;                        ///< what the others tell has changed
  };
  explicit Telemetry(Parts parts);
  ~Telemetry();

  [[nodiscard]] std::string new_identity() { return source_.new_identity(); }
  [[nodiscard]] const std::string& id() const { return source_.self().id; }
  [[nodiscard]] const TelemetryCollector::Sources& sources() const { return collector_.sources(); }

  void changed();  ///< what there is has changed
  void suggest(const std::string& identity);  ///< as TelemetryCollector's
  void close();    ///< tells the others that all of it ends

 private:
  struct Inbox;
  struct Audience;

  void listen(const std::string& source, const std::string& address, std::function<void(const amqp::Message&)> take);
  void forget(const std::string& source);
  void run();
  void obey(TelemetryCollector::Subscribe command);
  void obey(TelemetryCollector::Unsubscribe command);
  void obey(TelemetryCollector::Newcomer command);
  void obey(amqp::Message message);

  Parts parts_;
  TelemetrySource source_;
  TelemetryCollector collector_;
  std::uint64_t told_ = 0;  // revision of the collector
  std::multimap<std::string, std::unique_ptr<Inbox>> inboxes_;  // by source; our own are those of ""
  std::vector<std::unique_ptr<Audience>> audiences_;
  io::Deferred work_;
  io::Timer timer_;
};

}  // namespace van::agent
