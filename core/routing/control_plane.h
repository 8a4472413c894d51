#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/routing/address.h"
#include "core/routing/link_states.h"
#include "core/routing/local_addresses.h"
#include "core/routing/messages.h"
#include "core/routing/neighbours.h"
#include "core/routing/paths.h"
#include "core/routing/remote_addresses.h"

namespace van::routing {

/// Control-plane 3.3 to 3.7; the values are those of real routers.
struct Timings {
  Duration hello_interval =
      std::chrono::seconds{1};  ///< also the tick, and the least time between two changes of own state
  Duration hello_max_age = std::chrono::seconds{3};
  Duration ra_interval = std::chrono::seconds{30};
  Duration ra_interval_flux = std::chrono::seconds{4};
  Duration flux = std::chrono::seconds{8};
  Duration remote_ls_max_age = std::chrono::seconds{60};
  Duration unreachable_holdoff = std::chrono::seconds{1};
  Duration mobile_collect = std::chrono::seconds{1};
  Duration refresh_interval = std::chrono::seconds{5};  ///< one router after the other is asked for all it said, one each interval
};

struct ControlPlaneConfig {
  std::string id = {};        ///< valid_router_id()
  std::int64_t instance = 1;  ///< differs at each start of the router: seconds since 1970; not 0
  std::string site_id = {};   ///< told to other vanctl sites; may be empty
  std::string site_name = {};
  Timings timings = {};
  TreatmentTable treatments = {};
  std::size_t routers_max = limits::kRouters;  ///< other routers in the database; what goes beyond is ignored
};

/// A message of ours and where it goes. Send it once on each of `links`, settled, with annotations
/// [0, null, "0/<self>", ["0/<self>"]].
struct Outgoing {
  Message message;
  std::string to;             ///< properties `to`
  std::vector<LinkNo> links;  ///< never empty
};

namespace event {
/// The neighbour answers on `link`. Also when a known neighbour moves to another link: then no NeighbourDown comes
/// first.
struct NeighbourUp {
  std::string id;
  LinkNo link;
  friend bool operator==(const NeighbourUp&, const NeighbourUp&) = default;
};
struct NeighbourDown {
  std::string id;
  friend bool operator==(const NeighbourDown&, const NeighbourDown&) = default;
};
struct NodeReachable {
  std::string id;
  friend bool operator==(const NodeReachable&, const NodeReachable&) = default;
};
/// Its addresses stay for the holdoff, marked as not reachable; then an AddressRemoved for each.
struct NodeUnreachable {
  std::string id;
  friend bool operator==(const NodeUnreachable&, const NodeUnreachable&) = default;
};
/// `node` has the address now, or has it with other attributes.
struct AddressAdded {
  AddressKey key;
  std::string node;
  friend bool operator==(const AddressAdded&, const AddressAdded&) = default;
};
struct AddressRemoved {
  AddressKey key;
  std::string node;
  friend bool operator==(const AddressRemoved&, const AddressRemoved&) = default;
};
/// Next hops, costs, radius and valid origins may all be different; what was derived from them is out of date.
struct PathsChanged {
  friend bool operator==(const PathsChanged&, const PathsChanged&) = default;
};
/// Another router uses our id (control-plane 3.3, pitfall 14): once for each of its instances in a row.
struct DuplicateId {
  std::int64_t instance = 0;
  friend bool operator==(const DuplicateId&, const DuplicateId&) = default;
};
/// Messages of `id` are ignored because of their `pv`: once per router.
struct VersionIgnored {
  std::string id;
  std::int64_t pv = 0;
  friend bool operator==(const VersionIgnored&, const VersionIgnored&) = default;
};
/// Something of `id` was not stored because a bound is reached: routers, links or addresses. Once per router and bound.
struct LimitReached {
  enum class Bound : std::uint8_t { routers, links, addresses };
  std::string id;
  Bound bound = Bound::routers;
  friend bool operator==(const LimitReached&, const LimitReached&) = default;
};
}  // namespace event

using Event = std::variant<event::NeighbourUp, event::NeighbourDown, event::NodeReachable, event::NodeUnreachable,
                           event::AddressAdded, event::AddressRemoved, event::PathsChanged, event::DuplicateId,
                           event::VersionIgnored, event::LimitReached>;

/// One other router, for status (control-plane 6.2, `router.node`).
struct NodeStatus {
  std::string id;
  std::string site_id;    ///< empty for real routers
  std::string site_name;  ///< empty for real routers
  bool reachable = false;
  bool neighbour = false;
  std::optional<LinkNo> next_hop;  ///< link towards it
  std::string next_hop_id;         ///< the neighbour at the end of next_hop; empty when there is none
  PathCost cost = 0;               ///< 0 when not reachable
  std::uint32_t hops = 0;
  std::int64_t instance = 0;
  PeerCosts peers;  ///< its link state
  std::size_t addresses = 0;
};

/// A router that has an address. Borrowed from the ControlPlane: valid until its next input or command.
struct RemoteNode {
  std::string_view id;
  bool reachable = false;
  PathCost path_cost = 0;
  std::uint32_t exposure_cost = 0;
  std::optional<LinkNo> next_hop;
  std::string_view mesh;  ///< empty: none
};

/// The control plane of one interior router, without I/O: neighbours, link-state database, shortest paths, valid
/// origins and mobile addresses; control-plane section 3.
///
/// After each input or command: poll_output() and poll_event() until they give nothing, then wait for next_deadline().
/// Who runs it forwards other routers' messages itself (3.2), using the queries, and gives to receive() what is to be
/// consumed here.
///
/// A router does its work in ticks, one each hello_interval. Ours does the same, but when a neighbour comes or goes or a
/// link state arrives, it tells its links and computes its paths within some tens of milliseconds, and it answers the
/// first HELLO of a neighbour at once; so a network converges in round trips.
///
/// Two links to one router: the one that was confirmed first carries the routes as long as it is up and its HELLOs
/// come; then another one on which the neighbour answers takes over, without the neighbour being seen to go. (Real
/// routers flap between two: control-plane 1.9, pitfall 15.) A link serves one router: when another id answers on it,
/// that one has taken the first one's place.
class ControlPlane {
 public:
  explicit ControlPlane(ControlPlaneConfig config);
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  // Inputs
  /// Both control links of a connection are attached. `cost`: 1 or more, the greater of both ends' (1.6).
  void link_up(LinkNo link, std::uint32_t cost, TimePoint now);
  /// A link that is not up is ignored.
  void link_down(LinkNo link, TimePoint now);
  void link_cost_changed(LinkNo link, std::uint32_t cost, TimePoint now);
  /// A message for this router. What is malformed, of an unknown version or out of order is ignored as section 3 says.
  /// `link`: the one it came in on; ignored when that is not up.
  void receive(LinkNo link, const Message& message, TimePoint now);
  void handle_deadline(TimePoint now);
  /// Whether a message to all routers (3.2, flood) that came in with `trace` goes on along flood_links(); ask once for
  /// each copy, after receive(). Real routers pass on every copy, which in a mesh are as many as there are paths. We
  /// drop a copy of an RA that was passed on within the last half ra_interval_flux after no more hops, and an RA that a
  /// newer one of its router has overtaken: who is behind us has it. RAs of a router that sends them without end go on
  /// at a bounded rate.
  bool flood_goes_on(const Message& message, std::span<const std::string> trace, TimePoint now);

