#include "core/link/node.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "core/base/limits.h"
#include "core/io/deferred.h"
#include "core/io/dialer.h"
#include "core/io/listener.h"
#include "core/io/network_monitor.h"
#include "core/io/timer.h"
#include "core/link/backoff.h"
#include "core/link/peer_connection.h"

namespace van::link {
namespace {

constexpr std::size_t kUnfinishedHandshakes = 256;  ///< incoming connections that are not peers yet; more are closed
constexpr Backoff::Range kRefusedRange{.first = std::chrono::seconds{15}, .longest = std::chrono::seconds{120}};

constexpr std::size_t kBatchBytes = 128 * 1024;  ///< received in one turn of the loop; then they are passed on

constexpr std::chrono::milliseconds kRoutesPause{10};  ///< between two tellings of routes
constexpr int kRoutesShare = 20;                       ///< and so many times what the last one took

constexpr std::chrono::seconds kSleep{5};  ///< apart from each other, the clocks tell that the machine slept

/// The address in "192.0.2.1:80" or "[2001:db8::1]:80" that an interface must have for the socket to work; empty when that can't
/// be said: all of 127/8 is local, link-local addresses need their scope.
std::string interface_of(const std::string& socket) {
  const std::size_t colon = socket.rfind(':');
  if (colon == std::string::npos) return {};
  for (const std::string_view special : {"127.", "unix:", "[fe80:", "[::ffff:"}) {
    if (socket.starts_with(special)) return {};
  }
  return socket.starts_with('[') ? socket.substr(1, colon - 2) : socket.substr(0, colon);
}

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string_view role_name(router::PeerRole role) {
  switch (role) {
    case router::PeerRole::inter_router: return "inter-router";
    case router::PeerRole::edge: return "edge";
    case router::PeerRole::client: return "client";
  }
  return {};
}

/// Routers of Skupper v1 carry TCP in another way: the link would come up and no service work (tokens, section 1).
std::string incompatible(const router::PeerInfo& info) {
  const bool dispatch = info.product == "qpid-dispatch-router";
  const bool old = info.product == "skupper-router" && (info.version.starts_with("1.") || info.version.starts_with("2."));
  if (!dispatch && !old) return {};
  return "the other end is a Skupper v1 router (" + info.product + " " + info.version + "), whose services vanctl can't reach";
}

}  // namespace

class Node::Impl final : public PeerConnection::Owner {
 public:
  Impl(io::Loop& loop, router::Config config, Rng rng, spdlog::logger& log, NodeObserver* observer)
      : loop_{loop},
        log_{log},
        observer_{observer},
        rng_{Rng{rng.next()}},
        router_{std::move(config), rng, io::Loop::now()},
        pump_{loop, [this] { pump(); }},
        // Deadlines come after what the sockets have: a process that stood still must not take its peers for silent.
        due_{loop, [this] { handle_deadline(); }},
        timer_{loop, [this] { due_.schedule(); }},
        handshakes_{loop},
        monitor_{loop, [this] { network_changed("the network has changed"); }},
        routes_timer_{loop, [this] { tell_routes(); }} {}

  struct Connector {
    ConnectorConfig config;
    std::unique_ptr<io::Dialer> dialer;
    PeerConnection* connection = nullptr;
    std::unique_ptr<io::Timer> retry;
    Backoff backoff{Backoff::Range{}};
    Backoff refused_backoff{kRefusedRange};
    LinkState state = LinkState::connecting;
    TimePoint since;
    std::string error;
    bool refused = false;
    std::string correlator;  // of the connection
  };
  struct Listener {
    ListenerConfig config;
    std::unique_ptr<io::TcpListener> socket;  ///< none where clients come in
    std::uint64_t accepted = 0;
    PeerConnection::Octets octets;  ///< of those that have ended
  };
  struct Held {
    std::unique_ptr<PeerConnection> connection;
    ConnectorId connector;
    ListenerId listener;
    LinkState state = LinkState::connecting;
    TimePoint since;
  };

