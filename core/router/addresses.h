#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/router/core.h"
#include "core/router/delivery.h"
#include "core/router/routes.h"
#include "core/routing/control_plane.h"

namespace van::router {

/// Where a delivery comes from, as far as it decides where it may go (control-plane 4.4, 4.5).
struct Origin {
  PeerId peer;                        ///< none: a local stream
  bool from_uplink = false;           ///< edge mode: it came from the interior
  std::string ingress;                ///< node name; empty: here
  const std::vector<std::string>* trace = nullptr;
  std::optional<std::string> mesh;
  std::span<const Destination> tried{};  ///< not to be chosen again
  bool settled = false;                  ///< nothing of it is ever outstanding
};

/// The addresses with destinations or users on this router (local and on attached edges), and the choice among them and the
/// other routers: balanced, closest, multicast (control-plane 4.5 to 4.7). Of the other routers the control plane tells; to a worker
/// that has none, the Routes of the first worker.
class Addresses {
 public:
  /// `plane`: null on edges, and for all workers but the first one.
  Addresses(Core& core, routing::ControlPlane* plane) : core_{core}, plane_{plane} {}

  struct Consumer {
    routing::AddressKey key;
    std::uint32_t cost = 0;
    std::uint32_t outstanding = 0;
  };
  struct Producer {
    routing::AddressKey key;
    bool reachable = false;
  };
  /// A local receiver of whole messages.
  struct Endpoint {
    routing::AddressKey key;
    std::uint32_t cost = 0;
    std::uint32_t load = 0;
    bool service = false;  ///< it provides its address to users; else it is the site itself
    bool raw = false;      ///< takes messages as they are
  };
  struct ProxyRef {
    PeerId peer;
    amqp::LinkId link;
    friend bool operator==(const ProxyRef&, const ProxyRef&) = default;
  };
  struct Entry {
    std::vector<ConsumerId> consumers;
    std::vector<ProxyRef> proxies;           ///< of attached edges: consumers there; and clients' receivers
    std::vector<ProducerId> producers;
    std::vector<ProxyRef> producer_proxies;  ///< of attached edges: producers there; and clients' senders
    std::vector<EndpointId> endpoints;
    std::optional<routing::Treatment> treatment;  ///< asked for by an endpoint
    [[nodiscard]] bool empty() const { return !has_local() && !has_producers(); }
    [[nodiscard]] bool has_producers() const { return !producers.empty() || !producer_proxies.empty(); }
    [[nodiscard]] bool has_local() const { return !consumers.empty() || !proxies.empty() || !endpoints.empty(); }
  };

  /// The key of an address as a message names it. The bare `$management` is ours, as with real routers (control-plane 6.1).
  [[nodiscard]] std::optional<routing::AddressKey> key_of(std::string_view text) const;

  ConsumerId add_consumer(std::string_view address, std::uint32_t cost);
  void remove_consumer(ConsumerId id);
  Consumer* consumer(ConsumerId id);
  [[nodiscard]] const Consumer* consumer(ConsumerId id) const {
    const auto found = consumers_.find(id);
    return found == consumers_.end() ? nullptr : &found->second;
  }
  ProducerId add_producer(std::string_view address);
  void remove_producer(ProducerId id);
  Producer* producer(ProducerId id);

  EndpointId add_endpoint(Endpoint endpoint, std::optional<routing::Treatment> treatment = {});
  Endpoint* endpoint(EndpointId id) {
    const auto found = endpoints_.find(id);
    return found == endpoints_.end() ? nullptr : &found->second;
  }
  void remove_endpoint(EndpointId id);

  void add_proxy(const routing::AddressKey& key, ProxyRef proxy);
  void remove_proxy(const routing::AddressKey& key, ProxyRef proxy);
  void add_producer_proxy(const routing::AddressKey& key, ProxyRef proxy);
  void remove_producer_proxy(const routing::AddressKey& key, ProxyRef proxy);

  [[nodiscard]] const Entry* entry(const routing::AddressKey& key) const;
  [[nodiscard]] const std::map<routing::AddressKey, Entry>& entries() const { return entries_; }

  /// Keys whose local destinations or users changed, or may be reached in another way, since the last call.
  std::set<routing::AddressKey> take_changed() { return std::exchange(changed_, {}); }
  void mark_changed(const routing::AddressKey& key) { changed_.insert(key); }
  void mark_all_used_changed();

