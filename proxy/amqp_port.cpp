#include "proxy/amqp_port.h"

#include <utility>

namespace van::proxy {

Expected<std::unique_ptr<AmqpPort>, io::Error> AmqpPort::open(const Parts& parts, const StandInConfig& config) {
  std::unique_ptr<AmqpPort> port{new AmqpPort{parts.node, parts.node.add_client_port()}};
  const auto on_accept = [&node = parts.node, id = port->port_](std::unique_ptr<io::Stream> stream) { node.take_client(id, std::move(stream)); };
  auto entrance = Entrance::open(parts.loop, config.local, on_accept, config.both_loopbacks ? Entrance::kIpv6Loopback : "");
  if (!entrance) return Unexpected{entrance.error()};
  port->entrance_ = *std::move(entrance);
  return port;
}

AmqpPort::~AmqpPort() {
  entrance_.reset();
  node_.remove_listener(port_);
}

Counters AmqpPort::counters() const {
  const auto clients = node_.clients(port_);
  return {.in_flight = clients.connected, .connections = clients.accepted, .bytes_in = clients.octets_out, .bytes_out = clients.octets_in};
}

}  // namespace van::proxy
