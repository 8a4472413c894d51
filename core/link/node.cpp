#include "core/link/node.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "core/link/log.h"

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

template <class Id, class Handler>
Handler* handler_of(const std::unordered_map<Id, Handler*>& handlers, Id id) {
  const auto found = handlers.find(id);
  return found == handlers.end() ? nullptr : found->second;
}

}  // namespace

Node::Node(io::Loop& loop, router::Config config, Rng rng, spdlog::logger& log, NodeObserver* observer)
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
      listeners_{loop, connections_},
      siblings_{loop, router_, connections_} {}

Node::~Node() = default;

// ---- The pump: events, then output, then the timer ----

void Node::pump() {
  dispatch();
  tell_observer();
  for (const Connections::Held& gone : connections_.take_finished()) listeners_.count_gone(gone);
  siblings_.share_routes();
  timer_.arm_at(router_.next_deadline());
}

void Node::dispatch() {
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

bool Node::batched(std::size_t octets) {
  unpumped_ += octets;
  if (unpumped_ < kBatchBytes) return false;
  unpumped_ = 0;
  return true;
}

bool Node::flush_outputs() {
  bool any = false;
  while (const auto peer = router_.poll_output()) {
    any = true;
    if (PeerConnection* connection = connections_.of_peer(*peer)) connection->flush();
  }
  return any;
}

void Node::tell_observer() {
  const std::vector<ConnectorId> changed = connectors_.take_changed();
  if (observer_ == nullptr) return;
  for (const ConnectorId id : changed) {
    if (const auto status = connectors_.status(id)) observer_->on_link_changed(*status);
  }
}

void Node::handle_deadline() {
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

void Node::network_changed(std::string_view why) {
  log_.debug("looking at all links why=\"{}\"", why);
  connections_.abandon_stranded();
  connectors_.retry_now();
}

// ---- What connections say ----

void Node::router_fed(std::size_t octets) {
  pump_.schedule();
  if (batched(octets)) dispatch();
}

void Node::connection_over(PeerConnection& connection, const std::string& reason, bool refused) {
  if (connection.peer()) connections_.forget_peer(connection.peer());
  const ConnectorId connector = std::exchange(connections_.held(connection).connector, {});
  if (connector) connectors_.failed(connector, reason, refused);
  else log_.debug("incoming connection ended from={} why=\"{}\"", connection.remote(), reason);
  connections_.discard(connection);
}

// ---- What the router says of its peers ----

void Node::handle(const router::PeerUp& up) {
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

void Node::handle(const router::PeerDown& down) {
  Connections::Held* held = connections_.held(down.peer);
  if (held == nullptr) return;
  held->since = io::Loop::now();
  if (held->connector) connectors_.fell_silent(held->connector);
}

void Node::handle(const router::PeerClosed& closed) {
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

// ---- What it says to the users of this node ----

void Node::handle(const router::ReachabilityChanged& change) {
  if (ProducerHandler* handler = handler_of(producers_, change.producer)) handler->on_reachability(change.reachable);
}

void Node::handle(const router::StreamRequested& request) {
  if (ConsumerHandler* handler = handler_of(consumers_, request.consumer)) handler->on_stream_requested(request.stream);
  else router_.refuse_stream(request.stream, io::Loop::now());
}

void Node::handle(const router::StreamOpened& opened) {
  if (StreamHandler* handler = handler_of(streams_, opened.stream)) handler->on_stream_opened();
}

void Node::handle(const router::StreamReadable& readable) {
  if (StreamHandler* handler = handler_of(streams_, readable.stream)) handler->on_stream_readable();
}

void Node::handle(const router::StreamWritable& writable) {
  if (StreamHandler* handler = handler_of(streams_, writable.stream)) handler->on_stream_writable();
}

void Node::handle(const router::StreamFailed& failure) {
  StreamHandler* handler = handler_of(streams_, failure.stream);
  if (handler == nullptr) return;
  streams_.erase(failure.stream);
  handler->on_stream_failed(failure.why);
}

void Node::handle(router::MessageReceived& received) {
  if (MessageHandler* handler = handler_of(endpoints_, received.endpoint)) handler->on_message(std::move(received.message));
}

void Node::handle(const router::DatagramReceived& received) {
  if (DatagramHandler* handler = handler_of(receivers_, received.endpoint)) handler->on_message(received.endpoint, received.message);
}

// ---- Links ----

ConnectorId Node::add_connector(ConnectorConfig config) { return connectors_.add(std::move(config)); }
void Node::remove_connector(ConnectorId connector) { connectors_.remove(connector); }

Expected<ListenerId, io::Error> Node::add_listener(ListenerConfig config) {
  const router::PeerRole role = config.role;
  const auto listener = listeners_.add(std::move(config));
  if (listener) log_.info("listening address={} role={}", listeners_.address(*listener), role_name(role));
  return listener;
}

void Node::remove_listener(ListenerId listener) { listeners_.remove(listener); }
std::uint16_t Node::port(ListenerId listener) const { return listeners_.port(listener); }
ListenerId Node::add_client_port() { return listeners_.add_client_port(); }
void Node::take_client(ListenerId port, std::unique_ptr<io::Stream> stream) { listeners_.accept(port, std::move(stream)); }
ClientCounts Node::clients(ListenerId port) const { return listeners_.clients(port); }

std::vector<LinkStatus> Node::links() const {
  std::vector<LinkStatus> links = connectors_.links();
  std::ranges::move(connections_.incoming_links(), std::back_inserter(links));
  return links;
}

// ---- Workers of one site ----

void Node::share_with(Colleagues& colleagues) {
  siblings_.share_with(colleagues);
  pump_.schedule();
}

void Node::add_sibling(std::unique_ptr<io::Stream> stream, std::uint32_t worker, router::Direction direction) {
  siblings_.add(std::move(stream), worker, direction);
}

void Node::adopt(MovingConnection& connection) {
  const auto adopted = siblings_.adopt(connection);
  if (!adopted) log_.warn("a connection was lost on its way to a worker why=\"{}\"", adopted.error().message);
}

void Node::set_routes(std::shared_ptr<const router::Routes> routes) { commanded().set_routes(std::move(routes), io::Loop::now()); }

// ---- Local addresses ----

router::ConsumerId Node::add_consumer(std::string address, std::uint32_t cost, ConsumerHandler& handler) {
  const router::ConsumerId id = commanded().add_consumer(std::move(address), cost, io::Loop::now());
  consumers_[id] = &handler;
  return id;
}

void Node::remove_consumer(router::ConsumerId consumer) {
  consumers_.erase(consumer);
  commanded().remove_consumer(consumer, io::Loop::now());
}

router::ProducerId Node::add_producer(std::string address, ProducerHandler& handler) {
  const router::ProducerId id = commanded().add_producer(std::move(address), io::Loop::now());
  producers_[id] = &handler;
  return id;
}

void Node::remove_producer(router::ProducerId producer) {
  producers_.erase(producer);
  commanded().remove_producer(producer, io::Loop::now());
}

bool Node::reachable(router::ProducerId producer) const { return router_.reachable(producer); }

router::EndpointId Node::add_endpoint(const std::string& address, std::optional<routing::Treatment> treatment, MessageHandler& handler) {
  const router::EndpointId id = commanded().add_endpoint(address, treatment, io::Loop::now());
  endpoints_[id] = &handler;
  return id;
}

router::EndpointId Node::add_local_endpoint(const std::string& name, MessageHandler& handler) {
  const router::EndpointId id = commanded().add_local_endpoint(name, io::Loop::now());
  endpoints_[id] = &handler;
  return id;
}

router::EndpointId Node::add_receiver(const std::string& address, std::uint32_t cost, DatagramHandler& handler) {
  const router::EndpointId id = commanded().add_receiver(address, cost, io::Loop::now());
  receivers_[id] = &handler;
  return id;
}

router::Router::LocalReceiver Node::add_local_receiver(std::string_view prefix, DatagramHandler& handler) {
  auto receiver = commanded().add_local_receiver(prefix, io::Loop::now());
  receivers_[receiver.endpoint] = &handler;
  return receiver;
}

void Node::remove_endpoint(router::EndpointId endpoint) {
  endpoints_.erase(endpoint);
  receivers_.erase(endpoint);
  commanded().remove_endpoint(endpoint, io::Loop::now());
}

void Node::set_load(router::EndpointId receiver, std::uint32_t load) { router_.set_load(receiver, load); }
std::string Node::local_address(const std::string& name) const { return router_.local_address(name); }

// ---- Messages and datagrams ----

bool Node::send_message(amqp::Message message) { return commanded().send_message(std::move(message), io::Loop::now()); }
bool Node::room_for(const std::string& to) { return router_.room_for(to); }

router::Router::Sent Node::send_datagram(const std::string& to, Slice message) {
  const bool much = batched(message.size());
  const auto sent = commanded().send_datagram(to, std::move(message), io::Loop::now());
  if (much) flush_outputs();
  return sent;
}

// ---- Streams ----

router::StreamId Node::open_stream(router::ProducerId producer, StreamHandler& handler, Slice first, router::ClientFacts client, bool one_request) {
  const router::StreamId id = commanded().open_stream(producer, io::Loop::now(), std::move(first), std::move(client), one_request);
  streams_[id] = &handler;
  return id;
}

void Node::attach_stream(router::StreamId stream, StreamHandler& handler) { streams_[stream] = &handler; }
void Node::release_stream(router::StreamId stream) { streams_.erase(stream); }

router::ClientFacts Node::client_of(router::StreamId stream) const { return router_.client_of(stream); }
bool Node::accept_stream(router::StreamId stream, Slice first, bool last) {
  return commanded().accept_stream(stream, io::Loop::now(), std::move(first), last);
}
bool Node::refuse_stream(router::StreamId stream) { return commanded().refuse_stream(stream, io::Loop::now()); }

std::size_t Node::writable(router::StreamId stream) { return router_.writable(stream); }
bool Node::write(router::StreamId stream, Slice octets) {
  const bool much = batched(octets.size());
  const bool done = commanded().write(stream, std::move(octets), io::Loop::now());
  if (much) flush_outputs();
  return done;
}
bool Node::finish(router::StreamId stream) { return commanded().finish(stream, io::Loop::now()); }
bool Node::reset(router::StreamId stream) { return commanded().reset(stream, io::Loop::now()); }

SliceQueue* Node::readable(router::StreamId stream) { return router_.readable(stream); }
void Node::octets_taken(router::StreamId stream, std::size_t count) { commanded().octets_taken(stream, count, io::Loop::now()); }
bool Node::finished(router::StreamId stream) const { return router_.finished(stream); }
void Node::fin_passed_on(router::StreamId stream) { commanded().fin_passed_on(stream, io::Loop::now()); }

}  // namespace van::link
