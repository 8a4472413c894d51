#include "core/link/node.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "core/io/deferred.h"
#include "core/io/network_monitor.h"
#include "core/io/timer.h"
#include "core/link/connections.h"

namespace van::link {
namespace {

constexpr std::size_t kBatchBytes = 128 * 1024;  ///< received in one turn of the loop; then they are passed on

constexpr std::chrono::seconds kSleep{5};  ///< apart from each other, the clocks tell that the machine slept

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
      : log_{log},
        observer_{observer},
        rng_{Rng{rng.next()}},
        router_{std::move(config), rng, io::Loop::now()},
        pump_{loop, [this] { pump(); }},
        // Deadlines come after what the sockets have: a process that stood still must not take its peers for silent.
        due_{loop, [this] { handle_deadline(); }},
        timer_{loop, [this] { due_.schedule(); }},
        handshakes_{loop},
        monitor_{loop, [this] { network_changed("the network has changed"); }},
        connections_{loop, handshakes_, router_, *this, pump_},
        connectors_{loop, router_, connections_, pump_, rng_, log},
        listeners_{loop, connections_, log},
        siblings_{loop, router_, connections_, log} {}

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
    connections_.abandon_stranded();
    connectors_.retry_now();
  }

  // ---- Connections ----

  void connection_ready(PeerConnection& connection) override { connections_.ready(connection); }
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
  /// Whether there was any.
  bool flush_outputs() {
    bool any = false;
    while (const auto peer = router_.poll_output()) {
      any = true;
      if (PeerConnection* connection = connections_.of_peer(*peer)) connection->flush();
    }
    return any;
  }
  void connection_over(PeerConnection& connection, const std::string& reason, bool refused) override {
    if (connection.peer()) connections_.forget_peer(connection.peer());
    const ConnectorId connector = std::exchange(connections_.held(connection).connector, {});
    if (connector) connectors_.failed(connector, reason, refused);
    else log_.debug("incoming connection ended from={} why=\"{}\"", connection.remote(), reason);
    connections_.discard(connection);
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
      if (!flush_outputs() && idle) return;
    }
    pump_.schedule();
  }

  void pump() {
    dispatch();
    tell_observer();
    for (const Connections::Held& gone : connections_.take_finished()) listeners_.count_gone(gone);
    siblings_.share_routes();
    timer_.arm_at(router_.next_deadline());
  }

  void tell_observer() {
    const std::vector<ConnectorId> changed = connectors_.take_changed();
    if (observer_ == nullptr) return;
    for (const ConnectorId id : changed) {
      if (const auto status = connectors_.status(id)) observer_->on_link_changed(*status);
    }
  }

  // ---- What the router says of its peers ----

  void handle(const router::PeerUp& up) {
    Connections::Held* held = connections_.held(up.peer);
    const router::PeerInfo* info = router_.peer(up.peer);
    if (held == nullptr || info == nullptr) return;
    const std::string why_not = incompatible(*info);
    if (!why_not.empty() && held->connector) {
      router_.close_peer(up.peer, io::Loop::now());
      return connectors_.failed(std::exchange(held->connector, {}), why_not, true);
    }
    held->since = io::Loop::now();
    log_.log(info->data ? spdlog::level::debug : spdlog::level::info, "link {} peer={} role={} direction={} cost={}",
             info->standby ? "standby" : "up", info->site_name, role_name(info->config.role),
             info->config.direction == router::Direction::outgoing ? "outgoing" : "incoming", info->cost);
    if (held->connector) connectors_.came_up(held->connector, info->standby ? LinkState::standby : LinkState::up);
  }

  void handle(const router::PeerDown& down) {
    Connections::Held* held = connections_.held(down.peer);
    if (held == nullptr) return;
    held->since = io::Loop::now();
    if (held->connector) connectors_.fell_silent(held->connector);
  }

  void handle(const router::PeerClosed& closed) {
    Connections::Held* held = connections_.held(closed.peer);
    if (held == nullptr) return;
    connections_.forget_peer(closed.peer);
    PeerConnection& connection = *held->connection;
    const std::string reason = closed.reason.empty() ? "the peer closed the link" : closed.reason;
    if (held->connector) connectors_.failed(std::exchange(held->connector, {}), reason, closed.refused);
    else if (connection.config().role == router::PeerRole::client) log_.debug("client gone from={} why=\"{}\"", connection.remote(), reason);
    else log_.info("link closed from={} why=\"{}\"", connection.remote(), reason);
    connection.finish();
  }

  void handle(const router::PeerMoves& moves) { siblings_.hand_over(moves); }

  // ---- What it says to the users of this node ----

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
  Connections connections_;
  Connectors connectors_;
  Listeners listeners_;
  Siblings siblings_;
  std::unordered_map<router::StreamId, StreamHandler*> streams_;
  std::unordered_map<router::ConsumerId, ConsumerHandler*> consumers_;
  std::unordered_map<router::ProducerId, ProducerHandler*> producers_;
  std::unordered_map<router::EndpointId, MessageHandler*> endpoints_;
  std::unordered_map<router::EndpointId, DatagramHandler*> receivers_;
};

Node::Node(io::Loop& loop, router::Config config, Rng rng, spdlog::logger& log, NodeObserver* observer)
    : impl_{std::make_unique<Impl>(loop, std::move(config), rng, log, observer)} {}
Node::~Node() = default;

ConnectorId Node::add_connector(ConnectorConfig config) { return impl_->connectors_.add(std::move(config)); }
void Node::remove_connector(ConnectorId connector) { impl_->connectors_.remove(connector); }
Expected<ListenerId, io::Error> Node::add_listener(ListenerConfig config) { return impl_->listeners_.add(std::move(config)); }
void Node::remove_listener(ListenerId listener) { impl_->listeners_.remove(listener); }
std::uint16_t Node::port(ListenerId listener) const { return impl_->listeners_.port(listener); }
ListenerId Node::add_client_port() { return impl_->listeners_.add_client_port(); }
void Node::take_client(ListenerId port, std::unique_ptr<io::Stream> stream) { impl_->listeners_.accept(port, std::move(stream)); }
ClientCounts Node::clients(ListenerId port) const { return impl_->listeners_.clients(port); }
void Node::share_with(Colleagues& colleagues) {
  impl_->siblings_.share_with(colleagues);
  impl_->pump_.schedule();
}
void Node::add_sibling(std::unique_ptr<io::Stream> stream, std::uint32_t worker, router::Direction direction) {
  impl_->siblings_.add(std::move(stream), worker, direction);
}
void Node::adopt(MovingConnection& connection) { impl_->siblings_.adopt(connection); }
void Node::set_routes(std::shared_ptr<const router::Routes> routes) {
  impl_->router_.set_routes(std::move(routes), io::Loop::now());
  impl_->pump_.schedule();
}

std::vector<LinkStatus> Node::links() const {
  std::vector<LinkStatus> links = impl_->connectors_.links();
  std::ranges::move(impl_->connections_.incoming_links(), std::back_inserter(links));
  return links;
}

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
