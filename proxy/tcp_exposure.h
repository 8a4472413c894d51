#pragma once

#include <memory>
#include <string>

#include "proxy/service.h"

namespace van::proxy {

/// A local TCP (or Unix socket) server put into the network: each stream that the network hands us is connected to the
/// target (data-plane, C-side). A target that can't be connected is reported at once, and the address is withdrawn until it
/// works again (Health), so that a stopped server does not swallow what another provider could serve.
class TcpExposure final : public Exposure {
 public:
  TcpExposure(const Parts& parts, const ExposureConfig& config);
  ~TcpExposure() override;
  void withdraw() override;
  [[nodiscard]] bool idle() const override;
  [[nodiscard]] const std::string& trouble() const override;
  [[nodiscard]] HealthState health() const override;
  [[nodiscard]] Counters counters() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::proxy