  // Commands
  /// Offers an address, or changes what is said of it. Told to the network at the end of mobile_collect. A key that is
  /// not advertisable() is remembered as local, for treatment(), and not told. False, and nothing changes, when there
  /// are limits::kAddressesPerRouter already.
  bool set_local_address(const AddressKey& key, LocalAddress address, TimePoint now);
  void remove_local_address(const AddressKey& key, TimePoint now);

  // Outputs
  std::optional<Outgoing> poll_output();
  std::optional<Event> poll_event();
  /// kNever while no link is up and what was behind the last one is forgotten.
  [[nodiscard]] TimePoint next_deadline() const;

  // Queries. A router is named by its id ("A"), in ingress and trace by its node name ("0/A").
  [[nodiscard]] const std::string& id() const;
  [[nodiscard]] bool known_node(std::string_view id) const;  ///< true for ourselves
  [[nodiscard]] bool reachable(std::string_view id) const;
  /// The link of the neighbour through which `id` is reached; nullopt for ourselves and when there is none.
  [[nodiscard]] std::optional<LinkNo> next_hop(std::string_view id) const;
  /// The same for router protocol: where there is no path yet, back along the way that the RAs of `id` come. So a network
  /// that starts asks everybody at once, and not one circle of routers after the other.
  [[nodiscard]] std::optional<LinkNo> protocol_hop(std::string_view id) const;
  [[nodiscard]] std::optional<PathCost> path_cost(std::string_view id) const;  ///< 0 for ourselves
  [[nodiscard]] std::optional<std::uint32_t> hops(std::string_view id) const;  ///< 0 for ourselves
  /// Greatest number of hops to any router. Real routers drop what has a trace of more than radius() + 1 entries (4.8).
  [[nodiscard]] std::uint32_t radius() const;
  /// Whether what entered the network at `origin` may go through us to `destination` (3.6). Always for origin == id().
  [[nodiscard]] bool valid_origin(std::string_view origin, std::string_view destination) const;
  /// All valid origins of a destination, without ourselves; for status only: computes the trees of all routers.
  [[nodiscard]] std::vector<std::string> valid_origins(std::string_view destination) const;
  [[nodiscard]] std::vector<NodeStatus> nodes() const;  ///< by id, without ourselves
  // What is kept of all other routers together.
  [[nodiscard]] std::size_t nodes_known() const { return states_.nodes().size(); }
  [[nodiscard]] std::size_t node_links_known() const { return states_.links_total(); }
  [[nodiscard]] std::size_t addresses_known() const { return remote_.total(); }
  [[nodiscard]] std::optional<std::string_view> neighbour_of_link(LinkNo link) const;
  [[nodiscard]] std::vector<LinkNo> neighbour_links() const;

