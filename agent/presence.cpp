#include "agent/presence.h"

#include <array>
#include <chrono>
#include <utility>

namespace van::agent {
namespace {

router::Config router_config(const Identity& identity, const Presence::Parts& parts) {
  // Differs at each start, as the link-state protocol wants (control-plane 3.5).
  const auto started = std::chrono::duration_cast<std::chrono::seconds>(io::Loop::wall_clock().time_since_epoch());
  return {.mode = identity.role,
          .id = identity.router_id,
          .site_id = identity.site_id,
          .site_name = identity.site_name,
          .idle_timeout = parts.idle_timeout,
          .instance = static_cast<std::int32_t>(started.count()),
          .workers = identity.role == router::Mode::interior ? parts.workers : 1};
}

Rng seeded(SecureRandom& random) {
  std::array<std::uint8_t, 8> bytes{};
  random.fill(bytes);
  std::uint64_t seed = 0;
  for (const std::uint8_t byte : bytes) seed = seed << 8 | byte;
  return Rng{seed};
}

Expected<std::unique_ptr<tls::Context>, tls::Error> context_of(const Credentials& credentials) {
  return tls::Context::client({.ca_pem = credentials.ca, .certificate_pem = credentials.certificate, .key_pem = credentials.key, .tls13 = false});
}

link::LinkStatus status_of_unusable(const LinkState& link, const std::string& why) {
  link::LinkStatus status;
  status.name = link.name;
  status.role = link.endpoint.role;
  status.cost = link.cost;
  status.remote = proxy::Endpoint{link.endpoint.host, link.endpoint.port, {}}.text();
  status.error = why;
  status.refused = true;
  return status;
}

}  // namespace

Error from_io(const io::Error& error, std::string_view doing) {
  const std::string message = std::string{doing} + ": " + error.message;
  switch (error.code) {
    case io::Error::Code::address_in_use:
      return {Error::Code::conflict, message, "choose another port, or end what listens there"};
    case io::Error::Code::name_not_found:
    case io::Error::Code::unreachable:
      return {Error::Code::bad_request, message, "give an address of this machine, such as 127.0.0.1"};
    case io::Error::Code::not_found: return {Error::Code::bad_request, message, "make the folder first"};
    case io::Error::Code::permission:
      return {Error::Code::failed, message, "choose a port above 1023, or a path that you may write to"};
    case io::Error::Code::refused:
    case io::Error::Code::timed_out:
    case io::Error::Code::reset:
    case io::Error::Code::end_of_file:
    case io::Error::Code::cancelled:
    case io::Error::Code::no_space:
    case io::Error::Code::other: return {Error::Code::failed, message, {}};
  }
  VAN_ASSERT(false);
}

Presence::Presence(const Parts& parts, const Identity& identity)
    : parts_{parts},
      identity_{identity},
      started_{io::Loop::now()},
      node_{parts.loop, router_config(identity, parts), seeded(parts.random), parts.logs.component("link"), &parts.observer},
      names_{proxy_parts(), [this] { return services(); }},
      telemetry_{{.node = node_,
                  .loop = parts.loop,
                  .rng = seeded(parts.random),
                  .describe = [this] { return describe(); },
                  .news = parts.news}} {
  const router::Config& config = node_.router().config();
  if (config.workers < parts.workers) parts.logs.component("site").info("one worker: only a site that takes links in can have more");
  if (config.workers == 1) return;
  parts.logs.component("site").info("workers={}", config.workers);
  workers_ = std::make_unique<SiteWorkers>(SiteWorkers::Parts{node_, parts.loop, parts.logs, config, [&random = parts.random] { return seeded(random); }});
}

Presence::~Presence() = default;

Result<std::uint16_t> Presence::listen(const ListenerState& listener, const AuthorityState& own) {
  auto context = tls::Context::server({.ca_pem = own.authority.certificate_pem,
                                       .certificate_pem = own.server.certificate_pem,
                                       .key_pem = own.server.key_pem,
                                       .tls13 = false});
  if (!context) return Unexpected{Error{Error::Code::failed, "the site's own certificate: " + context.error().message, {}}};
  const Access access{listener.role, telemetry_.new_identity()};
  const auto id = node_.add_listener({.host = listener.host,
                                      .port = listener.port,
                                      .role = listener.role,
                                      .tls = *std::move(context),
                                      .access_id = access.identity});
  if (!id) return Unexpected{from_io(id.error(), std::string{endpoint_name(listener.role)} + " listener")};
  accesses_.push_back(access);
  return node_.port(*id);
}

Result<void> Presence::connect(const LinkState& link) {
  auto context = context_of(link.credentials);
  if (!context) {
    const std::string why = "its certificates can't be used: " + context.error().message;
    unusable_.insert_or_assign(link.name, status_of_unusable(link, why));
    return Unexpected{Error{Error::Code::refused, "link '" + link.name + "': " + why, "ask for a new token"}};
  }
  link::ConnectorConfig config{.name = link.name,
                               .host = link.endpoint.host,
                               .port = link.endpoint.port,
                               .role = link.endpoint.role,
                               .cost = link.cost,
                               .tls = *std::move(context)};
  if (workers_ && link.endpoint.role == router::PeerRole::inter_router) trunks_[link.name] = {config, link.credentials, {}};
  connectors_.insert_or_assign(link.name, node_.add_connector(std::move(config)));
  return {};
}

void Presence::disconnect(const std::string& name) {
  telemetry_.changed();
  unusable_.erase(name);
  const auto found = connectors_.find(name);
  if (found == connectors_.end()) return;
  node_.remove_connector(found->second);
  connectors_.erase(found);
  untrunk(name);
}

/// A data connection of each worker beside a link that is up.
void Presence::trunk(const link::LinkStatus& link) {
  const auto found = link.state == link::LinkState::up ? trunks_.find(link.name) : trunks_.end();
  if (found == trunks_.end() || found->second.config.correlator == link.correlator) return;
  Trunk& trunk = found->second;
  trunk.config.data = true;
  trunk.config.correlator = link.correlator;
  if (trunk.own) node_.remove_connector(trunk.own);
  trunk.own = node_.add_connector(trunk.config);
  workers_->connect(link.name, [&trunk] {
    link::ConnectorConfig config = trunk.config;
    config.tls = std::move(context_of(trunk.credentials)).value();  // it was usable before
    return config;
  });
}

void Presence::untrunk(const std::string& name) {
  const auto found = trunks_.find(name);
  if (found == trunks_.end()) return;
  if (found->second.own) node_.remove_connector(found->second.own);
  workers_->disconnect(name);
  trunks_.erase(found);
}

std::vector<link::LinkStatus> Presence::links() const {
  std::vector<link::LinkStatus> links = node_.links();
  for (const auto& [name, status] : unusable_) links.push_back(status);
  return links;
}

std::optional<link::LinkStatus> Presence::link(const std::string& name) const {
  const auto unusable = unusable_.find(name);
  if (unusable != unusable_.end()) return unusable->second;
  const auto found = connectors_.find(name);
  if (found == connectors_.end()) return std::nullopt;
  for (link::LinkStatus& status : node_.links())
    if (status.connector == found->second) return std::move(status);
  return std::nullopt;
}

void Presence::expose(const ExposureState& exposure) {
  reap();
  const auto target = proxy::parse_endpoint(exposure.target);
  VAN_ASSERT(target);  // written by Endpoint::text(), and checked when it was read
  const Key key{exposure.address, exposure.target};
  const proxy::ExposureConfig config{
      .address = proxy::wire_address(exposure.address, exposure.multicast),
      .target = *target,
      .protocol = exposure.protocol,
      .cost = exposure.cost,
      .health = exposure.health,
      .multicast = exposure.multicast,
      .proxy_protocol = exposure.proxy_protocol,
      .tls = exposure.tls};
  exposures_[key] = {exposure, proxy::make_exposure(proxy_parts(), config), {}};
  if (shared(exposure.protocol)) exposures_[key].elsewhere = workers_->expose(key, config);
  telemetry_.changed();
}

void Presence::withdraw(const ExposureState& exposure) {
  reap();
  const auto found = exposures_.find({exposure.address, exposure.target});
  if (found == exposures_.end()) return;
  std::unique_ptr<proxy::Exposure>& proxy = found->second.proxy;
  proxy->withdraw();
  if (shared(exposure.protocol)) workers_->withdraw(found->first);
  if (!proxy->idle()) withdrawn_.push_back(std::move(proxy));
  exposures_.erase(found);
  telemetry_.changed();
}

void Presence::reap() {
  withdrawn_.remove_if([](const auto& exposure) { return exposure->idle(); });
}

std::optional<Presence::Exposure> Presence::exposure(const ExposureState& exposure) const {
  const auto found = exposures_.find({exposure.address, exposure.target});
  if (found == exposures_.end()) return std::nullopt;
  const proxy::Exposure& proxy = *found->second.proxy;
  return Exposure{proxy.health(), proxy.trouble(), found->second.counters()};
}

Result<std::string> Presence::bind(const BindingState& binding) {
  const auto local = proxy::parse_endpoint(binding.local, {.zero_port = true});
  VAN_ASSERT(local);  // as above
  const bool spread = shared(binding.protocol) && !local->is_path();
  proxy::StandInConfig config{.address = proxy::wire_address(binding.address, binding.multicast),
                              .local = *local,
                              .protocol = binding.protocol,
                              .multicast = binding.multicast,
                              .both_loopbacks = binding.both_loopbacks,
                              .forwarded = binding.forwarded,
                              .tls = binding.tls,
                              .sharing = spread ? io::Sharing::first : io::Sharing::alone};
  auto opened = proxy::open_stand_in(proxy_parts(), config);
  if (!opened) return Unexpected{from_io(opened.error(), "stand-in for '" + binding.address + "'")};
  config.local = (*opened)->local();
  const std::string bound = config.local.text();
  const Key key{binding.address, bound};
  stand_ins_[key] = {binding, *std::move(opened), {}};
  if (spread) stand_ins_[key].elsewhere = workers_->bind(key, config);
  telemetry_.changed();
  return bound;
}

void Presence::unbind(const BindingState& binding) {
  const Key key{binding.address, binding.local};
  stand_ins_.erase(key);
  if (workers_) workers_->unbind(key);
  telemetry_.changed();
}

std::optional<Presence::StandIn> Presence::stand_in(const BindingState& binding) const {
  const auto found = stand_ins_.find({binding.address, binding.local});
  if (found == stand_ins_.end()) return std::nullopt;
  return StandIn{found->second.proxy->reachable(), found->second.counters()};
}

proxy::Counters Presence::summed(proxy::Counters counters, const SiteWorkers::Counted& elsewhere) {
  for (const auto& live : elsewhere) counters += live->now();
  return counters;
}

void Presence::take_messages(const std::string& name, link::MessageHandler& handler) { node_.add_local_endpoint(name, handler); }

void Presence::send(amqp::Message message) { node_.send_message(std::move(message)); }

void Presence::close() {
  telemetry_.close();
  for (const auto& [key, running] : exposures_) running.proxy->withdraw();
  for (const auto& [name, connector] : connectors_) node_.remove_connector(connector);
  for (const auto& [name, trunk] : trunks_)
    if (trunk.own) node_.remove_connector(trunk.own);
  connectors_.clear();
  std::erase_if(stand_ins_, [](const auto& bound) { return bound.second.state.protocol == proxy::Protocol::amqp; });  // tells the clients
  trunks_.clear();
  if (workers_) workers_->close();
}

}  // namespace van::agent
