#pragma once

#include <memory>

#include "proxy/service.h"

namespace van::proxy {

/// A local port (or Unix socket) that stands in for a service of the network (data-plane, L-side). While nobody provides the
/// address, connections are reset within half a second.
class TcpStandIn final : public StandIn {
 public:
  /// As open_stand_in().
  static Expected<std::unique_ptr<TcpStandIn>, io::Error> open(const Parts& parts, const StandInConfig& config);
  ~TcpStandIn() override;
  [[nodiscard]] const Endpoint& local() const override;
  [[nodiscard]] bool reachable() const override;
  [[nodiscard]] Counters counters() const override;

 private:
  class Impl;
  explicit TcpStandIn(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::proxy
