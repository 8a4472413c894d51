#include "proxy/http2_exposure.h"

#include <unordered_map>

#include "core/base/limits.h"
#include "core/io/deferred.h"
#include "core/link/log.h"
#include "proxy/http2_pool.h"
#include "proxy/offer.h"
#include "proxy/pending_streams.h"

namespace van::proxy {

class Http2Exposure::Impl final : public link::ConsumerHandler, public Http2Connection::Owner, public Http2Exchange::Owner, public Http2Pool::Owner {
 public:
  Impl(const Parts& parts, const ExposureConfig& config)
      : node_{parts.node},
        loop_{parts.loop},
        log_{parts.log},
        address_{config.address},
        offer_{parts, config, *this},
        pool_{parts.loop, offer_.target(), *this, {}},
        pending_{parts.node, parts.loop},
        reap_{parts.loop, [this] { reap(); }} {}

  ~Impl() override {
    offer_.withdraw();
    exchanges_.clear();
  }

  void withdraw() {
    offer_.withdraw();
    for (const auto& [key, front] : fronts_) key->close();
  }

  [[nodiscard]] bool idle() const { return pending_.empty() && fronts_.empty(); }

  // ---- The network ----

  void on_stream_requested(router::StreamId stream) override {
    if (pool_.full() || pending_.full()) {
      node_.refuse_stream(stream);
      return;
    }
    if (pool_.ready()) return accept(stream);
    pending_.add(stream);
    pool_.prepare();
  }

  void request_came(Http2Connection& front, http2::HeadReceived& head) override {
    auto made = std::make_unique<Http2Exchange>(front, head, counters_, *this);
    Http2Exchange& exchange = *made;
    exchanges_[&exchange] = std::move(made);
    if (head.too_large) return exchange.answer("431", "the header of the request is too large");
    pool_.serve(exchange);
  }

  void connection_over(Http2Connection& front) override {
    if (!front.trouble().empty()) log_.debug("HTTP/2 connection ended address={} why=\"{}\"", address_, front.trouble());
    fronts_over_.push_back(&front);
    reap_.schedule();
  }

  // ---- Requests ----

  void let_go(Http2Connection&, bool) override {}  // the pool hears of it
  bool try_again(Http2Exchange& exchange) override {
    pool_.serve(exchange);
    return true;
  }
  void exchange_over(Http2Exchange& exchange) override {
    pool_.forget(exchange);
    exchanges_over_.push_back(&exchange);
    reap_.schedule();
  }

  // ---- The server ----

  void pool_ready() override {
    for (const router::StreamId stream : pending_.take_all()) accept(stream);
  }

  void pool_failed(const io::Error& error) override {
    offer_.target_failed(error);
    for (const router::StreamId stream : pending_.take_all()) node_.refuse_stream(stream);
  }

  void pool_noticed(const std::string& why) override {
    log_.warn("connection to the target ended address={} target={} why=\"{}\"", address_, offer_.target().endpoint().text(), why);
  }

  [[nodiscard]] const Health& health() const { return offer_.health(); }

  Counters counters_;

 private:
  void accept(router::StreamId stream) {
    auto front = std::make_unique<Http2Connection>(loop_, std::make_unique<NetworkLink>(node_, stream, counters_),
                                                   http2::Session::Config{http2::Session::Side::server, limits::kHttp2FarWindow}, *this);
    Http2Connection* key = front.get();
    fronts_[key] = std::move(front);
  }

  void reap() {
    for (Http2Exchange* exchange : std::exchange(exchanges_over_, {})) exchanges_.erase(exchange);
    for (Http2Connection* front : std::exchange(fronts_over_, {})) fronts_.erase(front);
  }

  link::Node& node_;
  io::Loop& loop_;
  spdlog::logger& log_;
  std::string address_;
  Offer offer_;
  Http2Pool pool_;
  PendingStreams pending_;  ///< for the first connection to the target
  std::unordered_map<Http2Connection*, std::unique_ptr<Http2Connection>> fronts_;  ///< streams of the network
  std::unordered_map<Http2Exchange*, std::unique_ptr<Http2Exchange>> exchanges_;
  std::vector<Http2Connection*> fronts_over_;
  std::vector<Http2Exchange*> exchanges_over_;
  io::Deferred reap_;
};

Http2Exposure::Http2Exposure(const Parts& parts, const ExposureConfig& config) : impl_{std::make_unique<Impl>(parts, config)} {}
Http2Exposure::~Http2Exposure() = default;
void Http2Exposure::withdraw() { impl_->withdraw(); }
const std::string& Http2Exposure::trouble() const { return impl_->health().trouble(); }
HealthState Http2Exposure::health() const { return impl_->health().state(); }
bool Http2Exposure::idle() const { return impl_->idle(); }
Counters Http2Exposure::counters() const { return impl_->counters_; }

}  // namespace van::proxy