  // ---- Connectors ----

  ConnectorId add_connector(ConnectorConfig config) {
    const ConnectorId id{++last_id_};
    auto connector = std::make_unique<Connector>();
    connector->config = std::move(config);
    connector->retry = std::make_unique<io::Timer>(loop_, [this, id] { dial(id); });
    connector->since = io::Loop::now();
    connectors_[id] = std::move(connector);
    dial(id);
    return id;
  }

  void remove_connector(ConnectorId id) {
    const auto found = connectors_.find(id);
    if (found == connectors_.end()) return;
    if (PeerConnection* connection = found->second->connection) close(*connection);
    connectors_.erase(found);
  }

  void dial(ConnectorId id) {
    Connector& connector = *connectors_.at(id);
    set_state(id, connector, LinkState::connecting);
    connector.dialer = std::make_unique<io::Dialer>(loop_, io::HostPort{connector.config.host, connector.config.port},
                                                    [this, id](io::Result<std::unique_ptr<io::Stream>> result) { dialled(id, std::move(result)); });
  }

  void dialled(ConnectorId id, io::Result<std::unique_ptr<io::Stream>> result) {
    Connector& connector = *connectors_.at(id);
    if (!result) {
      failed(id, result.error().message, false);
      finished_dialers_.push_back(std::move(connector.dialer));
      pump_.schedule();
      return;
    }
    finished_dialers_.push_back(std::move(connector.dialer));
    // One for each connection: a real router would take a second one with the same for a superseded one (control-plane 1.9).
    const bool trunked = router_.config().workers > 1 && connector.config.role == router::PeerRole::inter_router;
    connector.correlator = connector.config.data ? connector.config.correlator : trunked ? rng_.discriminator() : std::string{};
    router::PeerConfig peer{.role = connector.config.role,
                            .direction = router::Direction::outgoing,
                            .cost = connector.config.cost,
                            .hostname = connector.config.host,
                            .external = connector.config.tls != nullptr,
                            .data = connector.config.data,
                            .correlator = connector.correlator};
    PeerConnection& connection = hold(std::move(*result), connector.config.tls, std::move(peer), id, {});
    connector.connection = &connection;
    connection.start();
    pump_.schedule();
  }

  void failed(ConnectorId id, const std::string& reason, bool refused) {
    const auto found = connectors_.find(id);
    if (found == connectors_.end()) return;
    Connector& connector = *found->second;
    connector.connection = nullptr;
    if (connector.state == LinkState::up || connector.state == LinkState::standby) {
      connector.backoff.reset();
      connector.refused_backoff.reset();
    }
    if (connector.error != reason) {
      log_.log(connector.config.data ? spdlog::level::debug : spdlog::level::warn, "link down link={} to={} why=\"{}\"", connector.config.name, host_and_port(connector.config.host, connector.config.port), reason);
    }
    connector.error = reason;
    connector.refused = refused;
    set_state(id, connector, LinkState::down);
    connector.retry->arm((refused ? connector.refused_backoff : connector.backoff).next(rng_));
  }

  // ---- Changes around us ----

  void handle_deadline() {
    // The monotonic clock stands still while the machine sleeps (or the wall clock was set: then nothing is lost by looking).
    const TimePoint now = io::Loop::now();
    const auto wall = io::Loop::wall_clock();
    const Duration gap = std::chrono::abs((wall - wall_) - (now - steady_));
    wall_ = wall;
    steady_ = now;
    if (gap > kSleep) network_changed("the machine has slept");
    router_.handle_deadline(now);
    pump_.schedule();
  }

  /// Who waits to dial need not wait any longer, and what stands on an address that is gone ends now.
  void network_changed(std::string_view why) {
    log_.debug("looking at all links why=\"{}\"", why);
    const std::vector<std::string> here = io::interface_addresses();
    std::vector<PeerConnection*> stranded;
    for (const auto& [key, held] : held_) {
      const std::string local = interface_of(held.connection->local());
      if (!here.empty() && !local.empty() && std::ranges::find(here, local) == here.end()) stranded.push_back(key);
    }
    for (PeerConnection* connection : stranded) connection->abandon("the local address of the link is gone");
    for (auto& [id, connector] : connectors_) {
      connector->backoff.reset();
      if (connector->retry->armed()) connector->retry->arm(Duration::zero());
    }
  }

