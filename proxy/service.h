#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <spdlog/fwd.h>

#include "core/base/expected.h"
#include "core/http/forwarded.h"
#include "core/io/error.h"
#include "core/io/listener.h"
#include "core/io/loop.h"
#include "core/link/node.h"
#include "proxy/counters.h"
#include "proxy/endpoint.h"
#include "proxy/health.h"
#include "proxy/protocol.h"
#include "proxy/tls_files.h"

namespace van::proxy {

/// What every local end of a service works with; all must outlive it.
struct Parts {
  link::Node& node;
  io::Loop& loop;
  spdlog::logger& log;
};

struct ExposureConfig {
  std::string address = {};
  Endpoint target = {};
  Protocol protocol = Protocol::tcp;
  std::uint32_t cost = 0;  ///< of using this instance (Router::add_consumer)
  HealthCheck health = {};
  bool multicast = false;  ///< the address is one whose messages go to all; udp only
  bool proxy_protocol = false;  ///< as Target::Config's
  std::optional<TlsFiles> tls = std::nullopt;
  std::shared_ptr<LiveCounters> counters = std::make_shared<LiveCounters>();  ///< whoever has them may read them on any thread
};

/// A local server put into the network. Destroying it withdraws the address and resets what still runs.
class Exposure {
 public:
  virtual ~Exposure() = default;
  /// Withdraws the address for good; what runs may finish. `idle()` tells when nothing is left.
  virtual void withdraw() = 0;
  [[nodiscard]] virtual bool idle() const = 0;
  /// Why the target can't be used, in words; empty while the address is offered.
  [[nodiscard]] virtual const std::string& trouble() const = 0;
  [[nodiscard]] virtual HealthState health() const { return trouble().empty() ? HealthState::up : HealthState::down; }
  [[nodiscard]] virtual Counters counters() const = 0;
};
std::unique_ptr<Exposure> make_exposure(const Parts& parts, const ExposureConfig& config);

struct StandInConfig {
  std::string address = {};
  Endpoint local = {};  ///< with port 0: the system picks one
  Protocol protocol = Protocol::tcp;
  bool multicast = false;       ///< as an exposure's
  bool both_loopbacks = false;  ///< listens on ::1, too, with the same port, where this machine has IPv6
  http::Forwarded forwarded = http::Forwarded::none;  ///< what requests are told of their client; of http
  std::optional<TlsFiles> tls = std::nullopt;  ///< clients come with TLS, which ends here
  io::Sharing sharing = io::Sharing::alone;  ///< of a port: whether workers of the site have a stand-in on it, too
  std::shared_ptr<LiveCounters> counters = std::make_shared<LiveCounters>();  ///< as above
};

/// A local port (or Unix socket) in the place of a service of the network. It is its own from the first moment on, also while
/// nobody provides the address. Destroying it closes it and resets what still runs.
class StandIn {
 public:
  virtual ~StandIn() = default;
  [[nodiscard]] virtual const Endpoint& local() const = 0;  ///< with the port really bound
  [[nodiscard]] virtual bool reachable() const = 0;         ///< somebody provides the address
  [[nodiscard]] virtual Counters counters() const = 0;
};
/// Fails when the port is in use.
Expected<std::unique_ptr<StandIn>, io::Error> open_stand_in(const Parts& parts, const StandInConfig& config);

}  // namespace van::proxy
