#include "proxy/tcp_exposure.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <unordered_map>

#include "core/io/deferred.h"
#include "core/io/dialer.h"
#include "core/io/timer.h"
#include "proxy/tcp_bridge.h"

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kConnectTimeout{10};
constexpr std::chrono::seconds kProbeTimeout{2};
constexpr std::chrono::milliseconds kFirstProbe{250};  ///< after a failure; each wait is twice the last one
constexpr std::chrono::seconds kSlowestProbe{2};

}  // namespace

class TcpExposure::Impl final : public link::ConsumerHandler, public TcpBridge::Owner {
 public:
  Impl(const Parts& parts, const ExposureConfig& config)
      : node_{parts.node},
        loop_{parts.loop},
        log_{parts.log},
        address_{config.address},
        target_{config.target},
        cost_{config.cost},
        probe_timer_{parts.loop, [this] { probe(); }},
        reap_{parts.loop, [this] { reap(); }} {
    offer();
  }

  ~Impl() override {
    withdraw();
    for (const auto& [stream, pending] : pending_) {
      node_.release_stream(stream);
      node_.refuse_stream(stream);
    }
  }

  void withdraw() {
    hide();
    probe_timer_.cancel();
    probe_.reset();
  }

  [[nodiscard]] bool idle() const { return pending_.empty() && bridges_.empty(); }

  void on_stream_requested(router::StreamId stream) override {
    auto& pending = pending_[stream];
    pending = std::make_unique<Pending>(*this, stream);
    node_.attach_stream(stream, *pending);
    pending->dialer = std::make_unique<io::Dialer>(loop_, where(), io::Dialer::Options{.timeout = kConnectTimeout},
                                                   [this, stream](io::Result<std::unique_ptr<io::Stream>> result) { dialled(stream, std::move(result)); });
  }

  void bridge_over(TcpBridge& bridge) override {
    over_.push_back(&bridge);
    reap_.schedule();
  }

  Counters counters_;
  std::string trouble_;

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
    std::unique_ptr<io::Dialer> dialer;
  };

  void give_up(router::StreamId stream) {
    const auto found = pending_.find(stream);
    if (found == pending_.end()) return;
    done_.push_back(std::move(found->second));
    pending_.erase(found);
    reap_.schedule();
  }

  void dialled(router::StreamId stream, io::Result<std::unique_ptr<io::Stream>> result) {
    node_.release_stream(stream);
    give_up(stream);
    if (!result) {
      target_failed(result.error());
      node_.refuse_stream(stream);
      return;
    }
    auto bridge = std::make_unique<TcpBridge>(node_, std::move(*result), counters_, *this);
    TcpBridge* key = bridge.get();
    bridges_[key] = std::move(bridge);
    node_.attach_stream(stream, *key);
    if (node_.accept_stream(stream)) key->start(stream, true);
  }

  [[nodiscard]] io::Target where() const {
    if (target_.is_path()) return io::LocalPath{target_.path};
    return io::HostPort{target_.host, target_.port};
  }

  void offer() { consumer_ = node_.add_consumer(address_, cost_, *this); }
  void hide() {
    if (consumer_) node_.remove_consumer(std::exchange(consumer_, {}));
  }

  void target_failed(const io::Error& error) {
    if (error.code == io::Error::Code::no_space) {  // our own want of files or memory says nothing of the target
      log_.error("target not tried address={} target={} why=\"{}\"", address_, target_.text(), error.message);
      return;
    }
    if (!consumer_) return;  // one of several that failed together, or withdrawn for good
    log_.warn("target failed, address withdrawn address={} target={} why=\"{}\"", address_, target_.text(), error.message);
    trouble_ = error.message;
    hide();
    next_probe_ = kFirstProbe;
    probe_timer_.arm(next_probe_);
  }

  void probe() {
    probe_ = std::make_unique<io::Dialer>(loop_, where(), io::Dialer::Options{.timeout = kProbeTimeout},
                                          [this](const io::Result<std::unique_ptr<io::Stream>>& result) { probed(result); });
  }

  void probed(const io::Result<std::unique_ptr<io::Stream>>& result) {
    if (!result) {
      trouble_ = result.error().message;
      next_probe_ = std::min<Duration>(next_probe_ * 2, kSlowestProbe);
      probe_timer_.arm(next_probe_);
      return;
    }
    log_.info("target answers, address offered again address={} target={}", address_, target_.text());
    trouble_.clear();
    offer();
    probe_.reset();
  }

  void reap() {
    for (TcpBridge* bridge : std::exchange(over_, {})) bridges_.erase(bridge);
    done_.clear();
  }

  link::Node& node_;
  io::Loop& loop_;
  spdlog::logger& log_;
  std::string address_;
  Endpoint target_;
  std::uint32_t cost_;
  router::ConsumerId consumer_;  ///< none while the target fails, and after withdraw()
  Duration next_probe_{};
  io::Timer probe_timer_;
  std::unique_ptr<io::Dialer> probe_;
  std::unordered_map<router::StreamId, std::unique_ptr<Pending>> pending_;
  std::unordered_map<TcpBridge*, std::unique_ptr<TcpBridge>> bridges_;
  std::vector<TcpBridge*> over_;
  std::vector<std::unique_ptr<Pending>> done_;
  io::Deferred reap_;
};

TcpExposure::TcpExposure(const Parts& parts, const ExposureConfig& config) : impl_{std::make_unique<Impl>(parts, config)} {}
TcpExposure::~TcpExposure() = default;
void TcpExposure::withdraw() { impl_->withdraw(); }
const std::string& TcpExposure::trouble() const { return impl_->trouble_; }
bool TcpExposure::idle() const { return impl_->idle(); }
Counters TcpExposure::counters() const { return impl_->counters_; }

}  // namespace van::proxy
