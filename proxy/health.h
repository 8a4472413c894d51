#pragma once

#include <functional>
#include <memory>
#include <string>

#include <spdlog/fwd.h>

#include "core/io/error.h"
#include "core/io/timer.h"
#include "proxy/health_check.h"
#include "proxy/probe.h"
#include "proxy/target.h"

namespace van::proxy {

enum class HealthState {
  up,        ///< the address may be offered
  checking,  ///< nothing is known yet
  down,
};
std::string_view to_text(HealthState state);

/// Whether a target works, and so whether its address may be offered. Without a check it is believed to until a connection to it
/// fails, and is never asked while it works; one of TLS is asked once, before. With one it is asked all the time, and up after the first good answers. While it is
/// down it is asked after 250 ms, and then twice as late each time: up to 2 s later without a check, else the check's interval.
/// Streams that run are none of its business.
class Health {
 public:
  /// `loop`, `log` and `target` must outlive it. `name` stands in the log. `changed` comes when the state has changed, also from inside
  /// target_failed(), not from inside the constructor; it may not destroy the Health.
  Health(io::Loop& loop, spdlog::logger& log, std::string name, Target& target, const HealthCheck& check, std::function<void()> changed);

  [[nodiscard]] HealthState state() const { return state_; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }  ///< in words; empty while up
  /// A connection for a client failed.
  void target_failed(const io::Error& error);
  void stop();  ///< asks no more; the state stays

 private:
  void probe();
  void probed(const io::Result<void>& result);
  void failed(const io::Error& error);
  void succeeded();
  void set(HealthState state, const std::string& trouble);
  void arm();

  io::Loop& loop_;
  spdlog::logger& log_;
  std::string name_;
  Target& target_;
  HealthCheck check_;
  std::function<void()> changed_;
  HealthState state_;
  std::string trouble_;
  std::uint32_t failures_ = 0, successes_ = 0;  ///< in a row, towards the other state
  Duration wait_;                               ///< until the next probe, while down
  io::Timer timer_;
  std::unique_ptr<Probe> probe_;
};

}  // namespace van::proxy
