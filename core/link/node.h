#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <spdlog/fwd.h>

#include "core/base/clock.h"
#include "core/base/expected.h"
#include "core/base/random.h"
#include "core/io/deferred.h"
#include "core/io/error.h"
#include "core/io/loop.h"
#include "core/io/network_monitor.h"
#include "core/io/stream.h"
#include "core/io/timer.h"
#include "core/io/worker.h"
#include "core/link/connections.h"
#include "core/link/connectors.h"
#include "core/link/link_status.h"
#include "core/link/listeners.h"
#include "core/link/siblings.h"
#include "core/router/router.h"

namespace van::link {

/// The end of a stream on a local TCP connection. Called on the loop, never from inside a Node call of the same stream's
/// owner. The owner detaches itself (Node::release_stream) before it goes.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  virtual void on_stream_opened() = 0;
  virtual void on_stream_readable() = 0;
  virtual void on_stream_writable() = 0;
  virtual void on_stream_failed(router::StreamFailure why) = 0;  ///< the id is gone
};
class ConsumerHandler {
 public:
  virtual ~ConsumerHandler() = default;
  virtual void on_stream_requested(router::StreamId stream) = 0;
};
class ProducerHandler {
 public:
  virtual ~ProducerHandler() = default;
  virtual void on_reachability(bool reachable) = 0;
};
/// Takes the messages for an endpoint of the site itself.
class MessageHandler {
 public:
  virtual ~MessageHandler() = default;
  virtual void on_message(amqp::Message message) = 0;
};
/// The same for messages as they are, unread: datagrams and events.
class DatagramHandler {
 public:
  virtual ~DatagramHandler() = default;
  virtual void on_message(router::EndpointId receiver, const Slice& message) = 0;
};
/// What the owner of a Node may want to log or wait for: links going up and down.
class NodeObserver {
 public:
  virtual ~NodeObserver() = default;
  virtual void on_link_changed(const LinkStatus& status) = 0;
};

/// A site's presence in the network: the routing core with its connections, on one loop. Owns connectors (reconnecting with
/// exponential back-off and full jitter), listeners and the router; turns router events into calls of the handlers above.
/// Everything happens on the loop's thread. Handlers and observer must outlive their registration.
class Node final : private PeerConnection::Owner {
 public:
  Node(io::Loop& loop, router::Config config, Rng rng, spdlog::logger& log, NodeObserver* observer = nullptr);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() override;

  ConnectorId add_connector(ConnectorConfig config);
  void remove_connector(ConnectorId connector);  ///< closes its connection
  Expected<ListenerId, io::Error> add_listener(ListenerConfig config);
  void remove_listener(ListenerId listener);  ///< closes what came in through it, too
  [[nodiscard]] std::uint16_t port(ListenerId listener) const;

  /// A place where applications come in that speak AMQP themselves; remove_listener() ends it and them.
  ListenerId add_client_port();
  /// A connection that came in there. At most limits::kClients of them are open at once; more are closed.
  void take_client(ListenerId port, std::unique_ptr<io::Stream> stream);
  [[nodiscard]] ClientCounts clients(ListenerId port) const;

  // ---- Workers of one site ----
  void share_with(Colleagues& colleagues);  ///< the first one's, which `colleagues` must outlive
  /// One end of a connection to another one of the site.
  void add_sibling(std::unique_ptr<io::Stream> stream, std::uint32_t worker, router::Direction direction);
  void adopt(MovingConnection& connection);
  void set_routes(std::shared_ptr<const router::Routes> routes);

  [[nodiscard]] std::vector<LinkStatus> links() const;  ///< to other sites, without data connections; clients are none
  [[nodiscard]] const router::Router& router() const { return router_; }
  /// Computes the handshakes of the links, and of others that use TLS on this loop.
  [[nodiscard]] io::Worker& handshakes() { return handshakes_; }

