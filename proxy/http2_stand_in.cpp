#include "proxy/http2_stand_in.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "core/base/limits.h"
#include "core/io/deferred.h"
#include "core/link/log.h"
#include "proxy/http2_exchange.h"
#include "proxy/service_entrance.h"
#include "proxy/waiting_clients.h"

namespace van::proxy {

class Http2StandIn::Impl final : private ServiceEntrance::Owner, public Http2Connection::Owner, public Http2Exchange::Owner {
 public:
  Impl(const Parts& parts, const StandInConfig& config)
      : entrance_{parts, config, *this},
        node_{parts.node},
        loop_{parts.loop},
        log_{parts.log},
        waiting_{parts.loop, limits::kHttp2Waiting, [this](Http2Exchange* exchange) { refuse(*exchange); }},
        reap_{parts.loop, [this] { reap(); }} {}

  ~Impl() override {
    exchanges_.clear();
    for (const auto& [key, connection] : connections_) {
      if (fronts_.contains(key)) key->goodbye();
    }
    connections_.clear();
  }

  void request_came(Http2Connection& front, http2::HeadReceived& head) override {
    auto made = std::make_unique<Http2Exchange>(front, head, counters_, *this);
    Http2Exchange& exchange = *made;
    exchanges_[&exchange] = std::move(made);
    if (head.too_large) return exchange.answer("431", "the header of the request is too large");
    if (entrance_.reachable()) return begin(exchange);
    if (waiting_.full()) return refuse(exchange);
    waiting_.add(&exchange);
  }

  void connection_over(Http2Connection& connection) override {
    if (!connection.trouble().empty()) log_.debug("HTTP/2 connection ended address={} why=\"{}\"", entrance_.address(), connection.trouble());
    fronts_.erase(&connection);
    if (const auto window = far_windows_.extract(&connection)) far_total_ -= window.mapped();
    over_.push_back(&connection);
    reap_.schedule();
  }

  void let_go(Http2Connection& back, bool broken_off) override {
    if (broken_off) back.abort();
    else back.close();
  }

  bool try_again(Http2Exchange& exchange) override {
    begin(exchange);
    return true;
  }

  void exchange_over(Http2Exchange& exchange) override {
    waiting_.remove(&exchange);
    exchanges_over_.push_back(&exchange);
    reap_.schedule();
  }

  ServiceEntrance entrance_;
  Counters counters_;

 private:
  void client_came(Secured client) override {
    fronts_.insert(&add(std::make_unique<SocketLink>(std::move(client.stream)), {http2::Session::Side::server, limits::kHttp2LocalWindow}));
  }

  void service_provided() override {
    for (Http2Exchange* exchange : waiting_.take()) begin(*exchange);
  }

  void begin(Http2Exchange& exchange) {
    const std::uint32_t window = far_window();
    Http2Connection& back = add(std::make_unique<NetworkLink>(node_, entrance_.producer(), counters_), {http2::Session::Side::client, window});
    far_windows_[&back] = window;
    far_total_ += window;
    exchange.start(back);
  }

  /// A quarter of what is left to all.
  [[nodiscard]] std::uint32_t far_window() const {
    const std::uint64_t left = limits::kHttp2FarBudget - std::min(limits::kHttp2FarBudget, far_total_);
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(left / 4, limits::kHttp2FarWindow, limits::kHttp2FarWindowMax));
  }

  Http2Connection& add(std::unique_ptr<ByteLink> link, const http2::Session::Config& config) {
    auto connection = std::make_unique<Http2Connection>(loop_, std::move(link), config, *this);
    Http2Connection& added = *connection;
    connections_[&added] = std::move(connection);
    return added;
  }

  void refuse(Http2Exchange& exchange) { exchange.answer("503", "nobody provides '" + entrance_.address() + "' now"); }

  void reap() {
    for (Http2Exchange* exchange : std::exchange(exchanges_over_, {})) exchanges_.erase(exchange);
    for (Http2Connection* connection : std::exchange(over_, {})) connections_.erase(connection);
  }

  link::Node& node_;
  io::Loop& loop_;
  spdlog::logger& log_;
  WaitingClients<Http2Exchange*> waiting_;
  std::unordered_map<Http2Connection*, std::unique_ptr<Http2Connection>> connections_;  ///< of local clients, and of their requests in the network
  std::unordered_set<Http2Connection*> fronts_;                                         ///< those of local clients
  std::unordered_map<Http2Connection*, std::uint32_t> far_windows_;  ///< those of requests in the network, with what they may hold
  std::uint64_t far_total_ = 0;
  std::vector<Http2Connection*> over_;
  std::unordered_map<Http2Exchange*, std::unique_ptr<Http2Exchange>> exchanges_;
  std::vector<Http2Exchange*> exchanges_over_;
  io::Deferred reap_;
};

Expected<std::unique_ptr<Http2StandIn>, io::Error> Http2StandIn::open(const Parts& parts, const StandInConfig& config) {
  auto impl = std::make_unique<Impl>(parts, config);
  const auto listening = impl->entrance_.open();
  if (!listening) return Unexpected{listening.error()};
  return std::unique_ptr<Http2StandIn>{new Http2StandIn{std::move(impl)}};
}

Http2StandIn::Http2StandIn(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Http2StandIn::~Http2StandIn() = default;
const Endpoint& Http2StandIn::local() const { return impl_->entrance_.local(); }
bool Http2StandIn::reachable() const { return impl_->entrance_.reachable(); }
Counters Http2StandIn::counters() const { return impl_->counters_; }

}  // namespace van::proxy
