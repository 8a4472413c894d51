#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/amqp/connection.h"
#include "core/amqp/delivery.h"
#include "core/amqp/event_queue.h"
#include "core/amqp/link.h"
#include "core/amqp/wire.h"

namespace van::amqp {

/// What the parts of one connection share. Owned by Connection::Impl, outlives its sessions.
struct Context {
  Context(Connection::Config connection_config, TimePoint now) : config{std::move(connection_config)}, wire{now} {}

  const Connection::Config config;
  bool flow_for_each_stream = false;
  Wire wire;
  EventQueue events;
  DeliveryTable deliveries;
  std::unordered_map<LinkId, Link*> links;  ///< those whose id is not gone
  std::vector<LinkId> draining;             ///< to be answered when the application has seen the event
  std::size_t peer_links = 0;               ///< attached by the peer and not yet detached by both
  std::uint32_t last_link_id = 0;

  LinkId next_link_id() {
    do ++last_link_id;
    while (last_link_id == 0 || links.contains(LinkId{last_link_id}));  // wraps after 2^32 links
    return LinkId{last_link_id};
  }
};

}  // namespace van::amqp
