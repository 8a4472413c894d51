#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "agent/http_server.h"
#include "agent/log.h"

namespace van::agent {

/// The log as a body that goes on: the last lines, then each new one. It reads from the ring and holds nothing itself: a
/// client so slow that the ring has dropped lines is told how many it missed.
class LogFollower final : public HttpBodySource {
 public:
  /// `ring` must outlive it. Begins with the last `lines` of this level and above.
  LogFollower(LogRing& ring, std::size_t lines, spdlog::level::level_enum level);
  ~LogFollower() override;
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;

  std::string pull(std::size_t bytes) override;
  void set_wake(std::function<void()> wake) override;

 private:
  LogRing& ring_;
  spdlog::level::level_enum level_;
  std::uint64_t next_ = 1;  // number of the line to be given next
  LogRing::WatcherId watcher_ = 0;
};

}  // namespace van::agent
