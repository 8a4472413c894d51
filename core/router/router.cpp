#include "core/router/router.h"

#include <utility>

#include "core/base/assert.h"
#include "core/router/fact_finding.h"
#include "core/router/overview.h"
#include "core/router/router_impl.h"

namespace van::router {

Router::Router(Config config, Rng rng, TimePoint now) : impl_{std::make_unique<Impl>(std::move(config), rng, now)} {}
Router::~Router() = default;

PeerId Router::add_peer(PeerConfig config, TimePoint now) {
  impl_->core_.now = now;
  const PeerId id = impl_->add_peer(std::move(config));
  impl_->settle();
  return id;
}

void Router::receive(PeerId peer, Slice bytes, TimePoint now) {
  impl_->core_.now = now;
  Peer* found = impl_->core_.peer(peer);
  if (found == nullptr) return;
  found->connection.receive(std::move(bytes), now);
  impl_->core_.touch(*found);
  impl_->settle();
}

void Router::transport_closed(PeerId peer, TimePoint now) {
  impl_->core_.now = now;
  impl_->closing_.erase(peer);
  Peer* found = impl_->core_.peer(peer);
  if (found == nullptr) return;
  found->moves = false;
  found->connection.transport_closed(now);
  impl_->core_.touch(*found);
  impl_->settle();
}

void Router::close_peer(PeerId peer, TimePoint now) {
  impl_->core_.now = now;
  impl_->close_peer(peer);
  impl_->settle();
}

std::optional<PeerId> Router::poll_output() {
  while (!impl_->core_.outputs.empty()) {
    const PeerId id = impl_->core_.outputs.front();
    impl_->core_.outputs.pop_front();
    if (Peer* peer = impl_->core_.peer(id)) peer->output_listed = false;
    const SliceQueue* queue = output(id);
    if (queue != nullptr && !queue->empty()) return id;
  }
  return std::nullopt;
}

SliceQueue* Router::output(PeerId peer) {
  if (Peer* found = impl_->core_.peer(peer)) return &found->connection.output();
  const auto closing = impl_->closing_.find(peer);
  return closing == impl_->closing_.end() ? nullptr : &closing->second;
}

void Router::output_consumed(PeerId peer, TimePoint now) {
  impl_->core_.now = now;
  Peer* found = impl_->core_.peer(peer);
  if (found == nullptr || found->ready.empty()) return;
  impl_->forwarder_.outbox().output_drained(*found);
  impl_->settle();
}

const PeerInfo* Router::peer(PeerId peer) const {
  const Peer* found = impl_->core_.peer(peer);
  return found == nullptr ? nullptr : &found->info;
}

bool Router::routes_changed() const { return impl_->addresses_.routes_changed(); }
std::shared_ptr<const Routes> Router::routes() { return impl_->addresses_.routes(); }

void Router::set_routes(std::shared_ptr<const Routes> routes, TimePoint now) {
  impl_->core_.now = now;
  VAN_ASSERT(!impl_->plane_ && routes != nullptr && routes->paths != nullptr);
  impl_->addresses_.set_routes(std::move(routes));
  impl_->settle();
}

struct Router::Moving {
  std::unique_ptr<Peer> peer;
};

std::shared_ptr<Router::Moving> Router::take_peer(PeerId id) {
  const auto found = impl_->core_.peers.find(id);
  if (found == impl_->core_.peers.end()) return nullptr;
  VAN_ASSERT(found->second->moves);
  auto moving = std::make_shared<Moving>(Moving{std::move(found->second)});
  impl_->core_.peers.erase(found);
  return moving;
}

PeerId Router::adopt_peer(Moving& moving, TimePoint now) {
  impl_->core_.now = now;
  const PeerId id = impl_->adopt_peer(std::move(moving.peer));
  impl_->settle();
  return id;
}

void Router::handle_deadline(TimePoint now) {
  impl_->core_.now = now;
  impl_->handle_deadline();
  impl_->settle();
}

TimePoint Router::next_deadline() const { return impl_->next_deadline(); }

std::optional<Event> Router::poll_event() {
  auto& events = impl_->core_.events;
  if (events.empty()) return std::nullopt;
  Event event = std::move(events.front());
  events.pop_front();
  return event;
}

ConsumerId Router::add_consumer(std::string_view address, std::uint32_t cost, TimePoint now) {
  impl_->core_.now = now;
  const ConsumerId id = impl_->addresses_.add_consumer(address, cost);
  impl_->settle();
  return id;
}

void Router::remove_consumer(ConsumerId consumer, TimePoint now) {
  impl_->core_.now = now;
  impl_->addresses_.remove_consumer(consumer);
  impl_->settle();
}

ProducerId Router::add_producer(std::string_view address, TimePoint now) {
  impl_->core_.now = now;
  const ProducerId id = impl_->addresses_.add_producer(address);
  impl_->settle();
  return id;
}

void Router::remove_producer(ProducerId producer, TimePoint now) {
  impl_->core_.now = now;
  impl_->addresses_.remove_producer(producer);
  impl_->settle();
}

bool Router::reachable(ProducerId producer) const {
  const Addresses::Producer* found = impl_->addresses_.producer(producer);
  return found != nullptr && found->reachable;
}

ClientFacts Router::client_of(StreamId stream) const { return impl_->streams_.client_of(stream); }

StreamId Router::open_stream(ProducerId producer, TimePoint now, Slice first, ClientFacts client, bool one_request) {
  impl_->core_.now = now;
  const Addresses::Producer* found = impl_->addresses_.producer(producer);
  VAN_ASSERT(found != nullptr);
  const StreamId id = impl_->streams_.open(found->key, std::move(first), std::move(client), one_request);
  impl_->settle();
  return id;
}

bool Router::accept_stream(StreamId stream, TimePoint now, Slice first, bool last) {
  VAN_ASSERT(first.size() <= kFirstOctets);
  impl_->core_.now = now;
  const bool done = impl_->streams_.accept(stream, first, last);
  impl_->settle();
  return done;
}

bool Router::refuse_stream(StreamId stream, TimePoint now) {
  impl_->core_.now = now;
  const bool done = impl_->streams_.refuse(stream);
  impl_->settle();
  return done;
}

std::size_t Router::writable(StreamId stream) { return impl_->streams_.writable(stream); }

bool Router::write(StreamId stream, Slice octets, TimePoint now) {
  impl_->core_.now = now;
  const bool done = impl_->streams_.write(stream, std::move(octets));
  impl_->settle();
  return done;
}

bool Router::finish(StreamId stream, TimePoint now) {
  impl_->core_.now = now;
  const bool done = impl_->streams_.finish(stream);
  impl_->settle();
  return done;
}

bool Router::reset(StreamId stream, TimePoint now) {
  impl_->core_.now = now;
  const bool done = impl_->streams_.reset(stream);
  impl_->settle();
  return done;
}

SliceQueue* Router::readable(StreamId stream) { return impl_->streams_.readable(stream); }

void Router::octets_taken(StreamId stream, std::size_t count, TimePoint now) {
  impl_->core_.now = now;
  impl_->streams_.octets_taken(stream, count);
  impl_->settle();
}

bool Router::finished(StreamId stream) const { return impl_->streams_.finished(stream); }

void Router::fin_passed_on(StreamId stream, TimePoint now) {
  impl_->core_.now = now;
  impl_->streams_.fin_passed_on(stream);
  impl_->settle();
}

EndpointId Router::add_endpoint(const std::string& address, std::optional<routing::Treatment> treatment, TimePoint now) {
  impl_->core_.now = now;
  const auto key = routing::AddressKey::mobile(address);
  VAN_ASSERT(key.has_value());
  const EndpointId id = impl_->addresses_.add_endpoint({.key = *key}, treatment);
  impl_->settle();
  return id;
}

EndpointId Router::add_local_endpoint(const std::string& name, TimePoint now) {
  impl_->core_.now = now;
  const auto key = routing::classify("_local/" + name, {.id = impl_->core_.config.id, .mode = routing::RouterMode::interior});
  VAN_ASSERT(key.has_value() && !name.starts_with("temp."));
  const EndpointId id = impl_->addresses_.add_endpoint({.key = *key});
  impl_->settle();
  return id;
}

void Router::remove_endpoint(EndpointId endpoint, TimePoint now) {
  impl_->core_.now = now;
  impl_->addresses_.remove_endpoint(endpoint);
  impl_->settle();
}

bool Router::send_message(amqp::Message message, TimePoint now) {
  impl_->core_.now = now;
  VAN_ASSERT(message.properties && message.properties->to);
  message.annotations.reset();
  const std::string to = *message.properties->to;
  const bool known = impl_->forwarder_.originate_message(to, message.priority.value_or(4), amqp::encode_message(message));
  impl_->settle();
  return known;
}

EndpointId Router::add_receiver(const std::string& address, std::uint32_t cost, TimePoint now) {
  impl_->core_.now = now;
  const auto key = routing::AddressKey::mobile(address);
  VAN_ASSERT(key.has_value());
  const EndpointId id = impl_->addresses_.add_endpoint({.key = *key, .cost = cost, .service = true, .raw = true});
  impl_->settle();
  return id;
}

Router::LocalReceiver Router::add_local_receiver(std::string_view prefix, TimePoint now) {
  impl_->core_.now = now;
  const std::string name = std::string{prefix} + "." + impl_->core_.rng.discriminator();
  const auto key = routing::classify("_local/" + name, {.id = impl_->core_.config.id, .mode = routing::RouterMode::interior});
  VAN_ASSERT(key.has_value() && !name.starts_with("temp."));
  const EndpointId id = impl_->addresses_.add_endpoint({.key = *key, .raw = true});
  impl_->settle();
  return {id, local_address(name)};
}

void Router::set_load(EndpointId receiver, std::uint32_t load) {
  if (Addresses::Endpoint* found = impl_->addresses_.endpoint(receiver)) found->load = load;
}

bool Router::room_for(const std::string& to) { return impl_->forwarder_.room_for(to); }

Router::Sent Router::send_datagram(const std::string& to, Slice message, TimePoint now) {
  impl_->core_.now = now;
  const Sent sent = impl_->forwarder_.originate_datagram(to, std::move(message));
  impl_->settle();
  return sent;
}

std::string Router::local_address(const std::string& name) const {
  return (impl_->core_.edge() ? "amqp:/_edge/" : "amqp:/_topo/0/") + impl_->core_.config.id + "/" + name;
}

std::vector<NodeInfo> Router::nodes() const { return known_nodes(impl_->core_, impl_->plane()); }
std::vector<AddressInfo> Router::addresses() const { return known_addresses(impl_->core_, impl_->addresses_, impl_->plane()); }
Router::Counters Router::counters() const { return impl_->core_.counters; }

const Config& Router::config() const { return impl_->core_.config; }
std::vector<ConnectionFacts> Router::connection_facts() const { return connections_of(impl_->core_); }
std::vector<LinkFacts> Router::link_facts() const { return links_of(impl_->core_); }
std::vector<AddressFacts> Router::address_facts() const { return addresses_of(impl_->core_, impl_->addresses_, impl_->plane()); }
std::vector<NodeFacts> Router::node_facts() const { return nodes_of(impl_->core_, impl_->plane()); }
std::vector<std::string> Router::valid_origins(const std::string& id) const {
  return impl_->plane_ ? impl_->plane_->valid_origins(id) : std::vector<std::string>{};
}
std::optional<TimePoint> Router::topology_changed_at() const {
  return impl_->plane_ ? impl_->plane_->topology_changed_at() : std::nullopt;
}

void Router::check_invariants() const {
  if (impl_->plane_) impl_->plane_->check_invariants();
  for (const auto& [name, group] : impl_->core_.data_connections) {
    for (const PeerId id : group) VAN_ASSERT(impl_->core_.peer(id) != nullptr && impl_->core_.peer(id)->data_connection);
  }
  for (const auto& [id, peer] : impl_->core_.peers) peer->connection.check_invariants();
}

Router::Held Router::held() const {
  Held held = held_by(impl_->core_, impl_->plane());
  held.deliveries = impl_->forwarder_.deliveries();
  held.streams = impl_->streams_.count();
  return held;
}

}  // namespace van::router
