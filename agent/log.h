#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <spdlog/logger.h>

#include "agent/error.h"
#include "core/io/loop.h"

namespace van::agent {

/// The last lines of the log, for `vanctl logs`. Bounded by count and bytes: the oldest go first.
class LogRing {
 public:
  static constexpr std::size_t kLinesMax = 1000;
  static constexpr std::size_t kBytesMax = 256 * 1024;
  static constexpr std::size_t kLineBytesMax = 4096;  ///< longer lines are cut

  struct Line {
    std::uint64_t number = 0;  ///< from 1, without gaps
    spdlog::level::level_enum level = spdlog::level::info;
    std::string text;
  };
  using Watcher = std::function<void()>;
  using WatcherId = std::uint64_t;

  void add(spdlog::level::level_enum level, std::string_view text);
  [[nodiscard]] const std::deque<Line>& lines() const { return lines_; }
  [[nodiscard]] std::uint64_t last_number() const { return last_number_; }
  /// The last `count` lines of this level and above, the newest last.
  [[nodiscard]] std::vector<std::string> last(std::size_t count, spdlog::level::level_enum level) const;

  /// `watcher` is called after each line, from inside a log call: it may only take a note. It may not log.
  WatcherId watch(Watcher watcher);
  void unwatch(WatcherId watcher);

 private:
  std::deque<Line> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t last_number_ = 0;
  std::map<WatcherId, Watcher> watchers_;
  WatcherId last_watcher_ = 0;
};

/// The agent's log: a file that is put aside when it has grown, the ring, and standard error for an agent in the foreground.
/// Everything on the loop's thread.
class Logs {
 public:
  struct Options {
    std::filesystem::path file;  ///< empty: none. Made with mode 0600
    std::size_t file_bytes = 1 << 20;
    std::size_t files = 3;
    spdlog::level::level_enum level = spdlog::level::info;
    bool standard_error = false;
  };
  /// Errors: failed, when the file can't be opened.
  static Result<std::unique_ptr<Logs>> open(const Options& options);

  /// The logger of a component ("site", "link", "proxy", "api"); lives as long as the Logs.
  spdlog::logger& component(const std::string& name);
  /// The same for another thread, whose owner keeps it: what it logs is logged on the thread of `loop`, which is the Logs' own.
  std::unique_ptr<spdlog::logger> component_elsewhere(const std::string& name, io::Loop& loop);
  [[nodiscard]] LogRing& ring() { return ring_; }

 private:
  Logs() = default;

  LogRing ring_;
  std::vector<spdlog::sink_ptr> sinks_;
  spdlog::level::level_enum level_ = spdlog::level::info;
  std::map<std::string, std::unique_ptr<spdlog::logger>> components_;
};

/// "trace", "debug", "info", "warn", "error", "off".
Expected<spdlog::level::level_enum, std::string> log_level(std::string_view name);

}  // namespace van::agent
