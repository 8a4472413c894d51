#pragma once

#include <memory>

#include "proxy/service.h"

namespace van::proxy {

/// A local port that stands in for a service that speaks HTTP/1: each request goes as a stream of its own to the provider that serves
/// it best, also the requests of one connection. A provider may as well be a plain TCP server behind a real router: the request asks
/// it to close its connection after the answer. Our direction of a stream ends when the answer has: it is as long as the client has
/// not ended that routers count a stream as outstanding (data-plane 5.1), and servers give up on clients that have.
///
/// While nobody provides the address, requests are answered with 503 within half a second.
class HttpStandIn final : public StandIn {
 public:
  /// As open_stand_in().
  static Expected<std::unique_ptr<HttpStandIn>, io::Error> open(const Parts& parts, const StandInConfig& config);
  ~HttpStandIn() override;
  [[nodiscard]] const Endpoint& local() const override;
  [[nodiscard]] bool reachable() const override;
  [[nodiscard]] Counters counters() const override;

 private:
  class Impl;
  explicit HttpStandIn(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::proxy