  void set_state(ConnectorId id, Connector& connector, LinkState state) {
    if (connector.state == state && state != LinkState::down) return;
    connector.state = state;
    connector.since = io::Loop::now();
    if (connector.config.data) return;
    if (std::ranges::find(changed_, id) == changed_.end()) changed_.push_back(id);
    pump_.schedule();
  }

  // ---- Listeners ----

  Expected<ListenerId, io::Error> add_listener(ListenerConfig config) {
    const ListenerId id{++last_id_};
    auto socket = io::TcpListener::listen(loop_, config.host, config.port, [this, id](std::unique_ptr<io::Stream> stream) { accepted(id, std::move(stream)); });
    if (!socket) return Unexpected{socket.error()};
    log_.info("listening address={} role={}", (*socket)->address(), role_name(config.role));
    listeners_[id] = Listener{std::move(config), std::move(*socket), 0, {}};
    return id;
  }

  ListenerId add_client_port() {
    const ListenerId id{++last_id_};
    listeners_[id].config.role = router::PeerRole::client;
    return id;
  }

  ClientCounts clients(ListenerId id) const {
    const Listener& listener = listeners_.at(id);
    ClientCounts counts{.connected = connected(id), .accepted = listener.accepted, .octets_in = listener.octets.in, .octets_out = listener.octets.out};
    for (const auto& [key, held] : held_) {
      if (held.listener != id) continue;
      counts.octets_in += key->octets().in;
      counts.octets_out += key->octets().out;
    }
    return counts;
  }

  void remove_listener(ListenerId id) {
    listeners_.erase(id);
    for (auto& [key, held] : held_) {
      if (held.listener == id) close(*held.connection);
    }
  }

  void accepted(ListenerId id, std::unique_ptr<io::Stream> stream) {
    const auto unfinished = std::ranges::count_if(held_, [](const auto& entry) { return entry.second.listener && !entry.second.connection->peer(); });
    if (static_cast<std::size_t>(unfinished) >= kUnfinishedHandshakes) return;  // closed: they may come again
    Listener& listener = listeners_.at(id);
    const ListenerConfig& config = listener.config;
    if (config.role == router::PeerRole::client && connected(id) >= limits::kClients) return;
    ++listener.accepted;
    router::PeerConfig peer{.role = config.role, .direction = router::Direction::incoming, .cost = 1, .hostname = {}, .external = config.tls != nullptr, .access_id = config.access_id};
    hold(std::move(stream), config.tls, std::move(peer), {}, id).start();
    pump_.schedule();
  }

  [[nodiscard]] std::size_t connected(ListenerId id) const {
    return static_cast<std::size_t>(std::ranges::count_if(held_, [id](const auto& entry) { return entry.second.listener == id; }));
  }

  // ---- Workers of one site ----

  void add_sibling(std::unique_ptr<io::Stream> stream, std::uint32_t worker, router::Direction direction) {
    hold(std::move(stream), {}, {.role = router::PeerRole::inter_router, .direction = direction, .external = false, .sibling = worker}, {}, {}).start();
    pump_.schedule();
  }

  void adopt(MovingConnection& moving) {
    auto stream = io::Stream::adopt(loop_, moving.socket.release());
    if (!stream) return log_.warn("a connection was lost on its way to a worker why=\"{}\"", stream.error().message);
    hold(std::make_unique<PeerConnection>(loop_, handshakes_, *std::move(stream), moving, router_, *this), {}, {}).start();
    pump_.schedule();
  }

  /// Not more often than leaves most of the time for other things.
  void tell_routes() {
    const TimePoint began = io::Loop::now();
    colleagues_->routes_changed(router_.routes());
    const TimePoint now = io::Loop::now();
    routes_from_ = now + std::max<Duration>(kRoutesPause, kRoutesShare * (now - began));
  }

