#pragma once

#include <memory>

#include "proxy/service.h"
#include "proxy/udp_flow.h"

namespace van::proxy {

/// A local UDP server put into the network. Each flow has a socket of its own, connected to the target, so that the server tells clients
/// apart by their ports, and its answers find their flow. When the target is said not to be there (ICMP), the address is withdrawn
/// and all flows are told to go elsewhere; nothing but a datagram can show whether it is back, so it is offered again after a pause.
class UdpExposure final : public Exposure {
 public:
  /// `config.target` is no path. `idle`: after which a flow is forgotten.
  UdpExposure(const Parts& parts, const ExposureConfig& config, Duration idle = udp_flow::kIdle);
  ~UdpExposure() override;
  void withdraw() override;  ///< flows go elsewhere at once
  [[nodiscard]] bool idle() const override;
  [[nodiscard]] const std::string& trouble() const override;
  [[nodiscard]] Counters counters() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::proxy
