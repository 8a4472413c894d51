#include "proxy/tcp_exposure.h"

#include <unordered_map>

#include "core/io/deferred.h"
#include "proxy/offer.h"
#include "proxy/tcp_bridge.h"

namespace van::proxy {
namespace {

constexpr std::size_t kConnectingMax = 1024;  ///< connections being made; more are refused at once, for another provider

}  // namespace

class TcpExposure::Impl final : public link::ConsumerHandler, public TcpBridge::Owner {
 public:
  Impl(const Parts& parts, const ExposureConfig& config)
      : counters_{config.counters}, node_{parts.node}, reap_{parts.loop, [this] { reap(); }}, offer_{parts, config, *this} {}

  ~Impl() override {
    withdraw();
    for (const auto& [stream, pending] : pending_) {
      node_.release_stream(stream);
      node_.refuse_stream(stream);
    }
    pending_.clear();  // they connect to the target of the offer
    done_.clear();
  }

  void withdraw() { offer_.withdraw(); }

  [[nodiscard]] bool idle() const { return pending_.empty() && bridges_.empty(); }

  void on_stream_requested(router::StreamId stream) override {
    if (pending_.size() >= kConnectingMax) {
      node_.refuse_stream(stream);
      return;
    }
    auto& pending = pending_[stream];
    pending = std::make_unique<Pending>(*this, stream);
    node_.attach_stream(stream, *pending);
    pending->connecting = offer_.connect(node_.client_of(stream), [this, stream](io::Result<std::unique_ptr<io::Stream>> result) {
      connected(stream, std::move(result));
    });
  }

  void bridge_over(TcpBridge& bridge) override {
    over_.push_back(&bridge);
    reap_.schedule();
  }

  [[nodiscard]] const Health& health() const { return offer_.health(); }

  const std::shared_ptr<LiveCounters> counters_;

 private:
  /// A requested stream whose target is being connected.
  struct Pending final : link::StreamHandler {
    Pending(Impl& owner, router::StreamId id) : impl{owner}, stream{id} {}
    void on_stream_opened() override {}
    void on_stream_readable() override {}
    void on_stream_writable() override {}
    void on_stream_failed(router::StreamFailure) override { impl.give_up(stream); }
    Impl& impl;
    router::StreamId stream;
    std::unique_ptr<Target::Connecting> connecting;
  };

  void give_up(router::StreamId stream) {
    const auto found = pending_.find(stream);
    if (found == pending_.end()) return;
    done_.push_back(std::move(found->second));
    pending_.erase(found);
    reap_.schedule();
  }

  void connected(router::StreamId stream, io::Result<std::unique_ptr<io::Stream>> result) {
    node_.release_stream(stream);
    give_up(stream);
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
    done_.clear();
  }

  link::Node& node_;
  std::unordered_map<router::StreamId, std::unique_ptr<Pending>> pending_;
  std::unordered_map<TcpBridge*, std::unique_ptr<TcpBridge>> bridges_;
  std::vector<TcpBridge*> over_;
  std::vector<std::unique_ptr<Pending>> done_;
  io::Deferred reap_;
  Offer offer_;
};

TcpExposure::TcpExposure(const Parts& parts, const ExposureConfig& config) : impl_{std::make_unique<Impl>(parts, config)} {}
TcpExposure::~TcpExposure() = default;
void TcpExposure::withdraw() { impl_->withdraw(); }
const std::string& TcpExposure::trouble() const { return impl_->health().trouble(); }
HealthState TcpExposure::health() const { return impl_->health().state(); }
bool TcpExposure::idle() const { return impl_->idle(); }
Counters TcpExposure::counters() const { return impl_->counters_->now(); }

}  // namespace van::proxy