  // ---- Connections ----

  PeerConnection& hold(std::unique_ptr<io::Stream> stream, std::shared_ptr<tls::Context> tls, router::PeerConfig peer, ConnectorId connector, ListenerId listener) {
    return hold(std::make_unique<PeerConnection>(loop_, handshakes_, std::move(stream), std::move(tls), router_, std::move(peer), *this), connector, listener);
  }
  PeerConnection& hold(std::unique_ptr<PeerConnection> connection, ConnectorId connector, ListenerId listener) {
    PeerConnection* key = connection.get();
    held_[key] = Held{std::move(connection), connector, listener, LinkState::connecting, io::Loop::now()};
    return *key;
  }

  void close(PeerConnection& connection) {
    Held& held = held_.at(&connection);
    held.connector = {};
    if (connection.peer() && router_.peer(connection.peer()) != nullptr) router_.close_peer(connection.peer(), io::Loop::now());
    else reap_.push_back(&connection);
    pump_.schedule();
  }

  void connection_ready(PeerConnection& connection) override { by_peer_[connection.peer()] = &connection; }
  void router_touched() override { pump_.schedule(); }
  void router_fed(std::size_t octets) override {
    pump_.schedule();
    if (batched(octets)) dispatch();
  }

  /// Whether so much has come in this turn of the loop that it is better passed on while the processor's caches have it.
  bool batched(std::size_t octets) {
    unpumped_ += octets;
    if (unpumped_ < kBatchBytes) return false;
    unpumped_ = 0;
    return true;
  }
  void flush_outputs() {
    while (const auto peer = router_.poll_output()) {
      if (PeerConnection* connection = of_peer(*peer)) connection->flush();
    }
  }
  void connection_over(PeerConnection& connection, const std::string& reason, bool refused) override {
    Held& held = held_.at(&connection);
    if (connection.peer()) by_peer_.erase(connection.peer());
    if (held.connector) failed(std::exchange(held.connector, {}), reason, refused);
    else log_.debug("incoming connection ended from={} why=\"{}\"", connection.remote(), reason);
    reap_.push_back(&connection);
    pump_.schedule();
  }

  // ---- The pump: events, then output, then the timer ----

  void dispatch() {
    unpumped_ = 0;
    for (int turn = 0; turn < 16; ++turn) {  // handlers may cause more; what is left comes in the next turn of the loop
      bool idle = true;
      while (auto event = router_.poll_event()) {
        idle = false;
        std::visit([this](auto& value) { handle(value); }, *event);
      }
      while (const auto peer = router_.poll_output()) {
        idle = false;
        if (PeerConnection* connection = of_peer(*peer)) connection->flush();
      }
      if (idle) return;
    }
    pump_.schedule();
  }

  void pump() {
    dispatch();
    tell_observer();
    reap();
    if (colleagues_ != nullptr && router_.routes_changed() && !routes_timer_.armed()) routes_timer_.arm_at(routes_from_);
    timer_.arm_at(router_.next_deadline());
  }

  void reap() {
    for (const auto& [connection, held] : held_) {
      if (connection->finished()) reap_.push_back(connection);
    }
    for (PeerConnection* connection : std::exchange(reap_, {})) forget(connection);
    finished_dialers_.clear();
  }

  void forget(PeerConnection* connection) {
    const auto found = held_.find(connection);
    if (found == held_.end()) return;
    if (const auto listener = listeners_.find(found->second.listener); listener != listeners_.end()) {
      listener->second.octets.in += connection->octets().in;
      listener->second.octets.out += connection->octets().out;
    }
    held_.erase(found);
  }

  PeerConnection* of_peer(router::PeerId peer) {
    const auto found = by_peer_.find(peer);
    return found == by_peer_.end() ? nullptr : found->second;
  }

