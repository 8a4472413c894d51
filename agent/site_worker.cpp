#include "agent/site_worker.h"

#include <future>

#include "core/link/log.h"

namespace van::agent {

SiteWorker::Inside::Inside(io::Loop& loop, const router::Config& config, Rng rng, spdlog::logger& link_log, spdlog::logger& proxy_log)
    : loop_{loop}, log_{proxy_log}, node_{loop, config, rng, link_log} {}
SiteWorker::Inside::~Inside() = default;

void SiteWorker::Inside::expose(const Key& key, const proxy::ExposureConfig& config) {
  reap();
  exposures_[key] = proxy::make_exposure({node_, loop_, log_}, config);
}

void SiteWorker::Inside::withdraw(const Key& key) {
  reap();
  const auto found = exposures_.find(key);
  if (found == exposures_.end()) return;
  found->second->withdraw();
  if (!found->second->idle()) withdrawn_.push_back(std::move(found->second));
  exposures_.erase(found);
}

void SiteWorker::Inside::reap() {
  withdrawn_.remove_if([](const auto& exposure) { return exposure->idle(); });
}

void SiteWorker::Inside::bind(const Key& key, const proxy::StandInConfig& config) {
  auto opened = proxy::open_stand_in({node_, loop_, log_}, config);
  if (opened) stand_ins_[key] = *std::move(opened);
  else log_.error("a worker has no stand-in, the others do its work address={} why=\"{}\"", config.address, opened.error().message);
}

void SiteWorker::Inside::connect(const std::string& link, const link::ConnectorConfig& config) {
  disconnect(link);
  connectors_[link] = node_.add_connector(config);
}

void SiteWorker::Inside::disconnect(const std::string& link) {
  const auto found = connectors_.find(link);
  if (found == connectors_.end()) return;
  node_.remove_connector(found->second);
  connectors_.erase(found);
}

void SiteWorker::Inside::close() {
  for (const auto& [key, exposure] : exposures_) exposure->withdraw();
  for (const auto& [link, connector] : connectors_) node_.remove_connector(connector);
  connectors_.clear();
}

SiteWorker::SiteWorker(const router::Config& config, Rng rng, Logs& logs, io::Loop& main)
    : link_log_{logs.component_elsewhere("link", main)}, proxy_log_{logs.component_elsewhere("proxy", main)} {
  thread_ = std::thread{[this, config, rng] { run(config, rng); }};
}

void SiteWorker::run(const router::Config& config, Rng rng) {
  inside_.emplace(loop_, config, rng, *link_log_, *proxy_log_);
  loop_.run();
}

SiteWorker::~SiteWorker() {
  post([this](Inside& inside) {
    inside.close();
    loop_.post([this] {  // when its last words are out
      inside_.reset();
      loop_.stop();
    });
  });
  thread_.join();
}

void SiteWorker::post(std::function<void(Inside&)> task) {
  loop_.post([this, task = std::move(task)] {
    if (inside_) task(*inside_);
  });
}

void SiteWorker::call(std::function<void(Inside&)> task) {
  std::promise<void> done;
  post([&](Inside& inside) {
    task(inside);
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace van::agent