  /// Routers that have the address, reachable ones first, then by path cost, then by id.
  [[nodiscard]] std::vector<RemoteNode> remote_nodes(const AddressKey& key) const;
  [[nodiscard]] std::vector<AddressKey> remote_keys() const;  ///< every address that some other router has, in no order
  /// Whether all other routers that have the address say that it takes early octets: AddressDescriptor::early.
  [[nodiscard]] bool takes_early(const AddressKey& key) const;
  [[nodiscard]] bool has_remote(const AddressKey& key) const;  ///< some router has it, reachable or not
  /// Control-plane 3.7: ours if it is offered here, else as configured, else the first hint learned, else balanced.
  [[nodiscard]] Treatment treatment(const AddressKey& key) const;

  /// Where a control message to all routers goes on (3.2), one link each. `trace`: as received, node names.
  [[nodiscard]] std::vector<LinkNo> flood_links(std::span<const std::string> trace) const;
  /// The same for mobile sync. `ingress`: a node name; empty means here. An unknown one gives no link.
  [[nodiscard]] std::vector<LinkNo> multicast_links(std::string_view ingress, std::span<const std::string> trace) const;
  /// Where copies of a multicast delivery go (4.7).
  [[nodiscard]] std::vector<LinkNo> multicast_links_for(const AddressKey& key, std::string_view ingress,
                                                        std::span<const std::string> trace) const;

  [[nodiscard]] std::optional<TimePoint> topology_changed_at() const { return changed_at_; }
  [[nodiscard]] std::int64_t ls_seq() const;
  [[nodiscard]] std::int64_t mobile_seq() const;
  /// Changes with each PathsChanged: for caches.
  [[nodiscard]] std::uint64_t paths_version() const;
  [[nodiscard]] const Paths& paths() const { return paths_; }

  /// Asserts what must hold between any two calls. For tests: O(everything known).
  void check_invariants() const;

 private:
  // Messages (control_plane_messages.cpp)
  void accept(const Hello& hello, LinkNo link, TimePoint now);
  void accept(const Ra& ra, LinkNo link, TimePoint now);
  void accept(const Lsr& lsr, LinkNo link, TimePoint now);
  void accept(const Lsu& lsu, LinkNo link, TimePoint now);
  void accept(const Mar& mar, LinkNo link, TimePoint now);
  void accept(const Mau& mau, LinkNo link, TimePoint now);
  void apply(Node& node, const std::string& id, const Mau::Differential& update);
  void apply(Node& node, const std::string& id, const Mau::Absolute& update);
  void add_address(Node& node, const std::string& id, const AddressDescriptor& descriptor);
  [[nodiscard]] bool understood(const std::string& id, std::int64_t pv, std::int64_t pv_max);
  void notice_duplicate(std::int64_t instance);
  void check_instance(Node& node, const std::string& id, std::int64_t instance, TimePoint now);
  Node* node_of(const std::string& id, TimePoint now);
  void check_sequence(Node& node, const Ra& ra, TimePoint now);
  void start_over(Node& node, const std::string& id, TimePoint now);