  void handle(const router::PeerUp& up) {
    PeerConnection* connection = of_peer(up.peer);
    const router::PeerInfo* info = router_.peer(up.peer);
    if (connection == nullptr || info == nullptr) return;
    Held& held = held_.at(connection);
    const std::string why_not = incompatible(*info);
    if (!why_not.empty() && held.connector) {
      const ConnectorId id = std::exchange(held.connector, {});
      router_.close_peer(up.peer, io::Loop::now());
      return failed(id, why_not, true);
    }
    held.state = info->standby ? LinkState::standby : LinkState::up;
    held.since = io::Loop::now();
    log_.log(info->data ? spdlog::level::debug : spdlog::level::info, "link {} peer={} role={} direction={} cost={}",
              info->standby ? "standby" : "up", info->site_name, role_name(info->config.role),
              info->config.direction == router::Direction::outgoing ? "outgoing" : "incoming", info->cost);
    if (!held.connector) return;
    Connector& connector = *connectors_.at(held.connector);
    connector.error.clear();
    connector.refused = false;
    connector.backoff.reset();
    connector.refused_backoff.reset();
    set_state(held.connector, connector, held.state);
  }

  void handle(const router::PeerDown& down) {
    PeerConnection* connection = of_peer(down.peer);
    if (connection == nullptr) return;
    Held& held = held_.at(connection);
    held.state = LinkState::connecting;
    held.since = io::Loop::now();
    if (!held.connector) return;
    Connector& connector = *connectors_.at(held.connector);
    connector.error = "the neighbour does not answer";
    set_state(held.connector, connector, LinkState::connecting);
  }

  void handle(const router::PeerClosed& closed) {
    PeerConnection* connection = of_peer(closed.peer);
    if (connection == nullptr) return;
    by_peer_.erase(closed.peer);
    Held& held = held_.at(connection);
    const std::string reason = closed.reason.empty() ? "the peer closed the link" : closed.reason;
    if (held.connector) failed(std::exchange(held.connector, {}), reason, closed.refused);
    else if (connection->config().role == router::PeerRole::client) log_.debug("client gone from={} why=\"{}\"", connection->remote(), reason);
    else log_.info("link closed from={} why=\"{}\"", connection->remote(), reason);
    connection->finish();
  }

  void handle(const router::ReachabilityChanged& change) {
    const auto found = producers_.find(change.producer);
    if (found != producers_.end()) found->second->on_reachability(change.reachable);
  }
  void handle(const router::StreamRequested& request) {
    const auto found = consumers_.find(request.consumer);
    if (found != consumers_.end()) found->second->on_stream_requested(request.stream);
    else router_.refuse_stream(request.stream, io::Loop::now());
  }
  template <class Call>
  void with_stream(router::StreamId stream, Call call) {
    const auto found = streams_.find(stream);
    if (found != streams_.end()) call(*found->second);
  }
  void handle(const router::StreamOpened& opened) {
    with_stream(opened.stream, [](StreamHandler& handler) { handler.on_stream_opened(); });
  }
  void handle(const router::StreamReadable& readable) {
    with_stream(readable.stream, [](StreamHandler& handler) { handler.on_stream_readable(); });
  }
  void handle(const router::StreamWritable& writable) {
    with_stream(writable.stream, [](StreamHandler& handler) { handler.on_stream_writable(); });
  }
  void handle(const router::PeerMoves& moves) {
    PeerConnection* connection = of_peer(moves.peer);
    if (connection == nullptr || colleagues_ == nullptr) return;
    auto moving = connection->move_away();
    if (moving == nullptr) return connection->abandon("it could not be handed to a worker");
    by_peer_.erase(moves.peer);
    colleagues_->connection_moves(moves.worker, std::move(moving));
    reap_.push_back(connection);
    pump_.schedule();
  }
  void handle(router::MessageReceived& received) {
    const auto found = endpoints_.find(received.endpoint);
    if (found != endpoints_.end()) found->second->on_message(std::move(received.message));
  }
  void handle(const router::DatagramReceived& received) {
    const auto found = receivers_.find(received.endpoint);
    if (found != receivers_.end()) found->second->on_message(received.endpoint, received.message);
  }
  void handle(const router::StreamFailed& failure) {
    const auto found = streams_.find(failure.stream);
    if (found == streams_.end()) return;
    StreamHandler* handler = found->second;
    streams_.erase(found);
    handler->on_stream_failed(failure.why);
  }

