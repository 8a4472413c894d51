#include "proxy/http_stand_in.h"

#include <unordered_map>

#include "core/base/limits.h"
#include "core/io/deferred.h"
#include "core/io/timer.h"
#include "proxy/http_sessions.h"
#include "proxy/service_entrance.h"
#include "proxy/socket_channel.h"
#include "proxy/stream_channel.h"
#include "proxy/waiting_clients.h"

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kEndTime{2};  ///< for a server that has answered to end its connection

/// "127.0.0.1" of "127.0.0.1:80", "::1" of "[::1]:80"; nothing of a Unix socket's.
std::string ip_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (address.starts_with("unix:") || colon == std::string::npos) return {};
  return address.starts_with('[') ? address.substr(1, colon - 2) : address.substr(0, colon);
}

}  // namespace

class HttpStandIn::Impl final : private ServiceEntrance::Owner, public HttpSession::Owner {
 public:
  Impl(const Parts& parts, const StandInConfig& config)
      : entrance_{parts, config, *this},
        node_{parts.node},
        loop_{parts.loop},
        forwarded_{config.forwarded},
        waiting_{parts.loop, limits::kClientsWaiting, [](HttpSession* session) { session->fail(503, kNobody); }},
        sessions_{parts.loop} {}

  ~Impl() override {
    sessions_.clear();
    ending_.clear();
  }

  void server_wanted(HttpSession& session, bool) override {
    if (entrance_.reachable()) return open(session);
    if (waiting_.full()) return session.fail(503, kNobody);
    waiting_.add(&session);
  }
  void server_not_wanted(HttpSession& session) override { waiting_.remove(&session); }
  void server_released(std::unique_ptr<Channel> server) override { server_done(std::move(server)); }
  void server_done(std::unique_ptr<Channel> server) override {
    server->write({}, true);
    if (server->ended()) return sessions_.reap(std::move(server));
    auto ending = std::make_unique<Ending>(*this, std::move(server));
    Ending* key = ending.get();
    ending_[key] = std::move(ending);
  }
  void session_over(HttpSession& session) override {
    waiting_.remove(&session);
    sessions_.reap(session);
  }
  void bury(std::unique_ptr<Channel> channel) override { sessions_.reap(std::move(channel)); }

  ServiceEntrance entrance_;
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

  void client_came(Secured came) override {
    Slice first = came.stream->read_at_once(router::kFirstOctets);  // a client's first words are often there already
    http::RequestForwarding forwarding{.forwarded = forwarded_, .client = {}, .host = entrance_.address(), .secure = entrance_.tls(), .close_server = true};
    if (forwarded_ != http::Forwarded::none) forwarding.client = ip_of(came.stream->peer_address());
    auto client = std::make_unique<SocketChannel>(std::move(came.stream));
    SocketChannel& channel = *client;
    HttpSession& session = sessions_.add(std::move(client), {.forwarding = std::move(forwarding), .to_network = true}, counters_, *this);
    channel.start(std::move(first));
    session.start();
  }

  void service_provided() override {
    for (HttpSession* session : waiting_.take()) open(*session);
  }

  void open(HttpSession& session) { session.attach(std::make_unique<StreamChannel>(node_, entrance_.producer(), session.one_request()), false); }

  link::Node& node_;
  io::Loop& loop_;
  http::Forwarded forwarded_;
  WaitingClients<HttpSession*> waiting_;
  HttpSessions sessions_;
  std::unordered_map<Ending*, std::unique_ptr<Ending>> ending_;
  std::vector<std::unique_ptr<Ending>> gone_;
  io::Deferred reap_{loop_, [this] { gone_.clear(); }};
};

Expected<std::unique_ptr<HttpStandIn>, io::Error> HttpStandIn::open(const Parts& parts, const StandInConfig& config) {
  auto impl = std::make_unique<Impl>(parts, config);
  const auto listening = impl->entrance_.open();
  if (!listening) return Unexpected{listening.error()};
  return std::unique_ptr<HttpStandIn>{new HttpStandIn{std::move(impl)}};
}

HttpStandIn::HttpStandIn(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
HttpStandIn::~HttpStandIn() = default;
const Endpoint& HttpStandIn::local() const { return impl_->entrance_.local(); }
bool HttpStandIn::reachable() const { return impl_->entrance_.reachable(); }
Counters HttpStandIn::counters() const { return impl_->counters_; }

}  // namespace van::proxy
