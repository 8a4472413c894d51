#include "proxy/http2_stand_in.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "core/base/limits.h"
#include "core/io/deferred.h"
#include "core/io/timer.h"
#include "proxy/entrance.h"
#include "proxy/http2_exchange.h"
#include "proxy/tls_entrance.h"

namespace van::proxy {
namespace {

constexpr std::chrono::milliseconds kPatience{400};  ///< for a provider to appear, before a request is refused

}  // namespace

class Http2StandIn::Impl final : public link::ProducerHandler, public Http2Connection::Owner, public Http2Exchange::Owner {
 public:
  Impl(const Parts& parts, const StandInConfig& config)
      : node_{parts.node},
        loop_{parts.loop},
        log_{parts.log},
        address_{config.address},
        local_{config.local},
        both_loopbacks_{config.both_loopbacks},
        reap_{parts.loop, [this] { reap(); }},
        patience_{parts.loop, [this] { give_up(); }} {
    if (!config.tls) return;
    tls_ = std::make_unique<TlsEntrance>(node_, loop_, log_, *config.tls, config.protocol, [this](Secured client) { accepted(std::move(client.stream)); });
  }

  ~Impl() override {
    entrance_.reset();
    tls_.reset();
    exchanges_.clear();
    for (const auto& [key, connection] : connections_) {
      if (fronts_.contains(key)) key->goodbye();
    }
    connections_.clear();
    if (producer_) node_.remove_producer(producer_);
  }

  Expected<void, io::Error> listen() {
    const auto on_accept = [this](std::unique_ptr<io::Stream> stream) { tls_ != nullptr ? tls_->accept(std::move(stream)) : accepted(std::move(stream)); };
    auto entrance = Entrance::open(loop_, local_, on_accept, both_loopbacks_ ? Entrance::kIpv6Loopback : "");
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
    for (Http2Exchange* exchange : std::exchange(waiting_, {})) begin(*exchange);
  }

  void request_came(Http2Connection& front, http2::HeadReceived& head) override {
    auto made = std::make_unique<Http2Exchange>(front, head, counters_, *this);
    Http2Exchange& exchange = *made;
    exchanges_[&exchange] = std::move(made);
    if (head.too_large) return exchange.answer("431", "the header of the request is too large");
    if (node_.reachable(producer_)) return begin(exchange);
    // Whether somebody provides the address may be on its way: after a bind, a join, while a link comes back.
    if (waiting_.size() >= limits::kHttp2Waiting) return refuse(exchange);
    if (waiting_.empty()) patience_.arm(kPatience);
    waiting_.push_back(&exchange);
  }

  void connection_over(Http2Connection& connection) override {
    if (!connection.trouble().empty()) log_.debug("HTTP/2 connection ended address={} why=\"{}\"", address_, connection.trouble());
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
    std::erase(waiting_, &exchange);
    exchanges_over_.push_back(&exchange);
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
    fronts_.insert(&add(std::make_unique<SocketLink>(std::move(socket)), {http2::Session::Side::server, limits::kHttp2LocalWindow}));
  }

  void begin(Http2Exchange& exchange) {
    const std::uint32_t window = far_window();
    Http2Connection& back = add(std::make_unique<NetworkLink>(node_, producer_, counters_), {http2::Session::Side::client, window});
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

  void refuse(Http2Exchange& exchange) { exchange.answer("503", "nobody provides '" + address_ + "' now"); }

  void give_up() {
    for (Http2Exchange* exchange : std::exchange(waiting_, {})) refuse(*exchange);
  }

  void reap() {
    for (Http2Exchange* exchange : std::exchange(exchanges_over_, {})) exchanges_.erase(exchange);
    for (Http2Connection* connection : std::exchange(over_, {})) connections_.erase(connection);
  }

  std::unique_ptr<Entrance> entrance_;
  std::unique_ptr<TlsEntrance> tls_;  ///< null: clients come without
  std::unordered_map<Http2Connection*, std::unique_ptr<Http2Connection>> connections_;  ///< of local clients, and of their requests in the network
  std::unordered_set<Http2Connection*> fronts_;                                         ///< those of local clients
  std::unordered_map<Http2Connection*, std::uint32_t> far_windows_;  ///< those of requests in the network, with what they may hold
  std::uint64_t far_total_ = 0;
  std::vector<Http2Connection*> over_;
  std::unordered_map<Http2Exchange*, std::unique_ptr<Http2Exchange>> exchanges_;
  std::vector<Http2Exchange*> waiting_;  ///< came while nobody provides the address
  std::vector<Http2Exchange*> exchanges_over_;
  io::Deferred reap_;
  io::Timer patience_;
};

Expected<std::unique_ptr<Http2StandIn>, io::Error> Http2StandIn::open(const Parts& parts, const StandInConfig& config) {
  auto impl = std::make_unique<Impl>(parts, config);
  const auto listening = impl->listen();
  if (!listening) return Unexpected{listening.error()};
  return std::unique_ptr<Http2StandIn>{new Http2StandIn{std::move(impl)}};
}

Http2StandIn::Http2StandIn(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Http2StandIn::~Http2StandIn() = default;
const Endpoint& Http2StandIn::local() const { return impl_->local_; }
bool Http2StandIn::reachable() const { return impl_->node_.reachable(impl_->producer_); }
Counters Http2StandIn::counters() const { return impl_->counters_; }

}  // namespace van::proxy
