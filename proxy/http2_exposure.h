#pragma once

#include <memory>

#include "proxy/service.h"

namespace van::proxy {

/// A local HTTP/2 server (prior knowledge, without TLS) put into the network. Each stream that the network hands us is an HTTP/2
/// connection, of one request from an Http2StandIn, of any number from a plain TCP one; the requests of all of them share a few
/// connections to the server (Http2Pool). A target that can't be connected is treated as TcpExposure does.
class Http2Exposure final : public Exposure {
 public:
  Http2Exposure(const Parts& parts, const ExposureConfig& config);
  ~Http2Exposure() override;
  void withdraw() override;
  [[nodiscard]] bool idle() const override;
  [[nodiscard]] const std::string& trouble() const override;
  [[nodiscard]] HealthState health() const override;
  [[nodiscard]] Counters counters() const override;  ///< of requests

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::proxy
