#include "proxy/service.h"

#include <utility>

#include "core/base/assert.h"
#include "proxy/amqp_port.h"
#include "proxy/http2_exposure.h"
#include "proxy/http2_stand_in.h"
#include "proxy/http_exposure.h"
#include "proxy/http_stand_in.h"
#include "proxy/tcp_exposure.h"
#include "proxy/tcp_stand_in.h"
#include "proxy/udp_exposure.h"
#include "proxy/udp_stand_in.h"

namespace van::proxy {
namespace {

template <class Kind>
Expected<std::unique_ptr<StandIn>, io::Error> open_as(const Parts& parts, const StandInConfig& config) {
  auto opened = Kind::open(parts, config);
  if (!opened) return Unexpected{opened.error()};
  return std::unique_ptr<StandIn>{*std::move(opened)};
}

}  // namespace

std::unique_ptr<Exposure> make_exposure(const Parts& parts, const ExposureConfig& config) {
  if (config.protocol == Protocol::http) return std::make_unique<HttpExposure>(parts, config);
  if (config.protocol == Protocol::http2) return std::make_unique<Http2Exposure>(parts, config);
  if (config.protocol == Protocol::udp) return std::make_unique<UdpExposure>(parts, config);
  VAN_ASSERT(config.protocol == Protocol::tcp);
  return std::make_unique<TcpExposure>(parts, config);
}

Expected<std::unique_ptr<StandIn>, io::Error> open_stand_in(const Parts& parts, const StandInConfig& config) {
  if (config.protocol == Protocol::http) return open_as<HttpStandIn>(parts, config);
  if (config.protocol == Protocol::http2) return open_as<Http2StandIn>(parts, config);
  if (config.protocol == Protocol::amqp) return open_as<AmqpPort>(parts, config);
  if (config.protocol == Protocol::udp) return open_as<UdpStandIn>(parts, config);
  VAN_ASSERT(config.protocol == Protocol::tcp);
  return open_as<TcpStandIn>(parts, config);
}

}  // namespace van::proxy
