#include "agent/log.h"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace van::agent {
namespace {

using spdlog::level::level_enum;

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%eZ %-5l %-5n %v";

struct LevelName {
  std::string_view name;
  level_enum level;
};
constexpr std::array kLevels{
    LevelName{"trace", spdlog::level::trace}, LevelName{"debug", spdlog::level::debug},
    LevelName{"info", spdlog::level::info},   LevelName{"warn", spdlog::level::warn},
    LevelName{"error", spdlog::level::err},   LevelName{"off", spdlog::level::off},
};

std::unique_ptr<spdlog::formatter> formatter() {
  return std::make_unique<spdlog::pattern_formatter>(kPattern, spdlog::pattern_time_type::utc);
}

class RingSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit RingSink(LogRing& ring) : ring_{ring} {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    std::string_view line{text.data(), text.size()};
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    ring_.add(message.level, line);
  }
  void flush_() override {}

  LogRing& ring_;
};

/// Hands lines to a logger of another thread.
class PostingSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  PostingSink(spdlog::logger& to, io::Loop& loop) : to_{to}, loop_{loop} {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    loop_.post([&to = to_, level = message.level, text = std::string{message.payload.data(), message.payload.size()}] {
      to.log(level, spdlog::string_view_t{text});
    });
  }
  void flush_() override {}

  spdlog::logger& to_;
  io::Loop& loop_;
};

/// The file exists with mode 0600 before the sink opens it, whatever the umask. False when it can't be made.
bool make_private(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  ::close(fd);
  return true;
}

}  // namespace

void LogRing::add(level_enum level, std::string_view text) {
  lines_.push_back({++last_number_, level, std::string{text.substr(0, kLineBytesMax)}});
  bytes_ += lines_.back().text.size();
  while (lines_.size() > kLinesMax || bytes_ > kBytesMax) {
    bytes_ -= lines_.front().text.size();
    lines_.pop_front();
  }
  for (const auto& [id, watcher] : watchers_) watcher();
}

std::vector<std::string> LogRing::last(std::size_t count, level_enum level) const {
  std::vector<std::string> found;
  for (auto line = lines_.rbegin(); line != lines_.rend() && found.size() < count; ++line)
    if (line->level >= level) found.push_back(line->text);
  return {found.rbegin(), found.rend()};
}

LogRing::WatcherId LogRing::watch(Watcher watcher) {
  watchers_.emplace(++last_watcher_, std::move(watcher));
  return last_watcher_;
}

void LogRing::unwatch(WatcherId watcher) { watchers_.erase(watcher); }

Result<std::unique_ptr<Logs>> Logs::open(const Options& options) {
  std::unique_ptr<Logs> logs{new Logs};
  logs->level_ = options.level;
  logs->sinks_.push_back(std::make_shared<RingSink>(logs->ring_));
  if (options.standard_error) logs->sinks_.push_back(std::make_shared<spdlog::sinks::stderr_sink_st>());
  if (!options.file.empty()) {
    try {
      if (!make_private(options.file)) spdlog::throw_spdlog_ex("can't open " + options.file.string(), errno);
      logs->sinks_.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_st>(
          options.file.string(), options.file_bytes, options.files));
    } catch (const spdlog::spdlog_ex& error) {
      return Unexpected{Error{Error::Code::failed, std::string{"the log: "} + error.what(), {}}};
    }
  }
  for (const spdlog::sink_ptr& sink : logs->sinks_) sink->set_formatter(formatter());
  return logs;
}

spdlog::logger& Logs::component(const std::string& name) {
  std::unique_ptr<spdlog::logger>& logger = components_[name];
  if (logger == nullptr) {
    logger = std::make_unique<spdlog::logger>(name, sinks_.begin(), sinks_.end());
    logger->set_level(level_);
    logger->flush_on(spdlog::level::info);  // an operator's diary: few lines, and each is to be seen at once
  }
  return *logger;
}

std::unique_ptr<spdlog::logger> Logs::component_elsewhere(const std::string& name, io::Loop& loop) {
  auto logger = std::make_unique<spdlog::logger>(name, std::make_shared<PostingSink>(component(name), loop));
  logger->set_level(level_);
  return logger;
}

Expected<level_enum, std::string> log_level(std::string_view name) {
  std::string names;
  for (const LevelName& each : kLevels) {
    if (each.name == name) return each.level;
    names += (names.empty() ? "" : ", ") + std::string{each.name};
  }
  return Unexpected{"level must be one of " + names};
}

}  // namespace van::agent
