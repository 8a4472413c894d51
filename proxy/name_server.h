#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/base/limits.h"
#include "core/io/deferred.h"
#include "proxy/counters.h"
#include "proxy/entrance.h"
#include "proxy/name_routes.h"

namespace van::proxy {

/// A connection of somebody who asks for services by name.
class NameClient {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void client_over(NameClient& client) = 0;  ///< destroys it, but not from inside this call
  };
  struct Parts {  ///< all must outlive the client
    NameRoutes& routes;
    LiveCounters& counters;
    Owner& owner;
    Duration word_time = limits::kNameWordTime;
    Duration linger = limits::kNameLinger;
  };
  virtual ~NameClient() = default;
};

/// A port where services are asked for by name, with its clients: at most limits::kNameClients, more are reset.
class NameServer final : private NameClient::Owner {
 public:
  using MakeClient = std::function<std::unique_ptr<NameClient>(const NameClient::Parts& parts, std::unique_ptr<io::Stream> socket)>;

  /// `routes` must outlive it. `twin` and errors: as Entrance::open().
  static io::Result<std::unique_ptr<NameServer>> open(NameRoutes& routes, const Endpoint& local, std::string_view twin, MakeClient make);
  ~NameServer() override;  ///< resets what still runs

  [[nodiscard]] const Endpoint& local() const { return entrance_->local(); }
  [[nodiscard]] Counters counters() const { return counters_.now(); }
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

 private:
  NameServer(NameRoutes& routes, MakeClient make);
  void accepted(std::unique_ptr<io::Stream> socket);
  void client_over(NameClient& client) override;

  NameRoutes& routes_;
  MakeClient make_;
  LiveCounters counters_;
  std::unique_ptr<Entrance> entrance_;
  std::unordered_map<NameClient*, std::unique_ptr<NameClient>> clients_;
  std::vector<NameClient*> over_;
  io::Deferred reap_;
};

}  // namespace van::proxy
