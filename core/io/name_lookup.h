#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/io/error.h"
#include "core/io/loop.h"
#include "core/io/udp_address.h"

namespace van::io {

/// Asks the system once for the addresses of a host; "localhost" is 127.0.0.1, then ::1. The answer comes exactly once and never
/// from inside the constructor; it is in the system's order, 16 addresses at most and never empty. Destroying the lookup, also
/// from its own callback, cancels. Errors: name_not_found, and what the system says.
class NameLookup {
 public:
  using Done = std::function<void(Result<std::vector<UdpAddress>>)>;
  NameLookup(Loop& loop, std::string host, std::uint16_t port, Done done);
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;
  ~NameLookup();

 private:
  struct Request;
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace van::io
