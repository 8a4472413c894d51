#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/amqp/message.h"
#include "core/base/clock.h"
#include "core/base/id.h"
#include "core/base/random.h"
#include "core/base/slice.h"
#include "core/routing/address.h"

namespace van::router {

using PeerId = Id<struct PeerTag>;                      ///< one connection to another router, or of a client
using StreamId = Id<struct StreamTag, std::uint64_t>;   ///< one TCP connection carried by the network, at one of its ends
using ConsumerId = Id<struct ConsumerTag>;              ///< a local provider of an address (an exposure)
using ProducerId = Id<struct ProducerTag>;              ///< a local user of an address (a stand-in)
using EndpointId = Id<struct EndpointTag>;              ///< a local receiver of whole messages

struct ConnectionFacts;  // facts.h
struct LinkFacts;
struct AddressFacts;
struct NodeFacts;
struct Routes;  // routes.h

enum class Mode { interior, edge };
/// By configuration of both ends (control-plane 1.5). client: an application, as on real routers' listeners of role `normal`;
/// always incoming.
enum class PeerRole { inter_router, edge, client };
enum class Direction { outgoing, incoming };  ///< outgoing: we opened the TCP connection

/// What a stand-in tells the provider of its client, in application properties of the stream's head (data-plane 2.1, 2.3). All are
/// the other end's words. A field that is longer than kClientFactBytes is not sent, and not believed.
struct ClientFacts {
  std::string from = {};  ///< the client's address and port: "192.0.2.1:40000", "[2001:db8::1]:40000"; empty: not known, as from real routers
  std::string to = {};    ///< where it connected
  std::string alpn = {};  ///< what TLS between client and stand-in agreed on; empty: nothing. Real routers tell it, and heed it
};
inline constexpr std::size_t kClientFactBytes = 255;

/// What a client may say along with its stream's head: both are one frame for routers with frames of 16 KiB, as real ones have.
inline constexpr std::size_t kFirstOctets = 8 * 1024;

struct Config {
  Mode mode = Mode::edge;
  std::string id;         ///< router id: unique in the network, without '/', not "all"
  std::string site_id;    ///< told to other vanctl sites; real routers ignore it
  std::string site_name;
  Duration idle_timeout = std::chrono::seconds{4};  ///< silence after which a peer is given up; half of it is announced
  std::int32_t instance = 0;  ///< start time, seconds since 1970: must differ at each start (control-plane 3.5)
  std::uint32_t worker = 0;   ///< which of the site's it is: 0 has the control plane, the others get routes()
  std::uint32_t workers = 1;  ///< routers of one interior site, each with a loop of its own (docs/decisions/0004-workers.md)
};

struct PeerConfig {
  PeerRole role = PeerRole::edge;
  Direction direction = Direction::outgoing;
  std::uint32_t cost = 1;       ///< 1 or more; the higher of both ends counts (control-plane 1.6)
  std::string hostname = {};    ///< outgoing: the host asked for
  bool external = true;         ///< TLS with client certificates: SASL EXTERNAL only; else ANONYMOUS, or no SASL at all
  std::string access_id = {};   ///< incoming: what the peer's telemetry calls the place it came in by (vanflow 7, LINK); empty: not told
  bool data = false;            ///< outgoing, inter_router: for streams alone (control-plane 1.9)
  std::string correlator = {};  ///< outgoing, inter_router: the same for all connections of one connector; empty: not told
  std::optional<std::uint32_t> sibling = std::nullopt;  ///< inside the process, to that worker of the same site
};

struct PeerInfo {
  PeerConfig config;
  std::string router_id;   ///< container-id of the peer's open; empty before
  std::string site_id;     ///< empty when the peer is no vanctl
  std::string site_name;   ///< falls back to router_id
  std::string product;     ///< e.g. "skupper-router"
  std::string version;
  std::string access_id;   ///< of the listener that took our connection, as it told us (PeerConfig::access_id)
  std::uint32_t cost = 1;  ///< the effective one
  bool up = false;         ///< interior: confirmed by HELLO. edge role: links attached
  bool standby = false;    ///< edge uplinks: open, but another one is active
  bool data = false;       ///< for streams alone: a control connection beside it makes the neighbour
};

/// Another router that we know of (interior: from link state; edge: the uplink alone).
struct NodeInfo {
  std::string id;
  std::string site_id;
  std::string site_name;  ///< falls back to id
  Mode mode = Mode::interior;
  bool direct = false;
  std::uint32_t hops = 0;
  std::uint32_t cost = 0;
};

struct ProviderInfo {
  std::string node;  ///< router id; our own for local consumers
  std::uint32_t cost = 0;  ///< path and exposure cost together
};
/// An address somebody provides, or that is used here.
struct AddressInfo {
  std::string address;
  bool reachable = false;
  std::vector<ProviderInfo> providers;  ///< edge: local ones, and the uplink when it can reach the address
};

// ---- Events ----
struct PeerUp { PeerId peer; };    ///< never for a client; also for an uplink that stands by (PeerInfo::standby), and again when it becomes active
struct PeerDown { PeerId peer; };  ///< the connection stays: the neighbour may come back, or PeerClosed follows
struct PeerClosed {                ///< close the transport once its output is written; the id is gone
  PeerId peer;
  bool refused = false;  ///< by the peer, in a way that trying again will not mend soon (SASL outcome, policy)
  std::string reason;    ///< words; empty for an orderly end
};
struct ReachabilityChanged { ProducerId producer; bool reachable = false; };
/// A client somewhere wants a consumer of ours: connect to its target, then accept_stream() or refuse_stream().
struct StreamRequested { StreamId stream; ConsumerId consumer; };
struct StreamOpened { StreamId stream; };    ///< ours: the other end is connected
struct StreamReadable { StreamId stream; };  ///< readable() grew, or finished() turned true
struct StreamWritable { StreamId stream; };  ///< writable() was 0 and is not any more
enum class StreamFailure {
  no_provider,  ///< nobody is known that has the address
  refused,      ///< no target could be reached
  reset,        ///< the other end's TCP connection was reset, a real router gave the stream up, or a link broke behind a whole request
  lost,         ///< a link on the way broke
};
struct StreamFailed { StreamId stream; StreamFailure why = StreamFailure::reset; };  ///< the id is gone
/// A data connection that came in is another worker's: take_peer() it, and have that one adopt it.
struct PeerMoves { PeerId peer; std::uint32_t worker = 0; };
/// A whole message for a local endpoint, without router annotations. It counts as accepted.
struct MessageReceived { EndpointId endpoint; amqp::Message message; };
/// The same for a receiver, as it came, unread.
struct DatagramReceived { EndpointId endpoint; Slice message; };

using Event = std::variant<PeerUp, PeerDown, PeerClosed, ReachabilityChanged, StreamRequested, StreamOpened, StreamReadable,
                           StreamWritable, StreamFailed, PeerMoves, MessageReceived, DatagramReceived>;

/// The routing core of one site: speaks AMQP with its peers, takes part in routing (interior) or hangs on an uplink (edge),
/// forwards deliveries, and is the end of TCP streams for local stand-ins and exposures. No I/O: bytes, time and randomness
/// are handed in. Rules: control-plane.md and data-plane.md, cited where they are followed.
class Router {
 public:
  Router(Config config, Rng rng, TimePoint now);
  ~Router();

