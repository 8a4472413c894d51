#include "agent/site_workers.h"

#include <system_error>

#include "core/io/socket_pair.h"
#include "core/link/log.h"
#include "core/link/peer_connection.h"

namespace van::agent {
namespace {

using Inside = SiteWorker::Inside;

/// One end of what joins two workers, in the thread of its own.
void add_sibling(link::Node& node, io::Loop& loop, io::FileDescriptor& end, std::uint32_t other, router::Direction direction) {
  auto stream = io::Stream::adopt(loop, end.release());
  if (stream) node.add_sibling(*std::move(stream), other, direction);
}

}  // namespace

SiteWorkers::SiteWorkers(const Parts& parts) : parts_{parts} {
  for (std::uint32_t worker = 1; worker < parts_.config.workers; ++worker) start(worker);
  parts_.node.share_with(*this);
}

SiteWorkers::~SiteWorkers() = default;

void SiteWorkers::start(std::uint32_t worker) {
  router::Config config = parts_.config;
  config.worker = worker;
  try {
    workers_.push_back(std::make_unique<SiteWorker>(config, parts_.rng(), parts_.logs, parts_.loop));
  } catch (const std::system_error& error) {
    parts_.logs.component("site").error("no thread for worker {}, the others do its work why=\"{}\"", worker, error.what());
    workers_.push_back(nullptr);
    return;
  }
  for (std::uint32_t other = 0; other < worker; ++other) join(worker, other);
}

void SiteWorkers::join(std::uint32_t worker, std::uint32_t other) {
  if (other > 0 && workers_[other - 1] == nullptr) return;
  auto ends = io::socket_pair();
  if (!ends) return parts_.logs.component("site").error("workers can't be joined why=\"{}\"", ends.error().message);
  const auto ours = std::make_shared<io::FileDescriptor>(std::move(ends->first));
  const auto theirs = std::make_shared<io::FileDescriptor>(std::move(ends->second));
  workers_[worker - 1]->post([ours, other](Inside& inside) { add_sibling(inside.node(), inside.loop(), *ours, other, router::Direction::outgoing); });
  if (other == 0) return add_sibling(parts_.node, parts_.loop, *theirs, worker, router::Direction::incoming);
  workers_[other - 1]->post([theirs, worker](Inside& inside) { add_sibling(inside.node(), inside.loop(), *theirs, worker, router::Direction::incoming); });
}

void SiteWorkers::post_to_all(const std::function<void(Inside&)>& task) {
  for (const auto& worker : workers_)
    if (worker) worker->post(task);
}

SiteWorkers::Counted SiteWorkers::expose(const Key& key, proxy::ExposureConfig config) {
  Counted counted;
  for (const auto& worker : workers_) {
    if (!worker) continue;
    config.counters = std::make_shared<proxy::LiveCounters>();
    counted.push_back(config.counters);
    worker->post([key, config](Inside& inside) { inside.expose(key, config); });
  }
  return counted;
}

void SiteWorkers::withdraw(const Key& key) {
  post_to_all([key](Inside& inside) { inside.withdraw(key); });
}

SiteWorkers::Counted SiteWorkers::bind(const Key& key, proxy::StandInConfig config) {
  config.sharing = io::Sharing::joins;
  Counted counted;
  for (const auto& worker : workers_) {
    if (!worker) continue;
    config.counters = std::make_shared<proxy::LiveCounters>();
    counted.push_back(config.counters);
    worker->post([key, config](Inside& inside) { inside.bind(key, config); });
  }
  return counted;
}

void SiteWorkers::unbind(const Key& key) {
  for (const auto& worker : workers_)
    if (worker) worker->call([key](Inside& inside) { inside.unbind(key); });
}

void SiteWorkers::connect(const std::string& link, const std::function<link::ConnectorConfig()>& config) {
  for (const auto& worker : workers_)
    if (worker) worker->post([link, own = config()](Inside& inside) { inside.connect(link, own); });
}

void SiteWorkers::disconnect(const std::string& link) {
  post_to_all([link](Inside& inside) { inside.disconnect(link); });
}

void SiteWorkers::close() {
  post_to_all([](Inside& inside) { inside.close(); });
}

void SiteWorkers::routes_changed(std::shared_ptr<const router::Routes> routes) {
  post_to_all([routes](Inside& inside) { inside.node().set_routes(routes); });
}

void SiteWorkers::connection_moves(std::uint32_t worker, std::shared_ptr<link::MovingConnection> connection) {
  if (worker == 0 || worker > workers_.size() || workers_[worker - 1] == nullptr) return;  // closed: whoever dialled comes again
  workers_[worker - 1]->post([connection](Inside& inside) { inside.node().adopt(*connection); });
}

}  // namespace van::agent
