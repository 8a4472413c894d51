#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <spdlog/fwd.h>

#include "core/io/loop.h"
#include "core/link/node.h"
#include "proxy/counters.h"
#include "proxy/endpoint.h"

namespace van::proxy {

/// A local TCP (or Unix socket) server put into the network: each stream that the network hands us is connected to the
/// target (data-plane, C-side). A target that can't be connected is reported at once, and the address is withdrawn until a
/// connect probe succeeds, so that a stopped server does not swallow what another provider could serve. A target that works
/// is never probed.
class TcpExposure {
 public:
  /// `node`, `loop` and `log` must outlive the exposure.
  TcpExposure(link::Node& node, io::Loop& loop, spdlog::logger& log, std::string address, Endpoint target, std::uint32_t cost);
  /// Withdraws the address and resets what still runs.
  ~TcpExposure();
  /// Withdraws the address for good; running streams may finish. `idle()` tells when none is left.
  void withdraw();
  [[nodiscard]] bool idle() const;
  /// Why the target can't be connected, in words; empty while the address is offered.
  [[nodiscard]] const std::string& trouble() const;
  [[nodiscard]] Counters counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::proxy
