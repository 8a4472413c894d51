#include <utility>

#include "agent/name_ports.h"
#include "agent/site.h"
#include "core/link/log.h"

namespace van::agent {
namespace {

const std::optional<std::string>& asked(const OpenProxy& command, const NamePort& port) {
  static const std::optional<std::string> nothing;
  const auto found = command.places.find(std::string{port.name});
  return found == command.places.end() ? nothing : found->second;
}

Error set_by_file(const NamePort& port) {
  const std::string name{port.name};
  return {Error::Code::conflict, "the " + name + " port is set in agent.toml (proxy." + name + ")", "change it there, then: vanctl agent restart"};
}

}  // namespace

void Site::start_proxy(const State& state) {
  for (const NamePort& port : name_ports()) {
    const std::string& configured = parts_.configured_proxy.*port.place;
    const std::string& place = configured.empty() ? state.proxy.*port.place : configured;
    if (place.empty()) continue;
    const auto opened = presence_->names().open(port, place);
    if (!opened) log_.error("no {} port: {}", port.name, opened.error().message);
  }
}

/// Where it was before, else the usual port, else any.
Result<std::string> Site::open_usual(const NamePort& port) {
  const std::string& before = state_.proxy.*port.place;
  if (!before.empty()) return presence_->names().open(port, before);
  const auto usual = presence_->names().open(port, std::to_string(port.default_port));
  if (usual || usual.error().code != Error::Code::conflict) return usual;
  return presence_->names().open(port, "0");
}

Result<void> Site::open_ports(const OpenProxy& command, ProxyState& next) {
  for (const NamePort& port : name_ports()) {
    const auto& place = asked(command, port);
    const bool configured = !(parts_.configured_proxy.*port.place).empty();
    if (place && configured) return Unexpected{set_by_file(port)};
    if (configured || (!place && !command.places.empty())) continue;
    if (!place && presence_->names().find(port) != nullptr) continue;
    const auto opened = place ? presence_->names().open(port, *place) : open_usual(port);
    if (!opened) return Unexpected{opened.error()};
    next.*port.place = *opened;
    log_.info("{} port open at={}", port.name, *opened);
  }
  return {};
}

Result<void> Site::open_proxy(const OpenProxy& command) {
  State next = state_;
  auto done = open_ports(command, next.proxy);
  if (done) done = save(std::move(next));
  if (!done) reopen_proxy();
  return done;
}

Result<void> Site::close_proxy() {
  for (const NamePort& port : name_ports())
    if (!(parts_.configured_proxy.*port.place).empty()) return Unexpected{set_by_file(port)};
  State next = state_;
  next.proxy = {};
  const auto saved = save(std::move(next));
  if (!saved) return saved;
  for (const NamePort& port : name_ports()) presence_->names().close(port);
  log_.info("proxy ports closed");
  return {};
}

/// After a command that failed half way.
void Site::reopen_proxy() {
  for (const NamePort& port : name_ports()) presence_->names().close(port);
  start_proxy(state_);
}

}  // namespace van::agent
