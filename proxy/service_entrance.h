#pragma once

#include <memory>
#include <string>

#include "proxy/entrance.h"
#include "proxy/service.h"
#include "proxy/tls_entrance.h"

namespace van::proxy {

/// Where local clients come into a service of the network: a port or socket, the end of their TLS where they come with it, and the
/// use of the service's address. Destroying it closes the port; streams of its producer must have ended before.
class ServiceEntrance final : private link::ProducerHandler {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void client_came(Secured client) = 0;  ///< without TLS nothing was agreed on
    virtual void service_provided() = 0;           ///< somebody provides the address from now on
  };

  /// Parts and owner must outlive it.
  ServiceEntrance(const Parts& parts, const StandInConfig& config, Owner& owner);
  ~ServiceEntrance() override;
  ServiceEntrance(const ServiceEntrance&) = delete;
  ServiceEntrance& operator=(const ServiceEntrance&) = delete;

  io::Result<void> open();  ///< once, before all else. Errors: as Entrance::open()
  [[nodiscard]] const Endpoint& local() const { return entrance_->local(); }  ///< with the port really bound
  [[nodiscard]] const std::string& address() const { return config_.address; }
  [[nodiscard]] router::ProducerId producer() const { return producer_; }
  [[nodiscard]] bool reachable() const { return parts_.node.reachable(producer_); }
  [[nodiscard]] bool tls() const { return tls_ != nullptr; }

 private:
  void on_reachability(bool reachable) override;

  Parts parts_;
  StandInConfig config_;
  Owner& owner_;
  std::unique_ptr<TlsEntrance> tls_;  ///< null: clients come without
  std::unique_ptr<Entrance> entrance_;
  router::ProducerId producer_;
};

}  // namespace van::proxy