  router::EndpointId hand_over(router::EndpointId endpoint, MessageHandler& handler) {
    endpoints_[endpoint] = &handler;
    pump_.schedule();
    return endpoint;
  }

  // ---- Status ----

  void tell_observer() {
    if (observer_ == nullptr) return changed_.clear();
    for (const ConnectorId id : std::exchange(changed_, {})) {
      const auto found = connectors_.find(id);
      if (found != connectors_.end()) observer_->on_link_changed(status(id, *found->second));
    }
  }

  LinkStatus status(ConnectorId id, const Connector& connector) const {
    LinkStatus status;
    status.connector = id;
    status.name = connector.config.name;
    status.role = connector.config.role;
    status.direction = router::Direction::outgoing;
    status.state = connector.state;
    status.cost = connector.config.cost;
    status.remote = host_and_port(connector.config.host, connector.config.port);
    status.since = connector.since;
    status.error = connector.error;
    status.refused = connector.refused;
    if (connector.connection != nullptr) status.correlator = connector.correlator;
    if (connector.connection != nullptr) add_peer_details(*connector.connection, status);
    return status;
  }

  void add_peer_details(const PeerConnection& connection, LinkStatus& status) const {
    if (const router::PeerInfo* info = router_.peer(connection.peer())) {
      status.id = connection.peer();
      status.peer = info->site_name;
      status.peer_id = info->router_id;
      status.peer_access = info->access_id;
      status.cost = info->cost;
    }
    if (const tls::Peer* peer = connection.tls_peer()) {
      status.tls_version = peer->version;
      status.tls_cipher = peer->cipher;
      status.tls_resumed = peer->resumed;
      if (peer->certificate) {
        status.tls_peer = peer->certificate->subject_common_name;
        status.tls_expires = peer->certificate->not_after;
      }
    }
  }

  std::vector<LinkStatus> links() const {
    std::vector<LinkStatus> links;
    for (const auto& [id, connector] : connectors_) {
      if (!connector->config.data) links.push_back(status(id, *connector));
    }
    for (const auto& [key, held] : held_) {
      const router::PeerInfo* info = router_.peer(held.connection->peer());
      if (!held.listener || info == nullptr || info->router_id.empty() || info->data || info->config.role == router::PeerRole::client) continue;
      LinkStatus status;
      status.name = info->site_name;
      status.role = info->config.role;
      status.direction = router::Direction::incoming;
      status.state = info->up ? LinkState::up : LinkState::connecting;
      status.remote = held.connection->remote();
      status.since = held.since;
      add_peer_details(*held.connection, status);
      links.push_back(std::move(status));
    }
    return links;
  }

