#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <spdlog/fwd.h>

#include "agent/log.h"
#include "core/base/random.h"
#include "core/io/loop.h"
#include "core/link/node.h"
#include "proxy/service.h"

namespace van::agent {

/// A worker of a site that is not the first one: a loop on a thread of its own, with a node, exposures and stand-ins of its own.
class SiteWorker {
 public:
  /// What runs on the thread; everything on it alone.
  class Inside {
   public:
    using Key = std::pair<std::string, std::string>;  ///< as a Presence tells exposures and stand-ins apart

    Inside(io::Loop& loop, const router::Config& config, Rng rng, spdlog::logger& link_log, spdlog::logger& proxy_log);
    ~Inside();

    link::Node& node() { return node_; }
    io::Loop& loop() { return loop_; }
    void expose(const Key& key, const proxy::ExposureConfig& config);
    void withdraw(const Key& key);
    void bind(const Key& key, const proxy::StandInConfig& config);
    void unbind(const Key& key) { stand_ins_.erase(key); }
    void connect(const std::string& link, const link::ConnectorConfig& config);  ///< in the place of an earlier one of that name
    void disconnect(const std::string& link);
    void close();  ///< begins an orderly end

   private:
    void reap();

    io::Loop& loop_;
    spdlog::logger& log_;
    link::Node node_;
    std::map<std::string, link::ConnectorId> connectors_;
    std::map<Key, std::unique_ptr<proxy::Exposure>> exposures_;
    std::map<Key, std::unique_ptr<proxy::StandIn>> stand_ins_;
    std::list<std::unique_ptr<proxy::Exposure>> withdrawn_;  // with streams that still run
  };

  /// `main`: the loop of the log, on whose thread all members are called; both must outlive the worker. Throws std::system_error
  /// when the system gives no thread.
  SiteWorker(const router::Config& config, Rng rng, Logs& logs, io::Loop& main);
  SiteWorker(const SiteWorker&) = delete;
  SiteWorker& operator=(const SiteWorker&) = delete;
  ~SiteWorker();  ///< ends what runs in order, then the thread, and waits for it

  /// Runs `task` on the thread, in the order of the calls; dropped, unrun, when the worker ends before.
  void post(std::function<void(Inside&)> task);
  /// The same, and waits for it: a turn of its loop, which never waits for ours.
  void call(std::function<void(Inside&)> task);

 private:
  void run(const router::Config& config, Rng rng);

  std::unique_ptr<spdlog::logger> link_log_, proxy_log_;
  io::Loop loop_;
  std::optional<Inside> inside_;  // the thread's
  std::thread thread_;
};

}  // namespace van::agent