  // The tick (control_plane.cpp)
  enum class Requests { all, first };  ///< `first`: not those that were sent before
  void tick(TimePoint now);
  void hurry(TimePoint now);
  void settle(TimePoint now);
  void take(const Neighbours::Changes& changes, TimePoint now);
  void drop_idle_nodes(TimePoint now);
  void publish_link_state(TimePoint now);
  void compute_paths(TimePoint now);
  void paths_changed();
  void forget_unreachable(TimePoint now);
  void sleep(TimePoint now);
  void forget_addresses(Node& node, const std::string& id);
  void send_requests(Requests which);
  void refresh(TimePoint now);
  void tell_addresses();
  [[nodiscard]] TimePoint tell_at() const;

  // Outputs
  void send_hello(std::vector<LinkNo> links, TimePoint now);
  void send_ra(TimePoint now);
  void send_all(std::string_view to, Message message);
  /// Towards `id`, else on `fallback`, else nowhere. Whether it was sent.
  bool send_to(std::string_view id, std::string to, Message message, std::optional<LinkNo> fallback = std::nullopt);
  void limit_reached(const std::string& id, event::LimitReached::Bound bound);

  [[nodiscard]] std::optional<LinkNo> link_towards(std::string_view id, const Node& node) const;
  [[nodiscard]] std::optional<LinkNo> link_of_path(Paths::Index router) const;
  [[nodiscard]] bool is_here(std::string_view ingress) const;
  [[nodiscard]] Paths::Index origin_of(std::string_view ingress) const;
  [[nodiscard]] bool visited(LinkNo link, std::span<const std::string> trace) const;

  /// Sends of a request that is not answered, one a tick. Real routers ask once and wait for the next RA.
  static constexpr unsigned kRequestsMax = 3;
  /// In one hello_interval, of one router: LSRs in answer to its RAs, and its RAs passed on. An honest one has at most a
  /// change of its links and one of its addresses to tell in that time; copies over other paths come on top.
  static constexpr unsigned kAsksMax = 4;
  static constexpr unsigned kFloodsMax = 16;
  static constexpr Duration kSettlePause = std::chrono::milliseconds{20};       ///< between computations of paths
  static constexpr Duration kSettlePauseEach = std::chrono::microseconds{100};  ///< and this for each router of the network
  static constexpr Duration kPublishPause = std::chrono::milliseconds{100};     ///< after a link state; doubles while they come
  static constexpr std::size_t kNotedMax = 1024;

  ControlPlaneConfig config_;
  Neighbours neighbours_;
  LinkStates states_;
  RemoteAddresses remote_;
  LocalAddresses local_;
  Paths paths_;

  PeerCosts published_;  ///< own link state as of ls_seq_
  std::int64_t ls_seq_ = 0;
  std::uint64_t paths_version_ = 0;
  bool links_changed_ = false;  ///< own link state differs from published_
  bool paths_due_ = false;
  bool ra_due_ = false;
  TimePoint tick_at_ = kNever;
  TimePoint settle_at_ = kNever;
  TimePoint publish_at_{};  ///< not before
  Duration publish_pause_ = kPublishPause;
  std::optional<TimePoint> changed_at_;  ///< paths were computed last
  /// Our links changed last, or who can be reached: flux mode follows. Real routers enter it with each computation of
  /// paths, so that one link anywhere makes every router send three RAs to all others.
  std::optional<TimePoint> flux_since_;
  std::optional<TimePoint> ra_sent_at_;
  TimePoint refresh_at_ = TimePoint::min();
  std::string refreshed_;  ///< id of the router refreshed last

  std::int64_t duplicate_instance_ = 0;
  std::set<std::string> noted_;  ///< what is reported once; bounded
  std::deque<Outgoing> outputs_;
  std::deque<Event> events_;
};

}  // namespace van::routing
