#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/log.h"
#include "agent/site_worker.h"
#include "core/base/random.h"
#include "core/io/loop.h"
#include "core/link/node.h"
#include "proxy/counters.h"
#include "proxy/service.h"

namespace van::agent {

/// The workers of a site beside the first one, which owns them (docs/decisions/0004-workers.md). Joins them to each other, and passes
/// on to them what the first one's node knows and takes in.
class SiteWorkers final : private link::Colleagues {
 public:
  struct Parts {  ///< all must outlive them
    link::Node& node;  ///< of the first worker
    io::Loop& loop;    ///< the same
    Logs& logs;
    router::Config config;     ///< of the first worker
    std::function<Rng()> rng;  ///< a new one each time
  };
  explicit SiteWorkers(const Parts& parts);
  ~SiteWorkers() override;

  using Key = SiteWorker::Inside::Key;
  /// What each of them has counted of an exposure or a stand-in.
  using Counted = std::vector<std::shared_ptr<const proxy::LiveCounters>>;
  Counted expose(const Key& key, proxy::ExposureConfig config);
  void withdraw(const Key& key);
  Counted bind(const Key& key, proxy::StandInConfig config);  ///< `config.local`: the first worker's, with the port really bound
  void unbind(const Key& key);                                ///< the port is free when it returns
  /// `config` is called once for each of them: their handshakes run at once, which a key that they shared would not be made for.
  void connect(const std::string& link, const std::function<link::ConnectorConfig()>& config);
  void disconnect(const std::string& link);
  void close();

 private:
  void routes_changed(std::shared_ptr<const router::Routes> routes) override;
  void connection_moves(std::uint32_t worker, std::shared_ptr<link::MovingConnection> connection) override;
  void start(std::uint32_t worker);
  void join(std::uint32_t worker, std::uint32_t other);
  void post_to_all(const std::function<void(SiteWorker::Inside&)>& task);

  Parts parts_;
  std::vector<std::unique_ptr<SiteWorker>> workers_;  // the first is number 1; null: there was no thread for it
};

}  // namespace van::agent
