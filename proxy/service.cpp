#include "proxy/service.h"

#include "core/base/assert.h"
#include "proxy/tcp_exposure.h"
#include "proxy/tcp_stand_in.h"

namespace van::proxy {

std::unique_ptr<Exposure> make_exposure(const Parts& parts, const ExposureConfig& config) {
  VAN_ASSERT(config.protocol == Protocol::tcp);
  return std::make_unique<TcpExposure>(parts, config);
}

Expected<std::unique_ptr<StandIn>, io::Error> open_stand_in(const Parts& parts, const StandInConfig& config) {
  VAN_ASSERT(config.protocol == Protocol::tcp);
  auto opened = TcpStandIn::open(parts, config);
  if (!opened) return Unexpected{opened.error()};
  return std::unique_ptr<StandIn>{*std::move(opened)};
}

}  // namespace van::proxy
