#include "proxy/tcp_exposure.h"

#include <unordered_map>

#include "core/io/deferred.h"
#include "proxy/offer.h"
#include "proxy/pending_streams.h"
#include "proxy/tcp_bridge.h"

namespace van::proxy {

class TcpExposure::Impl final : public link::ConsumerHandler, public TcpBridge::Owner {
 public:
  Impl(const Parts& parts, const ExposureConfig& config)
      : counters_{config.counters},
        node_{parts.node},
        reap_{parts.loop, [this] { reap(); }},
        offer_{parts, config, *this},
        pending_{parts.node, parts.loop} {}

  ~Impl() override { withdraw(); }

  void withdraw() { offer_.withdraw(); }

  [[nodiscard]] bool idle() const { return pending_.empty() && bridges_.empty(); }

  void on_stream_requested(router::StreamId stream) override {
    if (pending_.full()) {
      node_.refuse_stream(stream);
      return;
    }
    pending_.add(stream, offer_.connect(node_.client_of(stream), [this, stream](io::Result<std::unique_ptr<io::Stream>> result) {
      connected(stream, std::move(result));
    }));
  }

  void bridge_over(TcpBridge& bridge) override {
    over_.push_back(&bridge);
    reap_.schedule();
  }

  [[nodiscard]] const Health& health() const { return offer_.health(); }

  const std::shared_ptr<LiveCounters> counters_;

 private:
  void connected(router::StreamId stream, io::Result<std::unique_ptr<io::Stream>> result) {
    pending_.take(stream);
    if (!result) {
      offer_.target_failed(result.error());
      node_.refuse_stream(stream);
      return;
    }
    auto bridge = std::make_unique<TcpBridge>(node_, std::move(*result), *counters_, *this);
    TcpBridge* key = bridge.get();
    bridges_[key] = std::move(bridge);
    node_.attach_stream(stream, *key);
    if (node_.accept_stream(stream)) key->start(stream, true);
  }

  void reap() {
    for (TcpBridge* bridge : std::exchange(over_, {})) bridges_.erase(bridge);
  }

  link::Node& node_;
  std::unordered_map<TcpBridge*, std::unique_ptr<TcpBridge>> bridges_;
  std::vector<TcpBridge*> over_;
  io::Deferred reap_;
  Offer offer_;
  PendingStreams pending_;  ///< they connect to the target of the offer
};

TcpExposure::TcpExposure(const Parts& parts, const ExposureConfig& config) : impl_{std::make_unique<Impl>(parts, config)} {}
TcpExposure::~TcpExposure() = default;
void TcpExposure::withdraw() { impl_->withdraw(); }
const std::string& TcpExposure::trouble() const { return impl_->health().trouble(); }
HealthState TcpExposure::health() const { return impl_->health().state(); }
bool TcpExposure::idle() const { return impl_->idle(); }
Counters TcpExposure::counters() const { return impl_->counters_->now(); }

}  // namespace van::proxy
