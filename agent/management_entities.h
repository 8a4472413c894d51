#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/entity_table.h"
#include "agent/presence.h"
#include "agent/state.h"
#include "core/base/clock.h"

namespace van::agent {

/// What entities are made of. All must outlive the source and its tables.
struct EntityParts {
  const State& state;
  const Presence& presence;
  const std::string& machine;  ///< its host name
  TimePoint now;
  std::chrono::system_clock::time_point wall_now;  ///< the same moment
};

/// A site as stock management tools see it (control-plane 6.2). Nothing secret: of certificates only the names that
/// links call them by.
class SiteEntities final : public EntitySource {
 public:
  explicit SiteEntities(const EntityParts& parts) : parts_{parts} {}
  [[nodiscard]] std::vector<std::string_view> types() const override;
  [[nodiscard]] std::unique_ptr<EntityTable> table(std::string_view type) const override;
  [[nodiscard]] std::vector<std::string> management_nodes() const override;

 private:
  EntityParts parts_;
};

using MakeTable = std::unique_ptr<EntityTable> (*)(std::string_view type, const EntityParts& parts);

// Of the router and its surroundings: router_entities.cpp
std::unique_ptr<EntityTable> router_table(std::string_view type, const EntityParts& parts);
std::unique_ptr<EntityTable> metrics_table(std::string_view type, const EntityParts& parts);
std::unique_ptr<EntityTable> network_table(std::string_view type, const EntityParts& parts);
std::unique_ptr<EntityTable> policy_table(std::string_view type, const EntityParts& parts);
std::unique_ptr<EntityTable> node_table(std::string_view type, const EntityParts& parts);
// Of its connections: connection_entities.cpp
std::unique_ptr<EntityTable> connection_table(std::string_view type, const EntityParts& parts);
std::unique_ptr<EntityTable> address_table(std::string_view type, const EntityParts& parts);
std::unique_ptr<EntityTable> link_table(std::string_view type, const EntityParts& parts);
// Of what the user has configured: configured_entities.cpp
std::unique_ptr<EntityTable> listener_table(std::string_view type, const EntityParts& parts);
std::unique_ptr<EntityTable> connector_table(std::string_view type, const EntityParts& parts);
std::unique_ptr<EntityTable> ssl_profile_table(std::string_view type, const EntityParts& parts);
std::unique_ptr<EntityTable> tcp_listener_table(std::string_view type, const EntityParts& parts);
std::unique_ptr<EntityTable> tcp_connector_table(std::string_view type, const EntityParts& parts);

}  // namespace van::agent
