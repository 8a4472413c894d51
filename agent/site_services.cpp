#include <algorithm>
#include <limits>
#include <utility>

#include "agent/identity.h"
#include "agent/local_endpoint.h"
#include "agent/printable.h"
#include "agent/site.h"
#include "core/link/log.h"

namespace van::agent {
namespace {

constexpr std::uint16_t kAmqpPort = 5672;  ///< IANA
constexpr std::uint32_t kCostMax = std::numeric_limits<std::int32_t>::max();

Unexpected<Error> error(Error::Code code, std::string message, std::string hint = {}) {
  return Unexpected{Error{code, std::move(message), std::move(hint)}};
}

Result<proxy::Protocol> read_protocol(const std::string& text) {
  const auto protocol = proxy::protocol_of(text);
  if (!protocol) return error(Error::Code::bad_request, "'" + printable(text) + "' is no protocol", "it is tcp, udp, http, http2 or amqp");
  return *protocol;
}

/// Multicast and udp have their conditions.
Result<void> check_manner(const Presence::Manner& manner, bool path) {
  if (manner.protocol != proxy::Protocol::udp && manner.multicast)
    return error(Error::Code::bad_request, "only udp can be multicast", "add --protocol udp");
  if (manner.protocol == proxy::Protocol::udp && path)
    return error(Error::Code::bad_request, "udp has no Unix sockets", "give a host and a port, such as localhost:9000");
  return {};
}

struct Target {
  std::optional<proxy::Protocol> protocol;  // of its scheme
  std::optional<proxy::Protocol> usual;     // the same; another may be asked for
  bool tls = false;                         // the same
  proxy::Endpoint endpoint;
};

/// What stands before the first ':' of a target, when that is a scheme.
struct Scheme {
  std::string_view name;
  std::optional<proxy::Protocol> protocol;
  std::optional<proxy::Protocol> usual;
  bool tls = false;
};
std::optional<Scheme> scheme_of(std::string_view name) {
  if (name == "tls") return Scheme{name, std::nullopt, std::nullopt, true};
  if (name == "https") return Scheme{name, std::nullopt, proxy::Protocol::http, true};
  if (const auto protocol = proxy::protocol_of(name)) return Scheme{name, protocol, protocol, false};
  return std::nullopt;
}

/// `8080`, `localhost:8080`, `udp:9000`, `http://localhost:8080/`, `https://example.com`.
Result<Target> read_target(const std::string& text) {
  Target target;
  std::string_view rest = text;
  if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) {
    if (const auto scheme = scheme_of(rest.substr(0, colon))) {
      target.protocol = scheme->protocol;
      target.usual = scheme->usual;
      target.tls = scheme->tls;
      rest.remove_prefix(colon + 1);
      if (rest.starts_with("//")) rest.remove_prefix(2);
      if (rest.ends_with('/')) rest.remove_suffix(1);
    }
  }
  const auto endpoint = proxy::parse_endpoint(rest);
  if (!endpoint) return error(Error::Code::bad_request, "target " + endpoint.error());
  target.endpoint = *endpoint;
  return target;
}

/// What is asked for, what the target's scheme says, or tcp.
Result<proxy::Protocol> protocol_for(const Target& target, const std::optional<std::string>& asked) {
  if (!asked) return read_protocol(std::string{to_text(target.usual.value_or(proxy::Protocol::tcp))});
  auto protocol = read_protocol(*asked);
  if (protocol && target.protocol && *target.protocol != *protocol)
    return error(Error::Code::bad_request, "the target is of protocol " + std::string{to_text(*target.protocol)} + ", and " + *asked + " is asked for",
                 "leave one of them out");
  return protocol;
}

/// What can't be used now is an error now: later it would only be seen in the log.
Result<void> check_files(const proxy::TlsFiles& tls, proxy::TlsSide side, spdlog::logger& log) {
  for (const std::string* path : {&tls.certificate, &tls.key, &tls.authorities})
    if (!path->empty() && !path->starts_with('/')) return error(Error::Code::bad_request, "'" + printable(*path) + "' is no absolute path");
  const auto context = proxy::TlsContexts{tls, side, log}.context({});
  if (context) return {};
  const bool absent = context.error().code == io::Error::Code::not_found;
  return error(absent ? Error::Code::not_found : Error::Code::failed, context.error().message, "the files are read by the agent, as the user who started it");
}

Result<std::optional<proxy::TlsFiles>> read_tls(const proxy::TlsFiles& tls, const Target& target, spdlog::logger& log) {
  if (!target.tls) {
    if (tls == proxy::TlsFiles{}) return std::optional<proxy::TlsFiles>{};
    return error(Error::Code::bad_request, "certificates are for a target that speaks TLS", "name it https://HOST:PORT or tls://HOST:PORT");
  }
  if (target.endpoint.is_path()) return error(Error::Code::bad_request, "TLS goes with a host, whose name is verified, not with a Unix socket");
  if (tls.certificate.empty() != tls.key.empty()) return error(Error::Code::bad_request, "a certificate and its key go together");
  const auto checked = check_files(tls, proxy::TlsSide::target, log);
  if (!checked) return Unexpected{checked.error()};
  return std::optional{tls};
}

Result<std::optional<proxy::TlsFiles>> read_tls(const proxy::TlsFiles& tls, spdlog::logger& log) {
  if (tls == proxy::TlsFiles{}) return std::optional<proxy::TlsFiles>{};
  if (tls.certificate.empty() || tls.key.empty()) return error(Error::Code::bad_request, "a certificate and its key go together");
  const auto checked = check_files(tls, proxy::TlsSide::stand_in, log);
  if (!checked) return Unexpected{checked.error()};
  return std::optional{tls};
}

Result<proxy::HealthCheck> read_health(const Expose& command) {
  if (!command.health) {
    if (!command.health_interval && !command.health_failures && !command.health_successes) return proxy::HealthCheck{};
    return error(Error::Code::bad_request, "interval and thresholds are those of a health check, and none is asked for", "add --health tcp or --health http:/PATH");
  }
  auto check = proxy::parse_health_check(*command.health);
  if (!check) return error(Error::Code::bad_request, "'" + printable(*command.health) + "': " + check.error());
  check->interval = command.health_interval.value_or(check->interval);
  check->failures = command.health_failures.value_or(check->failures);
  check->successes = command.health_successes.value_or(check->successes);
  if (check->interval < proxy::kHealthIntervalMin || check->interval > proxy::kHealthIntervalMax)
    return error(Error::Code::bad_request, "the interval of a health check is from 0.1 seconds to an hour");
  return *check;
}

Result<http::Forwarded> read_forwarded(const std::optional<std::string>& asked, proxy::Protocol protocol) {
  if (!asked) return http::Forwarded::none;
  const auto forwarded = http::forwarded_of(*asked);
  if (!forwarded) return error(Error::Code::bad_request, "forwarded '" + printable(*asked) + "' is not known", "it is none, x-forwarded or forwarded");
  if (*forwarded != http::Forwarded::none && protocol != proxy::Protocol::http)
    return error(Error::Code::bad_request, "only requests of http can say who their client is", "with: --protocol http");
  return *forwarded;
}

}  // namespace