  // ---- Peers ----
  PeerId add_peer(PeerConfig config, TimePoint now);  ///< the transport is connected (and TLS done)
  void receive(PeerId peer, Slice bytes, TimePoint now);
  /// The transport is gone. Always ends in PeerClosed, unless that was given before.
  void transport_closed(PeerId peer, TimePoint now);
  void close_peer(PeerId peer, TimePoint now);  ///< orderly; PeerClosed follows
  /// The next peer with bytes to write, each once until new output comes; nullopt when there is none.
  std::optional<PeerId> poll_output();
  /// Bytes for a peer's transport; nullptr when it is gone. Consume what was taken, then say so: waiting deliveries go on
  /// when less than limits::kOutputHighWater is left.
  SliceQueue* output(PeerId peer);
  void output_consumed(PeerId peer, TimePoint now);
  [[nodiscard]] const PeerInfo* peer(PeerId peer) const;

  // ---- Workers of one site ----
  /// Whether routes() would say something else than the last time.
  [[nodiscard]] bool routes_changed() const;
  /// The first worker's. O(everything known).
  std::shared_ptr<const Routes> routes();
  void set_routes(std::shared_ptr<const Routes> routes, TimePoint now);  ///< the others'
  /// A peer on its way from one worker's router to another's.
  struct Moving;
  std::shared_ptr<Moving> take_peer(PeerId peer);  ///< for which PeerMoves came; null when it is gone
  PeerId adopt_peer(Moving& moving, TimePoint now);

