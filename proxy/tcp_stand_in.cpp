#include "proxy/tcp_stand_in.h"

#include <unordered_map>

#include "core/base/limits.h"
#include "core/io/deferred.h"
#include "proxy/service_entrance.h"
#include "proxy/tcp_bridge.h"
#include "proxy/waiting_clients.h"

namespace van::proxy {

class TcpStandIn::Impl final : private ServiceEntrance::Owner, public TcpBridge::Owner {
 public:
  Impl(const Parts& parts, const StandInConfig& config)
      : entrance_{parts, config, *this},
        counters_{config.counters},
        node_{parts.node},
        waiting_{parts.loop, limits::kClientsWaiting, [](const Secured& client) { client.stream->reset(); }},
        reap_{parts.loop, [this] { reap(); }} {}

  ~Impl() override { bridges_.clear(); }

  void bridge_over(TcpBridge& bridge) override {
    over_.push_back(&bridge);
    reap_.schedule();
  }

  ServiceEntrance entrance_;
  const std::shared_ptr<LiveCounters> counters_;

 private:
  void client_came(Secured client) override {
    if (entrance_.reachable()) return open(std::move(client));
    if (waiting_.full()) return client.stream->reset();
    waiting_.add(std::move(client));
  }

  void service_provided() override {
    for (Secured& client : waiting_.take()) open(std::move(client));
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
    key->start(node_.open_stream(entrance_.producer(), *key, std::move(first), std::move(facts)), false);
  }

  void reap() {
    for (TcpBridge* bridge : std::exchange(over_, {})) bridges_.erase(bridge);
  }

  link::Node& node_;
  WaitingClients<Secured> waiting_;
  std::unordered_map<TcpBridge*, std::unique_ptr<TcpBridge>> bridges_;
  std::vector<TcpBridge*> over_;
  io::Deferred reap_;
};

Expected<std::unique_ptr<TcpStandIn>, io::Error> TcpStandIn::open(const Parts& parts, const StandInConfig& config) {
  auto impl = std::make_unique<Impl>(parts, config);
  const auto listening = impl->entrance_.open();
  if (!listening) return Unexpected{listening.error()};
  return std::unique_ptr<TcpStandIn>{new TcpStandIn{std::move(impl)}};
}

TcpStandIn::TcpStandIn(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
TcpStandIn::~TcpStandIn() = default;
const Endpoint& TcpStandIn::local() const { return impl_->entrance_.local(); }
bool TcpStandIn::reachable() const { return impl_->entrance_.reachable(); }
Counters TcpStandIn::counters() const { return impl_->counters_->now(); }

}  // namespace van::proxy
