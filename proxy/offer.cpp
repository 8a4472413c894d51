#include "proxy/offer.h"

#include <utility>

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kConnectTimeout{10};

}  // namespace

Offer::Offer(const Parts& parts, const ExposureConfig& config, link::ConsumerHandler& handler)
    : node_{parts.node},
      address_{config.address},
      cost_{config.cost},
      target_{parts.node, parts.loop, parts.log, {.endpoint = config.target, .proxy_protocol = config.proxy_protocol, .tls = config.tls}},
      handler_{handler},
      health_{parts.loop, parts.log, config.address, target_, config.health, [this] { follow_health(); }} {
  follow_health();
}

void Offer::withdraw() {
  withdrawn_ = true;
  health_.stop();
  follow_health();
}

void Offer::target_failed(const io::Error& error) {
  if (!withdrawn_) health_.target_failed(error);
}

std::unique_ptr<Target::Connecting> Offer::connect(const router::ClientFacts& client, Target::Done done) {
  return target_.connect(client, kConnectTimeout, std::move(done));
}

void Offer::follow_health() {
  const bool offered = !withdrawn_ && health_.state() == HealthState::up;
  if (offered && !consumer_) consumer_ = node_.add_consumer(address_, cost_, handler_);
  if (!offered && consumer_) node_.remove_consumer(std::exchange(consumer_, {}));
}

}  // namespace van::proxy
