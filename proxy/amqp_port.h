#pragma once

#include <memory>

#include "proxy/entrance.h"
#include "proxy/service.h"

namespace van::proxy {

/// A local port where applications speak AMQP 1.0 with the network itself, as with a real router's listener of role `normal`: SASL
/// ANONYMOUS or none. Its address is only its name. It is reachable from the first moment on; what it counts is the clients.
class AmqpPort final : public StandIn {
 public:
  /// As open_stand_in().
  static Expected<std::unique_ptr<AmqpPort>, io::Error> open(const Parts& parts, const StandInConfig& config);
  ~AmqpPort() override;
  [[nodiscard]] const Endpoint& local() const override { return entrance_->local(); }
  [[nodiscard]] bool reachable() const override { return true; }
  [[nodiscard]] Counters counters() const override;

 private:
  AmqpPort(link::Node& node, link::ListenerId port) : node_{node}, port_{port} {}

  link::Node& node_;
  link::ListenerId port_;
  std::unique_ptr<Entrance> entrance_;
};

}  // namespace van::proxy
