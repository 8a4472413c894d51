#include "agent/log_follower.h"

#include <utility>

namespace van::agent {

LogFollower::LogFollower(LogRing& ring, std::size_t lines, spdlog::level::level_enum level) : ring_{ring}, level_{level} {
  next_ = ring_.last_number() + 1;
  for (auto line = ring_.lines().rbegin(); line != ring_.lines().rend() && lines > 0; ++line) {
    if (line->level < level_) continue;
    next_ = line->number;
    --lines;
  }
}

LogFollower::~LogFollower() {
  if (watcher_ != 0) ring_.unwatch(watcher_);
}

void LogFollower::set_wake(std::function<void()> wake) {
  if (watcher_ != 0) ring_.unwatch(watcher_);
  watcher_ = ring_.watch(std::move(wake));
}

std::string LogFollower::pull(std::size_t bytes) {
  std::string text;
  if (ring_.lines().empty()) return text;
  const std::uint64_t first = ring_.lines().front().number;
  if (next_ < first) {
    text = "... " + std::to_string(first - next_) + " lines were dropped ...\n";
    next_ = first;
  }
  while (next_ <= ring_.last_number() && text.size() < bytes) {
    const LogRing::Line& line = ring_.lines()[next_ - first];
    ++next_;
    if (line.level >= level_) text += line.text + "\n";
  }
  return text;
}

}  // namespace van::agent