  io::Loop& loop_;
  spdlog::logger& log_;
  NodeObserver* observer_;
  Rng rng_;
  router::Router router_;
  io::Deferred pump_;
  io::Deferred due_;
  io::Timer timer_;
  io::Worker handshakes_;
  io::NetworkMonitor monitor_;
  TimePoint steady_ = io::Loop::now();
  std::size_t unpumped_ = 0;  ///< octets that have come since the last dispatch()
  std::chrono::system_clock::time_point wall_ = io::Loop::wall_clock();
  Colleagues* colleagues_ = nullptr;
  io::Timer routes_timer_;
  TimePoint routes_from_{};  ///< not before
  std::uint32_t last_id_ = 0;
  std::map<ConnectorId, std::unique_ptr<Connector>> connectors_;
  std::map<ListenerId, Listener> listeners_;
  std::unordered_map<PeerConnection*, Held> held_;
  std::unordered_map<router::PeerId, PeerConnection*> by_peer_;
  std::vector<PeerConnection*> reap_;
  std::vector<std::unique_ptr<io::Dialer>> finished_dialers_;
  std::vector<ConnectorId> changed_;
  std::unordered_map<router::StreamId, StreamHandler*> streams_;
  std::unordered_map<router::ConsumerId, ConsumerHandler*> consumers_;
  std::unordered_map<router::ProducerId, ProducerHandler*> producers_;
  std::unordered_map<router::EndpointId, MessageHandler*> endpoints_;
  std::unordered_map<router::EndpointId, DatagramHandler*> receivers_;
};

Node::Node(io::Loop& loop, router::Config config, Rng rng, spdlog::logger& log, NodeObserver* observer)
    : impl_{std::make_unique<Impl>(loop, std::move(config), rng, log, observer)} {}
Node::~Node() = default;

ConnectorId Node::add_connector(ConnectorConfig config) { return impl_->add_connector(std::move(config)); }
void Node::remove_connector(ConnectorId connector) { impl_->remove_connector(connector); }
Expected<ListenerId, io::Error> Node::add_listener(ListenerConfig config) { return impl_->add_listener(std::move(config)); }
void Node::remove_listener(ListenerId listener) { impl_->remove_listener(listener); }
std::uint16_t Node::port(ListenerId listener) const { return impl_->listeners_.at(listener).socket->port(); }
ListenerId Node::add_client_port() { return impl_->add_client_port(); }
void Node::take_client(ListenerId port, std::unique_ptr<io::Stream> stream) { impl_->accepted(port, std::move(stream)); }
Node::ClientCounts Node::clients(ListenerId port) const { return impl_->clients(port); }
void Node::share_with(Colleagues& colleagues) {
  impl_->colleagues_ = &colleagues;
  impl_->pump_.schedule();
}
void Node::add_sibling(std::unique_ptr<io::Stream> stream, std::uint32_t worker, router::Direction direction) {
  impl_->add_sibling(std::move(stream), worker, direction);
}
void Node::adopt(MovingConnection& connection) { impl_->adopt(connection); }
void Node::set_routes(std::shared_ptr<const router::Routes> routes) {
  impl_->router_.set_routes(std::move(routes), io::Loop::now());
  impl_->pump_.schedule();
}

std::vector<LinkStatus> Node::links() const { return impl_->links(); }
const router::Router& Node::router() const { return impl_->router_; }

router::ConsumerId Node::add_consumer(std::string address, std::uint32_t cost, ConsumerHandler& handler) {
  const router::ConsumerId id = impl_->router_.add_consumer(std::move(address), cost, io::Loop::now());
  impl_->consumers_[id] = &handler;
  impl_->pump_.schedule();
  return id;
}

void Node::remove_consumer(router::ConsumerId consumer) {
  impl_->consumers_.erase(consumer);
  impl_->router_.remove_consumer(consumer, io::Loop::now());
  impl_->pump_.schedule();
}

router::ProducerId Node::add_producer(std::string address, ProducerHandler& handler) {
  const router::ProducerId id = impl_->router_.add_producer(std::move(address), io::Loop::now());
  impl_->producers_[id] = &handler;
  impl_->pump_.schedule();
  return id;
}

void Node::remove_producer(router::ProducerId producer) {
  impl_->producers_.erase(producer);
  impl_->router_.remove_producer(producer, io::Loop::now());
  impl_->pump_.schedule();
}

bool Node::reachable(router::ProducerId producer) const { return impl_->router_.reachable(producer); }

router::EndpointId Node::add_endpoint(const std::string& address, std::optional<routing::Treatment> treatment, MessageHandler& handler) {
  return impl_->hand_over(impl_->router_.add_endpoint(address, treatment, io::Loop::now()), handler);
}

router::EndpointId Node::add_local_endpoint(const std::string& name, MessageHandler& handler) {
  return impl_->hand_over(impl_->router_.add_local_endpoint(name, io::Loop::now()), handler);
}

router::EndpointId Node::add_receiver(const std::string& address, std::uint32_t cost, DatagramHandler& handler) {
  const router::EndpointId id = impl_->router_.add_receiver(address, cost, io::Loop::now());
  impl_->receivers_[id] = &handler;
  impl_->pump_.schedule();
  return id;
}

router::Router::LocalReceiver Node::add_local_receiver(std::string_view prefix, DatagramHandler& handler) {
  auto receiver = impl_->router_.add_local_receiver(prefix, io::Loop::now());
  impl_->receivers_[receiver.endpoint] = &handler;
  return receiver;
}

void Node::set_load(router::EndpointId receiver, std::uint32_t load) { impl_->router_.set_load(receiver, load); }

router::Router::Sent Node::send_datagram(const std::string& to, Slice message) {
  impl_->pump_.schedule();
  const bool batched = impl_->batched(message.size());
  const auto sent = impl_->router_.send_datagram(to, std::move(message), io::Loop::now());
  if (batched) impl_->flush_outputs();
  return sent;
}

bool Node::room_for(const std::string& to) { return impl_->router_.room_for(to); }

void Node::remove_endpoint(router::EndpointId endpoint) {
  impl_->endpoints_.erase(endpoint);
  impl_->receivers_.erase(endpoint);
  impl_->router_.remove_endpoint(endpoint, io::Loop::now());
  impl_->pump_.schedule();
}

bool Node::send_message(amqp::Message message) {
  impl_->pump_.schedule();
  return impl_->router_.send_message(std::move(message), io::Loop::now());
}

std::string Node::local_address(const std::string& name) const { return impl_->router_.local_address(name); }

io::Worker& Node::handshakes() { return impl_->handshakes_; }

router::ClientFacts Node::client_of(router::StreamId stream) const { return impl_->router_.client_of(stream); }

router::StreamId Node::open_stream(router::ProducerId producer, StreamHandler& handler, Slice first, router::ClientFacts client, bool one_request) {
  const router::StreamId id = impl_->router_.open_stream(producer, io::Loop::now(), std::move(first), std::move(client), one_request);
  impl_->streams_[id] = &handler;
  impl_->pump_.schedule();
  return id;
}

void Node::attach_stream(router::StreamId stream, StreamHandler& handler) { impl_->streams_[stream] = &handler; }
void Node::release_stream(router::StreamId stream) { impl_->streams_.erase(stream); }

bool Node::accept_stream(router::StreamId stream, Slice first, bool last) {
  impl_->pump_.schedule();
  return impl_->router_.accept_stream(stream, io::Loop::now(), std::move(first), last);
}

bool Node::refuse_stream(router::StreamId stream) {
  impl_->pump_.schedule();
  return impl_->router_.refuse_stream(stream, io::Loop::now());
}

std::size_t Node::writable(router::StreamId stream) { return impl_->router_.writable(stream); }

bool Node::write(router::StreamId stream, Slice octets) {
  impl_->pump_.schedule();
  const bool batched = impl_->batched(octets.size());
  const bool done = impl_->router_.write(stream, std::move(octets), io::Loop::now());
  if (batched) impl_->flush_outputs();
  return done;
}

bool Node::finish(router::StreamId stream) {
  impl_->pump_.schedule();
  return impl_->router_.finish(stream, io::Loop::now());
}

bool Node::reset(router::StreamId stream) {
  impl_->pump_.schedule();
  return impl_->router_.reset(stream, io::Loop::now());
}

SliceQueue* Node::readable(router::StreamId stream) { return impl_->router_.readable(stream); }

void Node::octets_taken(router::StreamId stream, std::size_t count) {
  impl_->pump_.schedule();
  impl_->router_.octets_taken(stream, count, io::Loop::now());
}

bool Node::finished(router::StreamId stream) const { return impl_->router_.finished(stream); }

void Node::fin_passed_on(router::StreamId stream) {
  impl_->pump_.schedule();
  impl_->router_.fin_passed_on(stream, io::Loop::now());
}

}  // namespace van::link
