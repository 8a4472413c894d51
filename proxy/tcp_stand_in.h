#pragma once

#include <memory>
#include <string>

#include <spdlog/fwd.h>

#include "core/base/expected.h"
#include "core/io/error.h"
#include "core/io/loop.h"
#include "core/link/node.h"
#include "proxy/counters.h"
#include "proxy/endpoint.h"

namespace van::proxy {

/// A local port (or Unix socket) that stands in for a service of the network (data-plane, L-side). It listens from the first
/// moment on, so that its port is its own; while nobody provides the address, connections are reset within half a second.
class TcpStandIn {
 public:
  /// `local` with port 0: the system picks one. Fails when the port is in use. `node`, `loop`, `log` must outlive it.
  static Expected<std::unique_ptr<TcpStandIn>, io::Error> open(link::Node& node, io::Loop& loop, spdlog::logger& log,
                                                               std::string address, Endpoint local);
  ~TcpStandIn();  ///< closes the listener and resets what still runs
  [[nodiscard]] const Endpoint& local() const;  ///< with the port really bound
  [[nodiscard]] bool reachable() const;         ///< somebody provides the address
  [[nodiscard]] Counters counters() const;

 private:
  class Impl;
  explicit TcpStandIn(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::proxy
