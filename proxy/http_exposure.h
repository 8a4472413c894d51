#pragma once

#include <memory>

#include "proxy/service.h"

namespace van::proxy {

/// A local HTTP/1 server put into the network. A stream may bring one request (an HTTP stand-in) or many, one after the other (a plain
/// TCP one, ours or a real router's); each goes to a connection of a pool, which is kept for the next one. A stream that has come with
/// its whole request is accepted with the answer, so that a short one is one message in each direction; any other as soon as the
/// server is connected. Until then another provider may have it. Withdrawn and probed as a TcpExposure.
///
/// A request whose connection was used before and was gone is sent once more on a new one when that can do no harm (http::Relay). One
/// that may not be sent twice gets a connection that was used a moment ago, or a new one.
class HttpExposure final : public Exposure {
 public:
  HttpExposure(const Parts& parts, const ExposureConfig& config);
  ~HttpExposure() override;
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
