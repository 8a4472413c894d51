#include "proxy/tcp_stand_in.h"

#include <spdlog/spdlog.h>

#include <unordered_map>

#include "core/io/deferred.h"
#include "core/io/timer.h"
#include "proxy/entrance.h"
#include "proxy/patience.h"
#include "proxy/tcp_bridge.h"

namespace van::proxy {
namespace {

constexpr std::size_t kWaiting = 256;  ///< clients that wait for one; more are refused at once

}  // namespace

class TcpStandIn::Impl final : public link::ProducerHandler, public TcpBridge::Owner {
 public:
  Impl(const Parts& parts, const StandInConfig& config)
      : node_{parts.node},
        loop_{parts.loop},
        log_{parts.log},
        address_{config.address},
        local_{config.local},
        both_loopbacks_{config.both_loopbacks},
        reap_{parts.loop, [this] { reap(); }},
        patience_{parts.loop, [this] { give_up(); }} {}

  ~Impl() override {
    entrance_.reset();
    bridges_.clear();
    if (producer_) node_.remove_producer(producer_);
  }

  Expected<void, io::Error> listen() {
    auto entrance = Entrance::open(loop_, local_, [this](std::unique_ptr<io::Stream> stream) { accepted(std::move(stream)); },
                                   both_loopbacks_ ? Entrance::kIpv6Loopback : "");
    if (!entrance) return Unexpected{entrance.error()};
    entrance_ = *std::move(entrance);
    local_ = entrance_->local();
    producer_ = node_.add_producer(address_, *this);
    return {};
  }

  void on_reachability(bool reachable) override {
    log_.info("service {} address={}", reachable ? "reachable" : "not reachable", address_);
    if (!reachable) return;
    patience_.cancel();
    for (std::unique_ptr<io::Stream>& socket : std::exchange(waiting_, {})) open(std::move(socket));
  }

  void bridge_over(TcpBridge& bridge) override {
    over_.push_back(&bridge);
    reap_.schedule();
  }

  link::Node& node_;
  io::Loop& loop_;
  spdlog::logger& log_;
  std::string address_;
  Endpoint local_;
  bool both_loopbacks_;
  router::ProducerId producer_;
  Counters counters_;

 private:
  void accepted(std::unique_ptr<io::Stream> socket) {
    if (node_.reachable(producer_)) return open(std::move(socket));
    // Whether somebody provides the address may be on its way: after a bind, a join, while a link comes back.
    if (waiting_.size() >= kWaiting) return socket->reset();
    if (waiting_.empty()) patience_.arm(kPatience);
    waiting_.push_back(std::move(socket));
  }

  void open(std::unique_ptr<io::Stream> socket) {
    Slice first = socket->read_at_once(router::kFirstOctets);  // a client's first words are often there already
    counters_.bytes_out += first.size();
    auto bridge = std::make_unique<TcpBridge>(node_, std::move(socket), counters_, *this);
    TcpBridge* key = bridge.get();
    bridges_[key] = std::move(bridge);
    key->start(node_.open_stream(producer_, *key, std::move(first)), false);
  }

  void give_up() {
    for (std::unique_ptr<io::Stream>& socket : std::exchange(waiting_, {})) socket->reset();
  }

  void reap() {
    for (TcpBridge* bridge : std::exchange(over_, {})) bridges_.erase(bridge);
  }

  std::unique_ptr<Entrance> entrance_;
  std::unordered_map<TcpBridge*, std::unique_ptr<TcpBridge>> bridges_;
  std::vector<TcpBridge*> over_;
  std::vector<std::unique_ptr<io::Stream>> waiting_;  ///< accepted while nobody provides the address
  io::Deferred reap_;
  io::Timer patience_;
};

Expected<std::unique_ptr<TcpStandIn>, io::Error> TcpStandIn::open(const Parts& parts, const StandInConfig& config) {
  auto impl = std::make_unique<Impl>(parts, config);
  const auto listening = impl->listen();
  if (!listening) return Unexpected{listening.error()};
  return std::unique_ptr<TcpStandIn>{new TcpStandIn{std::move(impl)}};
}

TcpStandIn::TcpStandIn(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
TcpStandIn::~TcpStandIn() = default;
const Endpoint& TcpStandIn::local() const { return impl_->local_; }
bool TcpStandIn::reachable() const { return impl_->node_.reachable(impl_->producer_); }
Counters TcpStandIn::counters() const { return impl_->counters_; }

}  // namespace van::proxy
