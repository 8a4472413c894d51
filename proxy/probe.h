#pragma once

#include <functional>
#include <memory>

#include "core/http/response_reader.h"
#include "core/io/timer.h"
#include "proxy/health_check.h"
#include "proxy/target.h"

namespace van::proxy {

/// Asks a target once whether it works, as `check` says (none: as tcp). Starts when it is made.
class Probe final : private io::StreamHandler {
 public:
  /// Comes once, never from inside the constructor; it may destroy the probe.
  using Done = std::function<void(const io::Result<void>&)>;

  /// `loop` and `target` must outlive it.
  Probe(io::Loop& loop, Target& target, const HealthCheck& check, Done done);

 private:
  void connected(io::Result<std::unique_ptr<io::Stream>> result);
  void on_data(Slice data) override;
  void on_end() override;
  void on_closed(const io::Error& error) override;
  void over(std::string why);
  void over(const io::Result<void>& result);

  Endpoint endpoint_;
  HealthCheck check_;
  Done done_;
  http::ResponseReader answer_;
  std::unique_ptr<io::Stream> stream_;
  io::Timer limit_;
  std::unique_ptr<Target::Connecting> connecting_;
};

}  // namespace van::proxy