  // ---- Workers of one site ----
  void set_routes(std::shared_ptr<const Routes> routes);
  std::shared_ptr<const Routes> routes();
  void mark_routes_changed() { routes_changed_ = true; }
  [[nodiscard]] bool routes_changed() const { return routes_changed_; }

  /// Anycast: the one best destination now; nullopt when there is none. `treatment`: that of the key.
  std::optional<Destination> choose(const routing::AddressKey& key, routing::Treatment treatment, const Origin& origin);
  /// The peer through which another interior is reached.
  [[nodiscard]] std::optional<PeerId> next_hop(std::string_view id) const;
  /// Multicast: one copy each.
  std::vector<Destination> all(const routing::AddressKey& key, const Origin& origin);
  [[nodiscard]] routing::Treatment treatment(const routing::AddressKey& key) const;

  /// Whether a producer here would find a destination. Endpoints that are the site itself do not count.
  [[nodiscard]] bool reachable_here(const routing::AddressKey& key) const;
  /// The same for a producer on an attached edge (control-plane 5.2).
  [[nodiscard]] bool reachable_for(const routing::AddressKey& key, const Peer& edge) const;
  /// Whether one of them is on this router or another of its edges.
  [[nodiscard]] bool near_for(const routing::AddressKey& key, const Peer& edge) const;
  /// Whether what a client says may go to the address before its provider has answered: all that are known are routers of ours
  /// (docs/protocol.md, "Early octets").
  [[nodiscard]] bool takes_early(const routing::AddressKey& key) const;
  /// Edge mode: whether a new stream to the address may have to wait until the network knows this edge.
  [[nodiscard]] bool needs_settled_uplink(const routing::AddressKey& key) const;
  /// What this router offers of the address to the network; nullopt when nothing (control-plane 3.7).
  [[nodiscard]] std::optional<routing::LocalAddress> local_address(const routing::AddressKey& key) const;

 private:
  struct Candidate {
    Destination to;
    std::uint64_t value = 0;     ///< distance and what is outstanding
    std::uint64_t distance = 0;  ///< costs of the path and of the exposure
    bool eligible = true;
    bool remote = false;
    std::uint32_t cost = 0;  ///< the exposure's own
  };
  [[nodiscard]] bool provides(const Entry& entry) const;
  /// The active uplink's link for producers of the address; null when there is none.
  [[nodiscard]] const PeerLink* uplink_of(const routing::AddressKey& key) const;
  [[nodiscard]] bool edges_take_early(const Entry& entry) const;
  /// An interior that has an address.
  struct Remote {
    std::string_view id;
    std::uint64_t distance = 0;
    PeerId hop;
  };
  [[nodiscard]] std::vector<Remote> remotes(const routing::AddressKey& key) const;
  [[nodiscard]] std::optional<PeerId> towards(const Routes::Node& node) const;
  [[nodiscard]] bool valid_origin(std::string_view origin, std::string_view destination) const;
  [[nodiscard]] std::optional<Candidate> at_first_worker(const routing::AddressKey& key, bool local) const;
  static Candidate beyond(const routing::AddressKey& key, const Peer& peer, std::uint64_t distance);
  [[nodiscard]] bool allowed(ProxyRef proxy, const Origin& origin) const;
  std::vector<Candidate> local_candidates(const Entry& entry, const Origin& origin);
  /// along_trees: through next hops that are on the tree of shortest paths of the router where the message entered (control-plane 4.5).
  enum class Ways { along_trees, any };
  std::vector<Candidate> remote_candidates(const routing::AddressKey& key, const Origin& origin, Ways ways) const;
  std::optional<Destination> uplink(const Origin& origin) const;
  void drop_if_empty(const routing::AddressKey& key);

  Core& core_;
  routing::ControlPlane* plane_;
  std::shared_ptr<const Routes> routes_;  ///< of the first worker, who has none himself
  routing::Paths paths_;                  ///< theirs; it keeps what it was asked
  bool routes_changed_ = true;
  std::shared_ptr<const routing::Paths> offered_paths_;
  std::uint64_t offered_version_ = 0;
  std::size_t turn_ = 0;  ///< among equally close destinations
  std::uint32_t last_consumer_ = 0, last_producer_ = 0, last_endpoint_ = 0;
  std::unordered_map<ConsumerId, Consumer> consumers_;
  std::unordered_map<ProducerId, Producer> producers_;
  std::unordered_map<EndpointId, Endpoint> endpoints_;
  std::map<routing::AddressKey, Entry> entries_;
  std::set<routing::AddressKey> changed_;
};

}  // namespace van::router