Result<ExposureState> Site::expose(const Expose& command) {
  const auto address = check_address(command.address);
  if (!address) return Unexpected{address.error()};
  const auto target = read_target(command.target);
  if (!target) return Unexpected{target.error()};
  const auto protocol = protocol_for(*target, command.protocol);
  if (!protocol) return Unexpected{protocol.error()};
  if (*protocol == proxy::Protocol::amqp)
    return error(Error::Code::bad_request, "AMQP clients expose themselves: they receive from an address",
                 "give them a port with: vanctl bind --protocol amqp; a broker is exposed with --protocol tcp");
  const auto health = read_health(command);
  if (!health) return Unexpected{health.error()};
  const auto tls = read_tls(command.tls, *target, log_);
  if (!tls) return Unexpected{tls.error()};
  if (command.proxy_protocol && *protocol != proxy::Protocol::tcp)
    return error(Error::Code::bad_request, "the PROXY protocol goes with protocol tcp", "elsewhere connections are shared by clients");
  const Presence::Manner manner{*protocol, command.multicast};
  const auto possible = check_manner(manner, target->endpoint.is_path());
  if (!possible) return Unexpected{possible.error()};
  if (manner.protocol == proxy::Protocol::udp && health->kind != proxy::HealthCheck::Kind::none)
    return error(Error::Code::bad_request, "a udp target can't be checked", "leave out --health");
  if (command.cost > kCostMax) return error(Error::Code::bad_request, "the cost is too high");
  if (command.port && *command.port == 0) return error(Error::Code::bad_request, "a service's port is from 1 to 65535");

  const ExposureState exposure{.address = command.address,
                               .target = target->endpoint.text(),
                               .cost = command.cost,
                               .port = command.port.value_or(target->endpoint.port),
                               .protocol = *protocol,
                               .health = *health,
                               .proxy_protocol = command.proxy_protocol,
                               .tls = *tls,
                               .multicast = command.multicast};
  if (std::ranges::any_of(state_.exposures, [&](const ExposureState& each) {
        return each.address == exposure.address && each.target == exposure.target;
      }))
    return error(Error::Code::conflict, exposure.target + " is already exposed as '" + exposure.address + "'",
                 "to change it: vanctl unexpose " + exposure.address + " " + exposure.target);
  const auto agrees = check_carriage(exposure.address, manner);
  if (!agrees) return Unexpected{agrees.error()};
  if (state_.exposures.size() >= kExposuresMax)
    return error(Error::Code::conflict, "a site exposes at most " + std::to_string(kExposuresMax) + " targets");

  State next = state_;
  next.exposures.push_back(exposure);
  const auto saved = save(std::move(next));
  if (!saved) return Unexpected{saved.error()};
  presence_->expose(exposure);
  log_.info("exposed address={} target={} cost={}", exposure.address, exposure.target, exposure.cost);
  return exposure;
}

