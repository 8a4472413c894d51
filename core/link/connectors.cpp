#include "core/link/connectors.h"

#include <algorithm>

#include "core/link/log.h"

namespace van::link {
namespace {

std::string target_of(const ConnectorConfig& config) {
  const bool v6 = config.host.find(':') != std::string::npos;
  return (v6 ? "[" + config.host + "]" : config.host) + ":" + std::to_string(config.port);
}

}  // namespace

ConnectorId Connectors::add(ConnectorConfig config) {
  const ConnectorId id{++last_id_};
  auto retry = std::make_unique<io::Timer>(loop_, [this, id] { dial(id); });
  connectors_.emplace(id, Connector{.config = std::move(config), .retry = std::move(retry), .since = io::Loop::now()});
  dial(id);
  return id;
}

void Connectors::remove(ConnectorId id) {
  const auto found = connectors_.find(id);
  if (found == connectors_.end()) return;
  if (PeerConnection* connection = found->second.connection) connections_.close(*connection);
  connectors_.erase(found);
}

void Connectors::dial(ConnectorId id) {
  Connector& connector = connectors_.at(id);
  set_state(id, connector, LinkState::connecting);
  connector.dialer = std::make_unique<io::Dialer>(loop_, io::HostPort{connector.config.host, connector.config.port},
                                                  [this, id](io::Result<std::unique_ptr<io::Stream>> result) { dialled(id, std::move(result)); });
}

void Connectors::dialled(ConnectorId id, io::Result<std::unique_ptr<io::Stream>> result) {
  Connector& connector = connectors_.at(id);
  connector.dialer.reset();
  if (!result) return failed(id, result.error().message, false);
  connector.correlator = correlator_for(connector.config);
  router::PeerConfig peer{.role = connector.config.role,
                          .direction = router::Direction::outgoing,
                          .cost = connector.config.cost,
                          .hostname = connector.config.host,
                          .external = connector.config.tls != nullptr,
                          .data = connector.config.data,
                          .correlator = connector.correlator};
  connector.connection = &connections_.hold(std::move(*result), connector.config.tls, std::move(peer), {.connector = id});
  connector.connection->start();
}

/// One for each connection: a real router would take a second one with the same for a superseded one (control-plane 1.9).
std::string Connectors::correlator_for(const ConnectorConfig& config) {
  if (config.data) return config.correlator;
  const bool trunked = router_.config().workers > 1 && config.role == router::PeerRole::inter_router;
  return trunked ? rng_.discriminator() : std::string{};
}

void Connectors::came_up(ConnectorId id, LinkState state) {
  Connector& connector = connectors_.at(id);
  connector.error.clear();
  connector.refused = false;
  connector.backoff.reset();
  connector.refused_backoff.reset();
  set_state(id, connector, state);
}

void Connectors::fell_silent(ConnectorId id) {
  Connector& connector = connectors_.at(id);
  connector.error = "the neighbour does not answer";
  set_state(id, connector, LinkState::connecting);
}

void Connectors::failed(ConnectorId id, const std::string& reason, bool refused) {
  const auto found = connectors_.find(id);
  if (found == connectors_.end()) return;
  Connector& connector = found->second;
  connector.connection = nullptr;
  if (connector.state == LinkState::up || connector.state == LinkState::standby) {
    connector.backoff.reset();
    connector.refused_backoff.reset();
  }
  if (connector.error != reason) {
    log_.log(connector.config.data ? spdlog::level::debug : spdlog::level::warn, "link down link={} to={} why=\"{}\"", connector.config.name,
             target_of(connector.config), reason);
  }
  connector.error = reason;
  connector.refused = refused;
  set_state(id, connector, LinkState::down);
  connector.retry->arm((refused ? connector.refused_backoff : connector.backoff).next(rng_));
}

void Connectors::retry_now() {
  for (auto& [id, connector] : connectors_) {
    connector.backoff.reset();
    if (connector.retry->armed()) connector.retry->arm(Duration::zero());
  }
}

void Connectors::set_state(ConnectorId id, Connector& connector, LinkState state) {
  if (connector.state == state && state != LinkState::down) return;
  connector.state = state;
  connector.since = io::Loop::now();
  if (connector.config.data) return;
  if (std::ranges::find(changed_, id) == changed_.end()) changed_.push_back(id);
  pump_.schedule();
}

std::optional<LinkStatus> Connectors::status(ConnectorId id) const {
  const auto found = connectors_.find(id);
  return found == connectors_.end() ? std::nullopt : std::optional{status(id, found->second)};
}

std::vector<LinkStatus> Connectors::links() const {
  std::vector<LinkStatus> links;
  for (const auto& [id, connector] : connectors_) {
    if (!connector.config.data) links.push_back(status(id, connector));
  }
  return links;
}

LinkStatus Connectors::status(ConnectorId id, const Connector& connector) const {
  LinkStatus status;
  status.connector = id;
  status.name = connector.config.name;
  status.role = connector.config.role;
  status.direction = router::Direction::outgoing;
  status.state = connector.state;
  status.cost = connector.config.cost;
  status.remote = target_of(connector.config);
  status.since = connector.since;
  status.error = connector.error;
  status.refused = connector.refused;
  if (connector.connection == nullptr) return status;
  status.correlator = connector.correlator;
  add_peer_details(router_, *connector.connection, status);
  return status;
}

}  // namespace van::link
