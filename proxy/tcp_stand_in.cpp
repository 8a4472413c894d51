#include "proxy/tcp_stand_in.h"

#include <spdlog/spdlog.h>

#include <unordered_map>

#include "core/io/deferred.h"
#include "core/io/timer.h"
#include "proxy/entrance.h"
#include "proxy/patience.h"
#include "proxy/tcp_bridge.h"
#include "proxy/tls_entrance.h"

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
        sharing_{config.sharing},
        counters_{config.counters},
        reap_{parts.loop, [this] { reap(); }},
        patience_{parts.loop, [this] { give_up(); }} {
    if (!config.tls) return;
    tls_ = std::make_unique<TlsEntrance>(node_, loop_, log_, *config.tls, config.protocol, [this](Secured client) { accepted(std::move(client)); });
  }

  ~Impl() override {
    entrance_.reset();
    tls_.reset();
    bridges_.clear();
    if (producer_) node_.remove_producer(producer_);
  }

  Expected<void, io::Error> listen() {
    const auto on_accept = [this](std::unique_ptr<io::Stream> stream) {
      if (tls_ != nullptr) return tls_->accept(std::move(stream));
      accepted({.stream = std::move(stream), .alpn = {}});
    };
    auto entrance = Entrance::open(loop_, local_, on_accept, both_loopbacks_ ? Entrance::kIpv6Loopback : "", sharing_);
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
    for (Secured& client : std::exchange(waiting_, {})) open(std::move(client));
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
  io::Sharing sharing_;
  router::ProducerId producer_;
  std::shared_ptr<LiveCounters> counters_;

 private:
  void accepted(Secured client) {
    if (node_.reachable(producer_)) return open(std::move(client));
    // Whether somebody provides the address may be on its way: after a bind, a join, while a link comes back.
    if (waiting_.size() >= kWaiting) return client.stream->reset();
    if (waiting_.empty()) patience_.arm(kPatience);
    waiting_.push_back(std::move(client));
  }

  void open(Secured client) {
    Slice first = client.stream->read_at_once(router::kFirstOctets);  // a client's first words are often there already
    counters_->bytes_out += first.size();
    router::ClientFacts facts{.alpn = std::move(client.alpn)};
    if (client.stream->is_tcp()) {
      facts.from = client.stream->peer_address();
      facts.to = client.stream->local_address();
    }
    auto bridge = std::make_unique<TcpBridge>(node_, std::move(client.stream), *counters_, *this);
    TcpBridge* key = bridge.get();
    bridges_[key] = std::move(bridge);
    key->start(node_.open_stream(producer_, *key, std::move(first), std::move(facts)), false);
  }

  void give_up() {
    for (const Secured& client : std::exchange(waiting_, {})) client.stream->reset();
  }

  void reap() {
    for (TcpBridge* bridge : std::exchange(over_, {})) bridges_.erase(bridge);
  }

  std::unique_ptr<Entrance> entrance_;
  std::unique_ptr<TlsEntrance> tls_;  ///< null: clients come without
  std::unordered_map<TcpBridge*, std::unique_ptr<TcpBridge>> bridges_;
  std::vector<TcpBridge*> over_;
  std::vector<Secured> waiting_;  ///< accepted while nobody provides the address
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
Counters TcpStandIn::counters() const { return impl_->counters_->now(); }

}  // namespace van::proxy