Result<std::vector<ExposureState>> Site::unexpose(const std::string& address, const std::optional<std::string>& target) {
  std::string wanted;
  if (target) {
    const auto read = read_target(*target);
    if (!read) return Unexpected{read.error()};
    wanted = read->endpoint.text();
  }
  State next = state_;
  std::vector<ExposureState> removed;
  std::erase_if(next.exposures, [&](const ExposureState& each) {
    const bool goes = each.address == address && (!target || each.target == wanted);
    if (goes) removed.push_back(each);
    return goes;
  });
  if (removed.empty())
    return error(Error::Code::not_found,
                 (target ? wanted + " is not exposed here as '" : "nothing is exposed here as '") + printable(address) + "'",
                 "see: vanctl services");
  const auto saved = save(std::move(next));
  if (!saved) return Unexpected{saved.error()};
  for (const ExposureState& exposure : removed) {
    presence_->withdraw(exposure);
    log_.info("no longer exposed address={} target={}", exposure.address, exposure.target);
  }
  return removed;
}

/// The service's own port when it is known and free, else any.
Result<std::string> Site::bind_unasked(BindingState binding) {
  const auto own = binding.protocol == proxy::Protocol::amqp ? std::optional{kAmqpPort} : presence_->port_of(binding.address);
  if (const auto port = own) {
    binding.local = proxy::Endpoint{"127.0.0.1", *port, {}}.text();
    const auto bound = presence_->bind(binding);
    if (bound) return bound;
  }
  binding.local = "127.0.0.1:0";
  return presence_->bind(binding);
}

bool Site::waits_for_port(const Bind& command) const {
  if (command.local || command.protocol == to_text(proxy::Protocol::amqp) || presence_->port_of(command.address)) return false;
  if (std::ranges::find(state_.bindings, command.address, &BindingState::address) != state_.bindings.end()) return false;
  return std::ranges::any_of(presence_->links(), [](const link::LinkStatus& link) { return link.state == link::LinkState::up; });
}

Result<Presence::Manner> Site::manner_of(const Bind& command) const {
  const auto known = presence_->manner_of(command.address);
  Presence::Manner manner = known.value_or(Presence::Manner{});
  if (command.multicast) manner = {proxy::Protocol::udp, true};
  if (!command.protocol) return manner;
  const auto protocol = read_protocol(*command.protocol);
  if (!protocol) return Unexpected{protocol.error()};
  manner.protocol = *protocol;
  if (!command.multicast && *protocol != proxy::Protocol::udp) manner.multicast = false;
  return manner;
}

/// An address is carried in one way, as what is sent to it in another would reach nobody.
Result<void> Site::check_carriage(const std::string& address, const Presence::Manner& manner) const {
  const auto carriage = proxy::carriage_of(manner.protocol, manner.multicast);
  if (manner.protocol == proxy::Protocol::amqp) return {};  // the address is only the port's name
  const auto differs = [&](const auto& each) {
    return each.address == address && each.protocol != proxy::Protocol::amqp && proxy::carriage_of(each.protocol, each.multicast) != carriage;
  };
  const auto conflict = [&](const auto& each, const std::string& what) {
    return error(Error::Code::conflict, "'" + address + "' is " + what + " here for " + std::string{to_text(proxy::carriage_of(each.protocol, each.multicast))} +
                                            ", not for " + std::string{to_text(carriage)}, "choose another address for the other protocol");
  };
  const auto exposure = std::ranges::find_if(state_.exposures, differs);
  if (exposure != state_.exposures.end()) return conflict(*exposure, "exposed");
  const auto binding = std::ranges::find_if(state_.bindings, differs);
  if (binding != state_.bindings.end()) return conflict(*binding, "bound");
  return {};
}

void Site::bind(const Bind& command, BindDone done) {
  if (!check_address(command.address) || !manner_of(command) || !waits_for_port(command)) return done(bind(command));
  bindings_.push_back({command, std::move(done), std::make_unique<io::Timer>(parts_.loop, [this] { settle_.schedule(); })});
  bindings_.back().timer->arm(kPortWait);
}

