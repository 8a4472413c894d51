#include "proxy/service_entrance.h"

#include <utility>

#include "core/link/log.h"

namespace van::proxy {

ServiceEntrance::ServiceEntrance(const Parts& parts, const StandInConfig& config, Owner& owner) : parts_{parts}, config_{config}, owner_{owner} {
  if (!config.tls) return;
  tls_ = std::make_unique<TlsEntrance>(parts.node, parts.loop, parts.log, *config.tls, config.protocol, [this](Secured client) { owner_.client_came(std::move(client)); });
}

ServiceEntrance::~ServiceEntrance() {
  if (producer_) parts_.node.remove_producer(producer_);
}

io::Result<void> ServiceEntrance::open() {
  const auto on_accept = [this](std::unique_ptr<io::Stream> stream) {
    if (tls_ != nullptr) return tls_->accept(std::move(stream));
    owner_.client_came({.stream = std::move(stream), .alpn = {}});
  };
  auto entrance = Entrance::open(parts_.loop, config_.local, on_accept, config_.both_loopbacks ? Entrance::kIpv6Loopback : "", config_.sharing);
  if (!entrance) return Unexpected{entrance.error()};
  entrance_ = *std::move(entrance);
  producer_ = parts_.node.add_producer(config_.address, *this);
  return {};
}

void ServiceEntrance::on_reachability(bool reachable) {
  parts_.log.info("service {} address={}", reachable ? "reachable" : "not reachable", config_.address);
  if (reachable) owner_.service_provided();
}

}  // namespace van::proxy
