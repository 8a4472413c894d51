#pragma once

#include "proxy/health.h"
#include "proxy/service.h"
#include "proxy/target.h"

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
  [[nodiscard]] Target& target() { return target_; }
  /// Connects to it; as Target's.
  [[nodiscard]] std::unique_ptr<Target::Connecting> connect(const router::ClientFacts& client, Target::Done done);

 private:
  void follow_health();

  link::Node& node_;
  std::string address_;
  std::uint32_t cost_;
  Target target_;
  link::ConsumerHandler& handler_;
  router::ConsumerId consumer_;  ///< while the address is offered
  bool withdrawn_ = false;
  Health health_;
};

}  // namespace van::proxy
