#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/io/loop.h"

namespace van::io {

/// Tells when this machine's network has changed: an interface or an address came or went, or a route. Many changes at once
/// are told together, a moment after the last one.
///
/// On Linux the kernel tells (netlink), and a quiet network makes no wake-ups; elsewhere, and where that is not permitted, the
/// list of addresses is looked at every few seconds.
class NetworkMonitor {
 public:
  /// `loop` must outlive it. Not called any more after the destructor.
  NetworkMonitor(Loop& loop, std::function<void()> on_change);
  NetworkMonitor(const NetworkMonitor&) = delete;
  NetworkMonitor& operator=(const NetworkMonitor&) = delete;
  ~NetworkMonitor();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Numeric addresses of this machine's interfaces, sorted, also of one that has no carrier just now. Empty when the system does
/// not tell.
std::vector<std::string> interface_addresses();

}  // namespace van::io
