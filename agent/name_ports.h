#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/error.h"
#include "agent/state.h"
#include "proxy/directory.h"
#include "proxy/name_routes.h"
#include "proxy/name_server.h"

namespace van::agent {

/// A port where services are asked for by name.
struct NamePort {
  std::string_view name;         ///< in the API, in the configuration and in the state
  std::uint16_t default_port = 0;
  std::string ProxyState::*place = nullptr;
  proxy::NameServer::MakeClient make;
};
inline constexpr std::size_t kNamePorts = 2;
const std::array<NamePort, kNamePorts>& name_ports();

/// The ports of a site where services are asked for by name, and what runs behind them.
class NamePorts {
 public:
  using Known = std::function<std::vector<proxy::KnownService>()>;
  NamePorts(const proxy::Parts& parts, Known known);
  ~NamePorts();

  /// Replaces what was open. `place` as for read_local_endpoint(). The same with the port really bound. Errors: as Presence::bind().
  Result<std::string> open(const NamePort& port, const std::string& place);
  void close(const NamePort& port);
  [[nodiscard]] const proxy::NameServer* find(const NamePort& port) const;  ///< nullptr when it is not open

 private:
  struct Services;
  std::unique_ptr<Services> services_;
  proxy::NameRoutes routes_;
  std::map<std::string_view, std::unique_ptr<proxy::NameServer>> servers_;
};

}  // namespace van::agent