void Site::settle_bindings() {
  for (auto pending = bindings_.begin(); pending != bindings_.end();) {
    if (pending->timer->armed() && waits_for_port(pending->command)) {
      ++pending;
      continue;
    }
    const PendingBind settled = std::move(*pending);
    pending = bindings_.erase(pending);
    settled.done(bind(settled.command));
  }
}

Result<Bound> Site::bind(const Bind& command) {
  const auto address = check_address(command.address);
  if (!address) return Unexpected{address.error()};
  const auto manner = manner_of(command);
  if (!manner) return Unexpected{manner.error()};
  const proxy::Protocol protocol = manner->protocol;
  const auto forwarded = read_forwarded(command.forwarded, protocol);
  if (!forwarded) return Unexpected{forwarded.error()};
  std::optional<LocalEndpoint> local;
  if (command.local) {
    const auto read = read_local_endpoint(*command.local);
    if (!read) return Unexpected{read.error()};
    local = *read;
  }
  const auto possible = check_manner(*manner, local && local->endpoint.is_path());
  if (!possible) return Unexpected{possible.error()};

  const auto tls = read_tls(command.tls, log_);
  if (!tls) return Unexpected{tls.error()};
  if (*tls && (protocol == proxy::Protocol::amqp || protocol == proxy::Protocol::udp))
    return error(Error::Code::bad_request, "TLS does not go with protocol " + std::string{to_text(protocol)} + " in this version", "leave certificate and key out");

  for (const BindingState& each : state_.bindings) {
    if (each.address != command.address || (local && each.local != local->endpoint.text())) continue;
    if (*tls && each.tls != *tls)
      return error(Error::Code::conflict, each.local + " stands in for '" + each.address + "' with another certificate, or none",
                   "to change it: vanctl unbind " + each.address + " " + each.local);
    if ((each.protocol != protocol && command.protocol) || (command.multicast && !each.multicast))
      return error(Error::Code::conflict, each.local + " stands in for '" + each.address + "' with protocol " + std::string{to_text(each.protocol)},
                   "to change it: vanctl unbind " + each.address + " " + each.local);
    if (each.forwarded != *forwarded && command.forwarded)
      return error(Error::Code::conflict, each.local + " stands in for '" + each.address + "' with forwarded " + std::string{to_text(each.forwarded)},
                   "to change it: vanctl unbind " + each.address + " " + each.local);
    if (presence_->stand_in(each)) return Bound{true, each};
    const auto bound = presence_->bind(each);  // its port was taken before
    if (!bound) return Unexpected{bound.error()};
    return Bound{true, each};
  }
  const auto agrees = check_carriage(command.address, *manner);
  if (!agrees) return Unexpected{agrees.error()};
  if (state_.bindings.size() >= kBindingsMax)
    return error(Error::Code::conflict, "a site has at most " + std::to_string(kBindingsMax) + " stand-ins");

  BindingState binding{.address = command.address,
                       .local = local ? local->endpoint.text() : "",
                       .protocol = protocol,
                       .multicast = manner->multicast,
                       .both_loopbacks = !local || local->both_loopbacks,
                       .forwarded = *forwarded,
                       .tls = *tls};
  const auto bound = local ? presence_->bind(binding) : bind_unasked(binding);
  if (!bound) return Unexpected{bound.error()};
  binding.local = *bound;
  State next = state_;
  next.bindings.push_back(binding);
  const auto saved = save(std::move(next));
  if (!saved) {
    presence_->unbind(binding);
    return Unexpected{saved.error()};
  }
  log_.info("bound address={} local={}", binding.address, binding.local);
  return Bound{false, binding};
}

Result<std::vector<BindingState>> Site::unbind(const std::string& address, const std::optional<std::string>& local) {
  std::string wanted;
  if (local) {
    const auto read = read_local_endpoint(*local);
    if (!read) return Unexpected{read.error()};
    wanted = read->endpoint.text();
  }
  State next = state_;
  std::vector<BindingState> removed;
  std::erase_if(next.bindings, [&](const BindingState& each) {
    const bool goes = each.address == address && (!local || each.local == wanted);
    if (goes) removed.push_back(each);
    return goes;
  });
  if (removed.empty())
    return error(Error::Code::not_found,
                 (local ? wanted + " is no stand-in for '" : "there is no stand-in here for '") + printable(address) + "'",
                 "see: vanctl services");
  const auto saved = save(std::move(next));
  if (!saved) return Unexpected{saved.error()};
  for (const BindingState& binding : removed) {
    presence_->unbind(binding);
    log_.info("no longer bound address={} local={}", binding.address, binding.local);
  }
  return removed;
}

}  // namespace van::agent
