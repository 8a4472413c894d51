#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/protocol.h"

namespace van::proxy {

/// A service of the network, for those who ask for it by name.
struct KnownService {
  std::string address = {};
  std::uint16_t port = 0;  ///< that others see; 0: nobody names one
  Protocol protocol = Protocol::tcp;
  bool reachable = true;   ///< somebody provides it, as far as that is known here
};

/// What is known of the network's services.
class Directory {
 public:
  virtual ~Directory() = default;
  [[nodiscard]] virtual std::vector<KnownService> services() const = 0;
};

}  // namespace van::proxy
