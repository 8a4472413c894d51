#pragma once

#include <memory>

#include "proxy/service.h"
#include "proxy/udp_flow.h"

namespace van::proxy {

/// A local UDP port that stands in for a service of the network. A flow is what one client's address and port send: it goes to the
/// provider that was chosen for its first datagram until that one says that it is gone or answers nothing for some seconds, and is
/// forgotten when it is idle. On a multicast address each datagram goes to all providers, and the answers of all come back.
///
/// What can't go on at once is dropped and counted; only while a flow's provider is being found some datagrams wait.
class UdpStandIn final : public StandIn {
 public:
  /// As open_stand_in(). `config.local` is no path. `idle`: after which a flow is forgotten.
  static Expected<std::unique_ptr<UdpStandIn>, io::Error> open(const Parts& parts, const StandInConfig& config, Duration idle = udp_flow::kIdle);
  ~UdpStandIn() override;
  [[nodiscard]] const Endpoint& local() const override;
  [[nodiscard]] bool reachable() const override;
  [[nodiscard]] Counters counters() const override;

 private:
  class Impl;
  explicit UdpStandIn(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::proxy
