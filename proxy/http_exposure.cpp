#include "proxy/http_exposure.h"

#include <unordered_map>
#include <utility>

#include "core/base/limits.h"
#include "core/link/log.h"
#include "proxy/http_sessions.h"
#include "proxy/offer.h"
#include "proxy/server_pool.h"
#include "proxy/stream_channel.h"

namespace van::proxy {
namespace {

constexpr Duration kAnyTime = Duration::max();
constexpr std::chrono::seconds kAMoment{1};  ///< servers keep connections for longer

StreamChannel& stream_of(HttpSession& session) { return static_cast<StreamChannel&>(session.client()); }

}  // namespace

class HttpExposure::Impl final : public link::ConsumerHandler, public HttpSession::Owner {
 public:
  Impl(const Parts& parts, const ExposureConfig& config)
      : node_{parts.node}, address_{config.address}, pool_{parts.loop, limits::kHttpIdleServers}, sessions_{parts.loop}, offer_{parts, config, *this} {}

  ~Impl() override {
    offer_.withdraw();
    connecting_.clear();
    sessions_.clear();
  }

  void withdraw() {
    offer_.withdraw();
    sessions_.drain();
  }
  [[nodiscard]] bool idle() const { return sessions_.empty(); }
  [[nodiscard]] const Health& health() const { return offer_.health(); }

  void on_stream_requested(router::StreamId stream) override {
    HttpSession& session = sessions_.add(std::make_unique<StreamChannel>(node_, stream),
                                         {.forwarding = {.forwarded = http::Forwarded::none, .client = {}, .host = address_, .secure = false, .close_server = false}, .to_network = false},
                                         counters_, *this);
    session.start();
    if (session.waits_for_request()) prepare(session);
  }

  void server_wanted(HttpSession& session, bool fresh) override {
    auto used = fresh ? nullptr : pool_.take(session.repeatable() ? kAnyTime : kAMoment);
    if (used) attach(session, std::move(used), true);
    else connect(session);
  }
  void server_not_wanted(HttpSession& session) override { connecting_.erase(&session); }
  void server_released(std::unique_ptr<Channel> server) override {
    pool_.give(std::unique_ptr<SocketChannel>{static_cast<SocketChannel*>(server.release())});
  }
  void server_done(std::unique_ptr<Channel> server) override {
    server->write({}, true);
    sessions_.reap(std::move(server));
  }
  void session_over(HttpSession& session) override {
    connecting_.erase(&session);
    sessions_.reap(session);
  }
  void bury(std::unique_ptr<Channel> channel) override { sessions_.reap(std::move(channel)); }

  Counters counters_;

 private:
  /// The rest of the request may wait for us to accept, and we accept when the server can be connected.
  void prepare(HttpSession& session) {
    if (pool_.size() > 0) stream_of(session).accept();
    else connect(session);
  }

  void connect(HttpSession& session) {
    if (connecting_.size() >= limits::kConnecting) return turn_away(session, 503, "too many requests wait for the server");
    connecting_[&session] = offer_.connect({}, [this, key = &session](io::Result<std::unique_ptr<io::Stream>> result) {
      Impl& impl = *this;  // who connects owns this function
      HttpSession& waiting = *key;
      impl.connecting_.erase(&waiting);
      impl.connected(waiting, std::move(result));
    });
  }

  void connected(HttpSession& session, io::Result<std::unique_ptr<io::Stream>> result) {
    if (!result) {
      offer_.target_failed(result.error());
      return turn_away(session, 502, "the server can't be reached");
    }
    auto server = std::make_unique<SocketChannel>(*std::move(result));
    server->start();
    if (session.wants_server()) return attach(session, std::move(server), false);
    pool_.give(std::move(server));
    stream_of(session).accept();
  }

  /// To another provider, if it is not too late for that.
  static void turn_away(HttpSession& session, int status, std::string_view why) {
    StreamChannel& stream = stream_of(session);
    if (stream.accepted()) return session.fail(status, why);
    stream.refuse();
    session.start();
  }

  void attach(HttpSession& session, std::unique_ptr<SocketChannel> server, bool reused) {
    if (!session.request_whole()) stream_of(session).accept();
    session.attach(std::move(server), reused);
  }

  link::Node& node_;
  std::string address_;
  ServerPool pool_;
  std::unordered_map<HttpSession*, std::unique_ptr<Target::Connecting>> connecting_;
  HttpSessions sessions_;
  Offer offer_;
};

HttpExposure::HttpExposure(const Parts& parts, const ExposureConfig& config) : impl_{std::make_unique<Impl>(parts, config)} {}
HttpExposure::~HttpExposure() = default;
void HttpExposure::withdraw() { impl_->withdraw(); }
bool HttpExposure::idle() const { return impl_->idle(); }
const std::string& HttpExposure::trouble() const { return impl_->health().trouble(); }
HealthState HttpExposure::health() const { return impl_->health().state(); }
Counters HttpExposure::counters() const { return impl_->counters_; }

}  // namespace van::proxy
