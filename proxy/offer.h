#pragma once

#include "core/io/dialer.h"
#include "proxy/health.h"
#include "proxy/service.h"

namespace van::proxy {

/// The offer of a local server to the network, which stands while the server's health is up (Health).
class Offer {
 public:
  /// `handler` gets the requests, and must outlive it.
  Offer(const Parts& parts, const ExposureConfig& config, link::ConsumerHandler& handler);
  ~Offer() { withdraw(); }
  Offer(const Offer&) = delete;
  Offer& operator=(const Offer&) = delete;

  void withdraw();  ///< for good
  void target_failed(const io::Error& error);  ///< it could not be connected for a request
  [[nodiscard]] const Health& health() const { return health_; }
  /// Connects to it, for a request.
  [[nodiscard]] std::unique_ptr<io::Dialer> dial(io::Dialer::Done done) const;

 private:
  void follow_health();

  link::Node& node_;
  io::Loop& loop_;
  ExposureConfig config_;
  link::ConsumerHandler& handler_;
  router::ConsumerId consumer_;  ///< while the address is offered
  bool withdrawn_ = false;
  Health health_;
};

}  // namespace van::proxy
