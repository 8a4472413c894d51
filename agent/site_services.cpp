#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "agent/identity.h"
#include "agent/printable.h"
#include "agent/site.h"

namespace van::agent {
namespace {

constexpr std::uint32_t kCostMax = std::numeric_limits<std::int32_t>::max();

Unexpected<Error> error(Error::Code code, std::string message, std::string hint = {}) {
  return Unexpected{Error{code, std::move(message), std::move(hint)}};
}

Result<void> check_protocol(std::string_view protocol) {
  if (protocol == "tcp") return {};
  if (protocol == "udp" || protocol == "http" || protocol == "http2")
    return error(Error::Code::bad_request, "protocol " + std::string{protocol} + " is not in this version",
                 protocol == "udp" ? "only tcp is" : "only tcp is, and it carries http too: --protocol tcp");
  return error(Error::Code::bad_request, "'" + printable(protocol) + "' is no protocol", "it is tcp, udp, http or http2");
}

struct Target {
  std::string protocol;
  std::string endpoint;
};
/// Takes the scheme off a target: `udp:9000`, `http://localhost:8080`. One that is no scheme stays: `localhost:8080`.
Target split_target(const std::string& text, const std::string& protocol) {
  for (const std::string_view scheme : {"tcp", "udp", "http", "http2"}) {
    const std::string prefix = std::string{scheme} + ":";
    if (!text.starts_with(prefix)) continue;
    std::string_view rest = std::string_view{text}.substr(prefix.size());
    if (rest.starts_with("//")) rest.remove_prefix(2);
    if (rest.ends_with('/')) rest.remove_suffix(1);
    return {std::string{scheme}, std::string{rest}};
  }
  return {protocol, text};
}

/// The target as the state has it, so that `8080` and `localhost:8080` are one.
Result<proxy::Endpoint> read_target(const std::string& text, const std::string& asked_protocol) {
  const Target target = split_target(text, asked_protocol);
  auto protocol = check_protocol(asked_protocol);
  if (protocol) protocol = check_protocol(target.protocol);
  if (!protocol) return Unexpected{protocol.error()};
  const auto endpoint = proxy::parse_endpoint(target.endpoint);
  if (!endpoint) return error(Error::Code::bad_request, "target " + endpoint.error());
  return *endpoint;
}

Result<proxy::Endpoint> read_local(const std::string& text) {
  const auto endpoint = proxy::parse_endpoint(text, {.default_host = "127.0.0.1", .zero_port = true});
  if (!endpoint) return error(Error::Code::bad_request, "local " + endpoint.error());
  return *endpoint;
}

}  // namespace

Result<ExposureState> Site::expose(const Expose& command) {
  const auto address = check_address(command.address);
  if (!address) return Unexpected{address.error()};
  const auto target = read_target(command.target, command.protocol);
  if (!target) return Unexpected{target.error()};
  if (command.cost > kCostMax) return error(Error::Code::bad_request, "the cost is too high");
  if (command.port && *command.port == 0) return error(Error::Code::bad_request, "a service's port is from 1 to 65535");

  const ExposureState exposure{command.address, target->text(), command.cost, command.port.value_or(target->port)};
  if (std::ranges::any_of(state_.exposures, [&](const ExposureState& each) {
        return each.address == exposure.address && each.target == exposure.target;
      }))
    return error(Error::Code::conflict, exposure.target + " is already exposed as '" + exposure.address + "'",
                 "to change it: vanctl unexpose " + exposure.address + " " + exposure.target);
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
    const auto endpoint = read_target(*target, "tcp");
    if (!endpoint) return Unexpected{endpoint.error()};
    wanted = endpoint->text();
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
Result<std::string> Site::bind_unasked(const std::string& address) {
  if (const auto port = presence_->port_of(address)) {
    const auto bound = presence_->bind(address, {"127.0.0.1", *port, {}});
    if (bound) return bound;
  }
  return presence_->bind(address, {"127.0.0.1", 0, {}});
}

bool Site::waits_for_port(const Bind& command) const {
  if (command.local || presence_->port_of(command.address)) return false;
  if (std::ranges::find(state_.bindings, command.address, &BindingState::address) != state_.bindings.end()) return false;
  return std::ranges::any_of(presence_->links(), [](const link::LinkStatus& link) { return link.state == link::LinkState::up; });
}

void Site::bind(const Bind& command, BindDone done) {
  if (!check_address(command.address) || !check_protocol(command.protocol) || !waits_for_port(command)) return done(bind(command));
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
  const auto protocol = check_protocol(command.protocol);
  if (!protocol) return Unexpected{protocol.error()};
  std::optional<proxy::Endpoint> local;
  if (command.local) {
    const auto endpoint = read_local(*command.local);
    if (!endpoint) return Unexpected{endpoint.error()};
    local = *endpoint;
  }

  for (const BindingState& each : state_.bindings) {
    if (each.address != command.address || (local && each.local != local->text())) continue;
    if (presence_->stand_in(each)) return Bound{true, each};
    const auto bound = presence_->bind(each.address, *proxy::parse_endpoint(each.local));  // its port was taken before
    if (!bound) return Unexpected{bound.error()};
    return Bound{true, each};
  }
  if (state_.bindings.size() >= kBindingsMax)
    return error(Error::Code::conflict, "a site has at most " + std::to_string(kBindingsMax) + " stand-ins");

  const auto bound = local ? presence_->bind(command.address, *local) : bind_unasked(command.address);
  if (!bound) return Unexpected{bound.error()};
  const BindingState binding{command.address, *bound};
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
    const auto endpoint = read_local(*local);
    if (!endpoint) return Unexpected{endpoint.error()};
    wanted = endpoint->text();
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
