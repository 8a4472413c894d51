#include "proxy/http_stand_in.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <unordered_map>

#include "core/io/deferred.h"
#include "core/io/timer.h"
#include "proxy/entrance.h"
#include "proxy/http_sessions.h"
#include "proxy/socket_channel.h"
#include "proxy/stream_channel.h"
#include "proxy/tls_entrance.h"

namespace van::proxy {
namespace {

constexpr std::chrono::milliseconds kPatience{400};  ///< for a provider to appear, before a request is refused
constexpr std::size_t kWaiting = 256;                ///< requests that wait for one; more are refused at once
constexpr std::chrono::seconds kEndTime{2};          ///< for a server that has answered to end its connection

/// "127.0.0.1" of "127.0.0.1:80", "::1" of "[::1]:80"; nothing of a Unix socket's.
std::string ip_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (address.starts_with("unix:") || colon == std::string::npos) return {};
  return address.starts_with('[') ? address.substr(1, colon - 2) : address.substr(0, colon);
}

}  // namespace

class HttpStandIn::Impl final : public link::ProducerHandler, public HttpSession::Owner {
 public:
  Impl(const Parts& parts, const StandInConfig& config)
      : node_{parts.node},
        loop_{parts.loop},
        log_{parts.log},
        address_{config.address},
        forwarded_{config.forwarded},
        local_{config.local},
        both_loopbacks_{config.both_loopbacks},
        sessions_{parts.loop},
        patience_{parts.loop, [this] { give_up(); }} {
    if (!config.tls) return;
    tls_ = std::make_unique<TlsEntrance>(node_, loop_, log_, *config.tls, config.protocol, [this](Secured client) { accepted(std::move(client.stream)); });
  }

  ~Impl() override {
    entrance_.reset();
    tls_.reset();
    waiting_.clear();
    sessions_.clear();
    ending_.clear();
    if (producer_) node_.remove_producer(producer_);
  }

  Expected<void, io::Error> listen() {
    const auto on_accept = [this](std::unique_ptr<io::Stream> stream) {
      if (tls_ != nullptr) return tls_->accept(std::move(stream));
      accepted(std::move(stream));
    };
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
    for (HttpSession* session : std::exchange(waiting_, {})) open(*session);
  }

  void server_wanted(HttpSession& session, bool) override {
    if (node_.reachable(producer_)) return open(session);
    // Whether somebody provides the address may be on its way: after a bind, a join, while a link comes back.
    if (waiting_.size() >= kWaiting) return session.fail(503, kNobody);
    if (waiting_.empty()) patience_.arm(kPatience);
    waiting_.push_back(&session);
  }
  void server_not_wanted(HttpSession& session) override { std::erase(waiting_, &session); }
  void server_released(std::unique_ptr<Channel> server) override { server_done(std::move(server)); }
  void server_done(std::unique_ptr<Channel> server) override {
    server->write({}, true);
    if (server->ended()) return sessions_.reap(std::move(server));
    auto ending = std::make_unique<Ending>(*this, std::move(server));
    Ending* key = ending.get();
    ending_[key] = std::move(ending);
  }
  void session_over(HttpSession& session) override {
    std::erase(waiting_, &session);
    sessions_.reap(session);
  }
  void bury(std::unique_ptr<Channel> channel) override { sessions_.reap(std::move(channel)); }

  [[nodiscard]] const Endpoint& local() const { return local_; }
  [[nodiscard]] bool reachable() const { return node_.reachable(producer_); }

  Counters counters_;

 private:
  static constexpr std::string_view kNobody = "nobody provides the service";

  /// A stream whose answer has come, and not yet the end behind it: a plain TCP server takes a moment.
  struct Ending final : Channel::User {
    Ending(Impl& owner, std::unique_ptr<Channel> server)
        : impl{owner}, channel{std::move(server)}, timer{owner.loop_, [this] { impl.ended(*this); }} {
      channel->set_user(*this);
      timer.arm(kEndTime);
    }
    void channel_moved() override {
      if (over) return;
      if (SliceQueue* input = channel->input()) {
        const std::size_t dropped = input->bytes();
        input->clear();
        channel->taken(dropped);
      }
      if (channel->broken() || channel->ended()) impl.ended(*this);
    }
    Impl& impl;
    std::unique_ptr<Channel> channel;
    io::Timer timer;
    bool over = false;
  };

  void ended(Ending& ending) {
    if (std::exchange(ending.over, true)) return;
    gone_.push_back(std::move(ending_.extract(&ending).mapped()));
    reap_.schedule();
  }

  void accepted(std::unique_ptr<io::Stream> socket) {
    Slice first = socket->read_at_once(router::kFirstOctets);  // a client's first words are often there already
    http::RequestForwarding forwarding{.forwarded = forwarded_, .client = {}, .host = address_, .secure = tls_ != nullptr, .close_server = true};
    if (forwarded_ != http::Forwarded::none) forwarding.client = ip_of(socket->peer_address());
    auto client = std::make_unique<SocketChannel>(std::move(socket));
    SocketChannel& channel = *client;
    HttpSession& session = sessions_.add(std::move(client), {.forwarding = std::move(forwarding), .to_network = true}, counters_, *this);
    channel.start(std::move(first));
    session.start();
  }

  void open(HttpSession& session) { session.attach(std::make_unique<StreamChannel>(node_, producer_, session.one_request()), false); }

  void give_up() {
    for (HttpSession* session : std::exchange(waiting_, {})) session->fail(503, kNobody);
  }

  link::Node& node_;
  io::Loop& loop_;
  spdlog::logger& log_;
  std::string address_;
  http::Forwarded forwarded_;
  Endpoint local_;
  bool both_loopbacks_;
  std::unique_ptr<Entrance> entrance_;
  std::unique_ptr<TlsEntrance> tls_;  ///< null: clients come without
  router::ProducerId producer_;
  HttpSessions sessions_;
  std::vector<HttpSession*> waiting_;  ///< for a provider
  std::unordered_map<Ending*, std::unique_ptr<Ending>> ending_;
  std::vector<std::unique_ptr<Ending>> gone_;
  io::Deferred reap_{loop_, [this] { gone_.clear(); }};
  io::Timer patience_;
};

Expected<std::unique_ptr<HttpStandIn>, io::Error> HttpStandIn::open(const Parts& parts, const StandInConfig& config) {
  auto impl = std::make_unique<Impl>(parts, config);
  const auto listening = impl->listen();
  if (!listening) return Unexpected{listening.error()};
  return std::unique_ptr<HttpStandIn>{new HttpStandIn{std::move(impl)}};
}

HttpStandIn::HttpStandIn(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
HttpStandIn::~HttpStandIn() = default;
const Endpoint& HttpStandIn::local() const { return impl_->local(); }
bool HttpStandIn::reachable() const { return impl_->reachable(); }
Counters HttpStandIn::counters() const { return impl_->counters_; }

}  // namespace van::proxy
