#include "proxy/offer.h"

#include <utility>

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kConnectTimeout{10};

}  // namespace

Offer::Offer(const Parts& parts, const ExposureConfig& config, link::ConsumerHandler& handler)
    : node_{parts.node},
      loop_{parts.loop},
      config_{config},
      handler_{handler},
      health_{parts.loop, parts.log, config.address, config.target, config.health, [this] { follow_health(); }} {
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

std::unique_ptr<io::Dialer> Offer::dial(io::Dialer::Done done) const {
  return std::make_unique<io::Dialer>(loop_, dial_target(config_.target), io::Dialer::Options{.timeout = kConnectTimeout}, std::move(done));
}

void Offer::follow_health() {
  const bool offered = !withdrawn_ && health_.state() == HealthState::up;
  if (offered && !consumer_) consumer_ = node_.add_consumer(config_.address, config_.cost, handler_);
  if (!offered && consumer_) node_.remove_consumer(std::exchange(consumer_, {}));
}

}  // namespace van::proxy
