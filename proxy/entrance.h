#pragma once

#include <memory>
#include <string_view>

#include "core/io/error.h"
#include "core/io/listener.h"
#include "core/io/loop.h"
#include "proxy/endpoint.h"

namespace van::proxy {

/// Where local clients come in: a TCP port, perhaps on two addresses, or a Unix socket. Closed by destroying it.
class Entrance {
 public:
  static constexpr std::string_view kIpv6Loopback = "::1";

  /// `twin`: a numeric address that gets the same port, unless this machine has no such address; empty: none. With port 0 the
  /// system picks a port that is free on both. `sharing`: of ports. Errors: as those of the listeners; address_in_use also when only the twin's is.
  static io::Result<std::unique_ptr<Entrance>> open(io::Loop& loop, const Endpoint& local, const io::OnAccept& on_accept,
                                                    std::string_view twin = {}, io::Sharing sharing = io::Sharing::alone);

  [[nodiscard]] const Endpoint& local() const { return local_; }  ///< the first address, with the port really bound
  [[nodiscard]] bool has_twin() const { return second_ != nullptr; }

 private:
  Entrance() = default;
  io::Result<void> listen(io::Loop& loop, const io::OnAccept& on_accept, std::string_view twin, io::Sharing sharing);

  Endpoint local_;
  std::unique_ptr<io::TcpListener> first_, second_;
  std::unique_ptr<io::LocalListener> socket_;
};

}  // namespace van::proxy
