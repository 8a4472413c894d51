#pragma once

#include <memory>

#include "proxy/service.h"

namespace van::proxy {

/// A local port (or Unix socket) that stands in for an HTTP/2 service of the network, with prior knowledge and without TLS. Each
/// request becomes a stream of the network by itself, so that one client's requests go to all providers as separate connections
/// would; it travels as an HTTP/2 connection with one request, which any HTTP/2 server understands. While nobody provides the
/// address, requests are answered 503 within half a second. HTTP/1 clients are told 505.
class Http2StandIn final : public StandIn {
 public:
  /// As open_stand_in().
  static Expected<std::unique_ptr<Http2StandIn>, io::Error> open(const Parts& parts, const StandInConfig& config);
  ~Http2StandIn() override;
  [[nodiscard]] const Endpoint& local() const override;
  [[nodiscard]] bool reachable() const override;
  [[nodiscard]] Counters counters() const override;  ///< of requests

 private:
  class Impl;
  explicit Http2StandIn(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::proxy