  router::ConsumerId add_consumer(std::string address, std::uint32_t cost, ConsumerHandler& handler);
  void remove_consumer(router::ConsumerId consumer);
  router::ProducerId add_producer(std::string address, ProducerHandler& handler);
  void remove_producer(router::ProducerId producer);
  [[nodiscard]] bool reachable(router::ProducerId producer) const;

  /// As Router's. What came before an endpoint was removed and was not handed over by then is dropped.
  router::EndpointId add_endpoint(const std::string& address, std::optional<routing::Treatment> treatment, MessageHandler& handler);
  router::EndpointId add_local_endpoint(const std::string& name, MessageHandler& handler);
  void remove_endpoint(router::EndpointId endpoint);  ///< of receivers, too

  /// As Router's.
  router::EndpointId add_receiver(const std::string& address, std::uint32_t cost, DatagramHandler& handler);
  router::Router::LocalReceiver add_local_receiver(std::string_view prefix, DatagramHandler& handler);
  void set_load(router::EndpointId receiver, std::uint32_t load);
  router::Router::Sent send_datagram(const std::string& to, Slice message);
  [[nodiscard]] bool room_for(const std::string& to);

  bool send_message(amqp::Message message);
  [[nodiscard]] std::string local_address(const std::string& name) const;

  /// As Router's, with the handler that hears of the stream from then on.
  router::StreamId open_stream(router::ProducerId producer, StreamHandler& handler, Slice first = {}, router::ClientFacts client = {}, bool one_request = false);
  [[nodiscard]] router::ClientFacts client_of(router::StreamId stream) const;
  void attach_stream(router::StreamId stream, StreamHandler& handler);  ///< for a requested one
  bool accept_stream(router::StreamId stream, Slice first = {}, bool last = false);
  bool refuse_stream(router::StreamId stream);
  [[nodiscard]] std::size_t writable(router::StreamId stream);
  bool write(router::StreamId stream, Slice octets);
  bool finish(router::StreamId stream);
  bool reset(router::StreamId stream);
  SliceQueue* readable(router::StreamId stream);
  void octets_taken(router::StreamId stream, std::size_t count);
  [[nodiscard]] bool finished(router::StreamId stream) const;
  void fin_passed_on(router::StreamId stream);
  void release_stream(router::StreamId stream);  ///< forget the handler

 private:
  void connection_ready(PeerConnection& connection) override { connections_.ready(connection); }
  void router_touched() override { pump_.schedule(); }
  void router_fed(std::size_t octets) override;
  void connection_over(PeerConnection& connection, const std::string& reason, bool refused) override;

  void pump();
  void dispatch();
  bool flush_outputs();  ///< whether there was any
  /// Whether so much has come in this turn of the loop that it is better passed on while the processor's caches have it.
  bool batched(std::size_t octets);
  void tell_observer();
  void handle_deadline();
  /// Who waits to dial need not wait any longer, and what stands on an address that is gone ends now.
  void network_changed(std::string_view why);

  void handle(const router::PeerUp& up);
  void handle(const router::PeerDown& down);
  void handle(const router::PeerClosed& closed);
  void handle(const router::PeerMoves& moves) { siblings_.hand_over(moves); }
  void handle(const router::ReachabilityChanged& change);
  void handle(const router::StreamRequested& request);
  void handle(const router::StreamOpened& opened);
  void handle(const router::StreamReadable& readable);
  void handle(const router::StreamWritable& writable);
  void handle(const router::StreamFailed& failure);
  void handle(router::MessageReceived& received);
  void handle(const router::DatagramReceived& received);

  /// For a command: at the end of the turn the pump looks at what follows from it.
  router::Router& commanded() {
    pump_.schedule();
    return router_;
  }

  spdlog::logger& log_;
  NodeObserver* observer_;
  Rng rng_;
  router::Router router_;
  io::Deferred pump_;
  io::Deferred due_;  ///< the router's deadline
  io::Timer timer_;   ///< for it
  std::size_t unpumped_ = 0;  ///< octets that have come since the last dispatch()
  io::Worker handshakes_;
  io::NetworkMonitor monitor_;
  TimePoint steady_ = io::Loop::now();
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

}  // namespace van::link
