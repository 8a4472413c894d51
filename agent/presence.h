#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/error.h"
#include "agent/log.h"
#include "agent/name_ports.h"
#include "agent/network_map.h"
#include "agent/site_workers.h"
#include "agent/state.h"
#include "agent/telemetry.h"
#include "core/base/random.h"
#include "core/io/loop.h"
#include "core/link/node.h"
#include "proxy/service.h"

namespace van::agent {

/// Who we are in the network for as long as a Presence lives.
struct Identity {
  router::Mode role = router::Mode::edge;
  std::string router_id;
  std::string site_id;
  std::string site_name;
};

/// What runs of a State: the node with its links and listeners, exposures and stand-ins. It knows no files and decides
/// nothing: the Site does. Records are told apart by what the state tells them apart by: a link's name, an exposure's
/// address and target, a binding's address and local endpoint.
class Presence {
 public:
  struct Parts {  ///< all must outlive the Presence
    io::Loop& loop;
    SecureRandom& random;
    Logs& logs;
    link::NodeObserver& observer;
    Duration idle_timeout;  ///< of links
    std::uint32_t workers;  ///< of an interior; others have one
    std::function<void()> news;  ///< network() tells something else than before
  };
  Presence(const Parts& parts, const Identity& identity);
  ~Presence();

  /// The port really bound. Errors: conflict, when it is in use; failed.
  Result<std::uint16_t> listen(const ListenerState& listener, const AuthorityState& own);

  /// Starts dialling. Errors: refused, when the credentials can't be used: the link is then there, down, with that reason.
  Result<void> connect(const LinkState& link);
  void disconnect(const std::string& name);
  /// All links: ours, and those that came in.
  [[nodiscard]] std::vector<link::LinkStatus> links() const;
  /// By the name of one of ours; nullopt when there is none.
  [[nodiscard]] std::optional<link::LinkStatus> link(const std::string& name) const;

  void expose(const ExposureState& exposure);
  /// New requests go elsewhere; running streams may finish.
  void withdraw(const ExposureState& exposure);
  struct Exposure {
    proxy::HealthState health = proxy::HealthState::up;
    std::string trouble;  ///< why the target can't be used; empty while the address is offered
    proxy::Counters counters;
  };
  /// nullopt when it does not run.
  [[nodiscard]] std::optional<Exposure> exposure(const ExposureState& exposure) const;

  /// The local endpoint really bound, as text. Errors: conflict, when it is in use; bad_request, when it can't be on this machine;
  /// failed.
  Result<std::string> bind(const BindingState& binding);  ///< `binding.local` with port 0: the system picks one
  void unbind(const BindingState& binding);
  struct StandIn {
    bool reachable = false;
    proxy::Counters counters;
  };
  /// nullopt when it does not run: its port was taken when the agent started.
  [[nodiscard]] std::optional<StandIn> stand_in(const BindingState& binding) const;

  /// The services that are known in the network.
  [[nodiscard]] std::vector<proxy::KnownService> services() const;
  [[nodiscard]] NamePorts& names() { return names_; }
  [[nodiscard]] const NamePorts& names() const { return names_; }

  /// Hands what others write to `name` below our own prefix to `handler`, which must outlive the Presence.
  void take_messages(const std::string& name, link::MessageHandler& handler);
  /// To its properties' `to`; it is dropped when nobody takes it.
  void send(amqp::Message message);
  /// Events, at addresses as they are on the wire (Node::add_receiver, send_datagram, room_for).
  router::EndpointId receive(const std::string& address, link::DatagramHandler& handler) { return node_.add_receiver(address, 0, handler); }
  void stop_receiving(router::EndpointId receiver) { node_.remove_endpoint(receiver); }
  router::Router::Sent send(const std::string& address, Slice message) { return node_.send_datagram(address, std::move(message)); }
  [[nodiscard]] bool room_for(const std::string& address) { return node_.room_for(address); }
  /// A link has changed: the network is to be told, and a neighbour to be asked.
  void link_changed(const link::LinkStatus& link);
  /// What the other sites tell of themselves.
  [[nodiscard]] NetworkMap network() const;
  /// What the service speaks, by those who provide it; nullopt while nobody tells.
  struct Manner {
    proxy::Protocol protocol = proxy::Protocol::tcp;
    bool multicast = false;
  };
  [[nodiscard]] std::optional<Manner> manner_of(const std::string& address) const;
  /// A service's own port, as everybody in the network sees it; nullopt while nobody names one.
  [[nodiscard]] std::optional<std::uint16_t> port_of(const std::string& address) const;
  /// Our own name among those who tell what there is: NetworkMap::Service::port_source.
  [[nodiscard]] const std::string& telemetry_id() const { return telemetry_.id(); }

  /// Begins an orderly end: services are withdrawn and our links closed, in this and the next turn of the loop.
  void close();

  [[nodiscard]] const router::Router& router() const { return node_.router(); }
  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] TimePoint started() const { return started_; }

 private:
  using Key = std::pair<std::string, std::string>;

  struct Running {
    ExposureState state;
    std::unique_ptr<proxy::Exposure> proxy;
    SiteWorkers::Counted elsewhere;  // by the other workers
    [[nodiscard]] proxy::Counters counters() const { return summed(proxy->counters(), elsewhere); }
  };
  struct Bound {
    BindingState state;
    std::unique_ptr<proxy::StandIn> proxy;
    SiteWorkers::Counted elsewhere;
    [[nodiscard]] proxy::Counters counters() const { return summed(proxy->counters(), elsewhere); }
  };
  struct Trunk {  // an interior link of ours, with data connections of all workers
    link::ConnectorConfig config;
    Credentials credentials;
    link::ConnectorId own;  // the first worker's
  };
  struct Access {  // a listener, as telemetry calls it
    router::PeerRole role = router::PeerRole::edge;
    std::string identity;
  };

  [[nodiscard]] proxy::Parts proxy_parts() { return {node_, parts_.loop, parts_.logs.component("proxy")}; }
  static proxy::Counters summed(proxy::Counters counters, const SiteWorkers::Counted& elsewhere);
  [[nodiscard]] bool shared(proxy::Protocol protocol) const { return workers_ && protocol == proxy::Protocol::tcp; }
  void trunk(const link::LinkStatus& link);
  void untrunk(const std::string& name);
  void reap();
  [[nodiscard]] std::vector<Described> describe() const;
  [[nodiscard]] Described describe(const link::LinkStatus& link) const;

  Parts parts_;
  Identity identity_;
  TimePoint started_;
  link::Node node_;
  std::map<std::string, link::ConnectorId> connectors_;  // by link name
  std::map<std::string, link::LinkStatus> unusable_;     // links that can't even dial
  std::map<Key, Running> exposures_;
  std::map<Key, Bound> stand_ins_;
  NamePorts names_;
  std::list<std::unique_ptr<proxy::Exposure>> withdrawn_;  // with streams that still run
  std::vector<Access> accesses_;
  std::map<std::string, Trunk> trunks_;  // by link name; none with one worker
  Telemetry telemetry_;
  std::unique_ptr<SiteWorkers> workers_;  // the others; null: there is one
};

/// As the API's errors: in use → conflict, not of this machine → bad_request, else failed.
Error from_io(const io::Error& error, std::string_view doing);

}  // namespace van::agent