  // ---- Time and events ----
  void handle_deadline(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;
  std::optional<Event> poll_event();

  // ---- Local addresses ----
  /// Provides `address` here. `cost`: requests go elsewhere once more are in flight here than the difference in cost.
  ConsumerId add_consumer(std::string_view address, std::uint32_t cost, TimePoint now);
  /// Running streams may finish; new requests go elsewhere.
  void remove_consumer(ConsumerId consumer, TimePoint now);
  /// Uses `address` from here; ReachabilityChanged tells when somebody provides it. Endpoints of our own do not count.
  ProducerId add_producer(std::string_view address, TimePoint now);
  void remove_producer(ProducerId producer, TimePoint now);
  [[nodiscard]] bool reachable(ProducerId producer) const;

  // ---- Messages of the site itself (management, telemetry) ----
  /// Takes whole messages to `address`, a mobile address, which the network is told. `treatment`: nullopt for that of the
  /// standard rules (multicast below "mc/").
  EndpointId add_endpoint(const std::string& address, std::optional<routing::Treatment> treatment, TimePoint now);
  /// Takes those to `name` below our own prefix, `_topo/0/<id>/<name>` or `_edge/<id>/<name>`. The network is not told. Names
  /// that begin with "temp." are those of streams.
  EndpointId add_local_endpoint(const std::string& name, TimePoint now);
  void remove_endpoint(EndpointId endpoint, TimePoint now);
  /// Sends a message to its properties' `to`, settled: what finds nobody, or no room on the way, is dropped. False when nobody
  /// is known here that takes it.
  bool send_message(amqp::Message message, TimePoint now);

  // ---- Datagrams and events: messages as they are, settled ----
  /// Provides `address` for messages, which come as DatagramReceived; producers see it as reachable. `cost` as of a consumer, with
  /// load() in the place of what is in flight.
  EndpointId add_receiver(const std::string& address, std::uint32_t cost, TimePoint now);
  /// One below our own prefix, under a new name that begins with `prefix`.
  struct LocalReceiver {
    EndpointId endpoint;
    std::string address;  ///< for others to write to
  };
  LocalReceiver add_local_receiver(std::string_view prefix, TimePoint now);
  void set_load(EndpointId receiver, std::uint32_t load);
  enum class Sent {
    yes,      ///< or to some of many receivers
    no_room,  ///< too much waits for the way there: dropped
    nobody,   ///< nobody is known here that takes it
  };
  /// Whether little waits on all ways that a message to `to` would go now: who has many should wait a moment.
  [[nodiscard]] bool room_for(const std::string& to);
  /// `message`: without router annotations.
  Sent send_datagram(const std::string& to, Slice message, TimePoint now);
  [[nodiscard]] std::string local_address(const std::string& name) const;  ///< of one of our own, for others to write to

  // ---- Streams (data-plane 2 and 3) ----
  /// Asks for a TCP connection to a provider of the producer's address. StreamOpened or StreamFailed follows. `first` is what the
  /// client has said already, at most kFirstOctets. It goes along with the question and saves a round trip, as does what is written
  /// before the answer, unless a provider may be a real router: then both wait for it (docs/protocol.md, "Early octets").
  /// `one_request`: `first` is all that the client says, and its direction ends when the answer has (finish_stream() as ever: it may be
  /// told sooner). Between routers of ours the question is then one complete message, which its sender can still take back.
  StreamId open_stream(ProducerId producer, TimePoint now, Slice first = {}, ClientFacts client = {}, bool one_request = false);
  [[nodiscard]] ClientFacts client_of(StreamId stream) const;  ///< of a requested one; empty when the id is gone
  /// The target is connected: the reply stream begins. `first` is what the server has said already, at most kFirstOctets, and with
  /// `last` all that it says: the answer is then one complete message.
  bool accept_stream(StreamId stream, TimePoint now, Slice first = {}, bool last = false);
  bool refuse_stream(StreamId stream, TimePoint now);  ///< it is not: the other end's client is closed at once; the id is gone
  /// Octets that write() should take now: what is left of the end-to-end window, and a little more. At 0 StreamWritable will follow.
  [[nodiscard]] std::size_t writable(StreamId stream);
  bool write(StreamId stream, Slice octets, TimePoint now);
  bool finish(StreamId stream, TimePoint now);  ///< FIN of our direction
  bool reset(StreamId stream, TimePoint now);   ///< our TCP connection died: both directions end; the id is gone
  /// Octets that came for our TCP socket, of a requested stream also before it is accepted; nullptr when the id is gone. Consume what the socket took and say how much: it
  /// opens the sender's window.
  SliceQueue* readable(StreamId stream);
  void octets_taken(StreamId stream, std::size_t count, TimePoint now);
  /// The other end's FIN has come and readable() is drained: shut the socket's write side down, then fin_passed_on(). When both
  /// directions have ended the id is gone.
  [[nodiscard]] bool finished(StreamId stream) const;
  void fin_passed_on(StreamId stream, TimePoint now);

  // ---- Looking ----
  [[nodiscard]] std::vector<NodeInfo> nodes() const;  ///< without ourselves
  [[nodiscard]] std::vector<AddressInfo> addresses() const;  ///< mobile ones of applications, sorted
  struct Counters {
    std::uint64_t deliveries_forwarded = 0, deliveries_released = 0, streams_opened = 0, streams_failed = 0;
    std::uint64_t messages_dropped = 0;  ///< settled ones, where too much waited for a link
  };
  [[nodiscard]] Counters counters() const;
  /// What is kept in memory, counted. O(links).
  struct Held {
    std::size_t peers = 0, links = 0, deliveries = 0, streams = 0, events = 0;
    std::size_t pending_bytes = 0;     ///< of deliveries under way, all peers
    std::size_t queued = 0;            ///< copies that wait on a link
    std::size_t output_bytes = 0;      ///< waiting for sockets, all peers
    std::size_t output_bytes_max = 0;  ///< the same of the peer that has most
    std::size_t nodes = 0, node_links = 0, remote_addresses = 0;  ///< link-state database
  };
  [[nodiscard]] Held held() const;
  /// Asserts what must hold between any two calls. For tests: O(everything known).
  void check_invariants() const;

  // ---- Looking closely, for management (facts.h) ----
  [[nodiscard]] const Config& config() const;
  [[nodiscard]] std::vector<ConnectionFacts> connection_facts() const;
  [[nodiscard]] std::vector<LinkFacts> link_facts() const;
  [[nodiscard]] std::vector<AddressFacts> address_facts() const;  ///< all classes, by key
  /// Interior: ourselves, then the others that can be reached, by id. Edge: none, as a real edge says.
  [[nodiscard]] std::vector<NodeFacts> node_facts() const;
  /// Routers whose messages to `id` may come through us (control-plane 3.6). Costs the trees of all routers, once after each
  /// change of the topology.
  [[nodiscard]] std::vector<std::string> valid_origins(const std::string& id) const;
  [[nodiscard]] std::optional<TimePoint> topology_changed_at() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::router
