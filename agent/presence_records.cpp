#include <algorithm>
#include <string_view>

#include "agent/presence.h"

namespace van::agent {
namespace {

using vanflow::Attribute;
using vanflow::Attributes;
using vanflow::RecordType;

/// One of the words that Skupper knows (vanflow 11.1): a process on a machine of its own.
constexpr const char* kPlatform = "linux";
/// What can be said of a Unix socket.
constexpr const char* kLocalHost = "localhost";

std::string_view role_text(router::PeerRole role) { return role == router::PeerRole::edge ? "edge" : "inter-router"; }

bool is_up(const link::LinkStatus& link) { return link.state == link::LinkState::up || link.state == link::LinkState::standby; }

void add_place(Attributes& attributes, const proxy::Endpoint& place, std::uint16_t port) {
  attributes[Attribute::host] = place.is_path() ? kLocalHost : place.host;
  if (port != 0) attributes[Attribute::port] = std::to_string(port);
}

}  // namespace

/// vanflow 7 and 12.
std::vector<Described> Presence::describe() const {
  const std::string& router = telemetry_.id();
  std::vector<Described> all;
  all.push_back({.type = RecordType::site,
                 .identity = identity_.site_id,
                 .attributes = {{Attribute::name, identity_.site_name},
                                {Attribute::platform, kPlatform},
                                {Attribute::version, VAN_VERSION}}});
  all.push_back({.type = RecordType::router,
                 .identity = router,
                 .attributes = {{Attribute::parent, identity_.site_id},
                                {Attribute::name, "0/" + identity_.router_id},
                                {Attribute::mode, identity_.role == router::Mode::edge ? "edge" : "interior"},
                                {Attribute::version, VAN_VERSION}}});
  for (const Access& access : accesses_)
    all.push_back({.type = RecordType::router_access,
                   .key = access.identity,
                   .identity = access.identity,
                   .attributes = {{Attribute::parent, router},
                                  {Attribute::name, std::string{endpoint_name(access.role)}},
                                  {Attribute::role, std::string{role_text(access.role)}}}});
  for (const link::LinkStatus& link : links())
    if (link.direction == router::Direction::outgoing) all.push_back(describe(link));
  for (const auto& [key, running] : exposures_) {
    const proxy::Counters counters = running.counters();
    const std::string address = proxy::wire_address(key.first, running.state.multicast);
    Described connector{.type = RecordType::connector,
                        .key = key.first + "@" + key.second,
                        .attributes = {{Attribute::parent, router},
                                       {Attribute::name, address + "@" + key.second},
                                       {Attribute::protocol, std::string{proxy::to_text(running.state.protocol)}},
                                       {Attribute::address, address},
                                       {Attribute::status, running.proxy->trouble().empty() ? "up" : "down"},
                                       {Attribute::connections, counters.connections}}};
    if (running.state.cost > 0) connector.attributes[Attribute::cost] = std::uint64_t{running.state.cost};
    add_place(connector.attributes, *proxy::parse_endpoint(running.state.target), running.state.port);
    all.push_back(std::move(connector));
  }
  for (const auto& [key, bound] : stand_ins_) {
    if (bound.state.protocol == proxy::Protocol::amqp) continue;  // of no service
    Described listener{.type = RecordType::listener,
                       .key = key.first + "@" + key.second,
                       .attributes = {{Attribute::parent, router},
                                      {Attribute::name, key.first},
                                      {Attribute::protocol, std::string{proxy::to_text(bound.state.protocol)}},
                                      {Attribute::address, proxy::wire_address(key.first, bound.state.multicast)},
                                      {Attribute::connections, bound.counters().connections}}};
    add_place(listener.attributes, bound.proxy->local(), bound.proxy->local().port);
    all.push_back(std::move(listener));
  }
  return all;
}

Described Presence::describe(const link::LinkStatus& link) const {
  Described described{.type = RecordType::link,
                      .key = link.name,
                      .attributes = {{Attribute::parent, telemetry_.id()},
                                     {Attribute::name, link.name},
                                     {Attribute::role, std::string{role_text(link.role)}},
                                     {Attribute::cost, std::uint64_t{link.cost}},
                                     {Attribute::status, is_up(link) ? "up" : "down"},
                                     {Attribute::protocol, "amqps"},
                                     {Attribute::http_proxy, "no"}}};
  if (!link.peer_access.empty()) described.attributes[Attribute::peer] = link.peer_access;
  if (const auto colon = link.remote.rfind(':'); colon != std::string::npos)
    described.attributes[Attribute::port] = link.remote.substr(colon + 1);
  return described;
}

void Presence::link_changed(const link::LinkStatus& link) {
  trunk(link);
  if (link.state == link::LinkState::up && !link.peer_access.empty()) telemetry_.suggest(link.peer_access);
  telemetry_.changed();
}

NetworkMap Presence::network() const {
  std::vector<Neighbour> neighbours;
  for (const link::LinkStatus& link : links())
    if (link.state == link::LinkState::up) neighbours.push_back({link.peer_id, link.cost});
  return read_network(telemetry_.sources(), identity_.router_id, neighbours);
}

std::vector<proxy::KnownService> Presence::services() const {
  std::map<std::string, proxy::KnownService> known;
  const auto service = [&known](const std::string& address) -> proxy::KnownService& {
    proxy::KnownService& each = known[address];
    each.address = address;
    return each;
  };
  for (const router::AddressInfo& address : router().addresses())
    if (address.reachable && !is_internal_address(address.address)) service(address.address);
  for (const auto& [address, told] : network().services) {
    if (is_internal_address(address)) continue;
    proxy::KnownService& each = service(address);
    each.port = told.port;
    each.protocol = proxy::protocol_of(told.protocol).value_or(proxy::Protocol::tcp);
  }
  for (const auto& [key, running] : exposures_) {
    proxy::KnownService& each = service(key.first);
    each.protocol = running.state.protocol;
    each.port = port_of(key.first).value_or(0);
  }
  for (const auto& [key, bound] : stand_ins_)
    if (proxy::carriage_of(bound.state.protocol, bound.state.multicast) == proxy::Carriage::streams && bound.state.protocol != proxy::Protocol::amqp) service(key.first);

  std::vector<proxy::KnownService> services;
  for (auto& [address, each] : known)
    if (each.protocol != proxy::Protocol::udp && !address.starts_with(proxy::kMulticastPrefix)) services.push_back(std::move(each));
  return services;
}

std::optional<Presence::Manner> Presence::manner_of(const std::string& address) const {
  for (const auto& [key, running] : exposures_)
    if (key.first == address) return Manner{running.state.protocol, running.state.multicast};
  const NetworkMap map = network();
  for (const bool multicast : {false, true}) {
    const auto told = map.services.find(proxy::wire_address(address, multicast));
    if (told == map.services.end()) continue;
    if (const auto protocol = proxy::protocol_of(told->second.protocol)) return Manner{*protocol, multicast};
  }
  return std::nullopt;
}

std::optional<std::uint16_t> Presence::port_of(const std::string& address) const {
  auto told = port_of_service(telemetry_.sources(), address);
  if (!told) told = port_of_service(telemetry_.sources(), proxy::wire_address(address, true));
  for (const auto& [key, running] : exposures_) {
    if (key.first != address || running.state.port == 0) continue;
    if (!told || telemetry_.id() < told->source) return running.state.port;
  }
  return told ? std::optional{told->port} : std::nullopt;
}

}  // namespace van::agent
