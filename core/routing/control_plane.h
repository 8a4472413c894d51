#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/base/id.h"
#include "core/base/limits.h"
#include "core/routing/address.h"
#include "core/routing/messages.h"

namespace van::routing {

/// One control link pair to a neighbour (control-plane 2.2), numbered by the owner of the ControlPlane. A number is not
/// used again as long as the ControlPlane lives.
using LinkNo = Id<struct LinkNoTag>;

/// Sum of link costs along a path.
using PathCost = std::uint64_t;

/// Control-plane 3.3 to 3.7; the values are those of real routers.
struct Timings {
  Duration hello_interval = std::chrono::seconds{1};  ///< also the tick, and the least time between two changes of own state
  Duration hello_max_age = std::chrono::seconds{3};
  Duration ra_interval = std::chrono::seconds{30};
  Duration ra_interval_flux = std::chrono::seconds{4};
  Duration flux = std::chrono::seconds{8};
  Duration remote_ls_max_age = std::chrono::seconds{60};
  Duration unreachable_holdoff = std::chrono::seconds{1};
  Duration mobile_collect = std::chrono::seconds{1};
};

struct ControlPlaneConfig {
  std::string id;              ///< valid_router_id()
  std::int64_t instance = 1;   ///< differs at each start of the router: seconds since 1970; not 0
  std::string site_id = {};    ///< told to other vanctl sites; may be empty
  std::string site_name = {};
  Timings timings = {};
  TreatmentTable treatments = {};
  std::size_t routers_max = limits::kRouters;  ///< other routers in the database; what goes beyond is ignored
};

/// What this router offers under one address.
struct LocalAddress {
  Treatment treatment = Treatment::balanced;  ///< not unavailable
  std::uint32_t producers = 0;
  std::optional<std::string> mesh = std::nullopt;
  std::uint32_t cost = 0;  ///< the exposure's own cost
  friend bool operator==(const LocalAddress&, const LocalAddress&) = default;
};

/// A message of ours and where it goes. Send it once on each of `links`, settled, with annotations
/// [0, null, "0/<self>", ["0/<self>"]].
struct Outgoing {
  Message message;
  std::string to;             ///< properties `to`
  std::vector<LinkNo> links;  ///< never empty
};

namespace event {
/// The neighbour answers on `link`. Also when a known neighbour moves to another link: then no NeighbourDown comes first.
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

using Event = std::variant<event::NeighbourUp, event::NeighbourDown, event::NodeReachable, event::NodeUnreachable, event::AddressAdded,
                           event::AddressRemoved, event::PathsChanged, event::DuplicateId, event::VersionIgnored, event::LimitReached>;

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

/// The control plane of one interior router, without I/O: neighbours, link-state database, shortest paths, valid origins
/// and mobile addresses; control-plane section 3.
///
/// After each input or command: poll_output() and poll_event() until they give nothing, then wait for next_deadline().
/// Who runs it forwards other routers' messages itself (3.2), using the queries, and gives to receive() what is to be
/// consumed here.
///
/// A router does its work in ticks, one each hello_interval. Ours does the same, but comes forward (never sooner than
/// hello_interval after the last change) when a neighbour comes or goes or a link state arrives, and answers the first HELLO
/// of a neighbour at once; so a quiet network converges in round trips.
///
/// Two links to one router: the one that was confirmed first carries the routes as long as it is up and its HELLOs come;
/// then another one on which the neighbour answers takes over, without the neighbour being seen to go. (Real routers flap
/// between two: control-plane 1.9, pitfall 15.) A link serves one router: when another id answers on it, that one has taken
/// the first one's place.
class ControlPlane {
 public:
  explicit ControlPlane(ControlPlaneConfig config);
  ControlPlane(ControlPlane&&) noexcept;
  ControlPlane& operator=(ControlPlane&&) noexcept;
  ~ControlPlane();

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

  // Commands
  /// Offers an address, or changes what is said of it. Told to the network at the end of mobile_collect. A key that is not
  /// advertisable() is remembered as local, for treatment(), and not told.
  void set_local_address(const AddressKey& key, LocalAddress address, TimePoint now);
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
  [[nodiscard]] std::optional<PathCost> path_cost(std::string_view id) const;   ///< 0 for ourselves
  [[nodiscard]] std::optional<std::uint32_t> hops(std::string_view id) const;  ///< 0 for ourselves
  /// Greatest number of hops to any router. A message whose trace has more than radius() + 1 entries is dropped (4.8).
  [[nodiscard]] std::uint32_t radius() const;
  /// Whether what entered the network at `origin` may go through us to `destination` (3.6). Always for origin == id().
  [[nodiscard]] bool valid_origin(std::string_view origin, std::string_view destination) const;
  /// All valid origins of a destination, without ourselves; for status only: computes the trees of all routers.
  [[nodiscard]] std::vector<std::string> valid_origins(std::string_view destination) const;
  [[nodiscard]] std::vector<NodeStatus> nodes() const;  ///< by id, without ourselves
  [[nodiscard]] std::optional<std::string_view> neighbour_of_link(LinkNo link) const;
  [[nodiscard]] std::vector<LinkNo> neighbour_links() const;

  /// Routers that have the address, reachable ones first, then by path cost, then by id.
  [[nodiscard]] std::vector<RemoteNode> remote_nodes(const AddressKey& key) const;
  [[nodiscard]] bool has_remote(const AddressKey& key) const;  ///< some router has it, reachable or not
  /// Control-plane 3.7: ours if it is offered here, else as configured, else the first hint learned, else balanced.
  [[nodiscard]] Treatment treatment(const AddressKey& key) const;

  /// Where a control message to all routers goes on (3.2), one link each. `trace`: as received, node names.
  [[nodiscard]] std::vector<LinkNo> flood_links(std::span<const std::string> trace) const;
  /// The same for mobile sync. `ingress`: a node name; empty means here. An unknown one gives no link.
  [[nodiscard]] std::vector<LinkNo> multicast_links(std::string_view ingress, std::span<const std::string> trace) const;
  /// Where copies of a multicast delivery go (4.7).
  [[nodiscard]] std::vector<LinkNo> multicast_links_for(const AddressKey& key, std::string_view ingress, std::span<const std::string> trace) const;

  [[nodiscard]] std::int64_t ls_seq() const;
  [[nodiscard]] std::int64_t mobile_seq() const;
  /// Changes with each PathsChanged: for caches.
  [[nodiscard]] std::uint64_t paths_version() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace van::routing
