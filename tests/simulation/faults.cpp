#include "tests/simulation/faults.h"

#include <chrono>
#include <iterator>
#include <utility>

namespace van::simulation {

using namespace std::chrono_literals;

namespace {

/// How often each begins in a small network: once in so many seconds.
constexpr unsigned kSecondsBetween[] = {3, 6, 9, 10, 60, 15, 30, 30, 20};
static_assert(std::size(kSecondsBetween) == kFaultNames.size());

}  // namespace

void Faults::second() {
  for (unsigned bit = 0; bit < kFaultNames.size(); ++bit) {
    if (!options_.has(static_cast<Fault>(bit)) || rng_.below(kSecondsBetween[bit]) != 0) continue;
    ++count_;
    begin(static_cast<Fault>(bit));
  }
}

/// Once, at a time of its own within `seconds_max`, unless everything was healed before.
void Faults::later(unsigned seconds_max, std::function<void()> action) {
  const Duration wait{static_cast<std::int64_t>(100'000'000 + rng_.below(std::uint64_t{seconds_max} * 1'000'000'000))};
  world_.after(wait, [this, action = std::move(action)] {
    if (!healed_) action();
  });
}

SiteIndex Faults::any_site() {
  const std::uint64_t number = rng_.below(network_.interiors.size() + network_.edges.size());
  return number < network_.interiors.size() ? network_.interiors[number] : network_.edges[number - network_.interiors.size()];
}

void Faults::begin(Fault fault) {
  switch (fault) {
    case Fault::churn:
      return churn();
    case Fault::cut: {
      if (network_.wires.empty()) return;
      const WireIndex wire = any_wire();
      cut(wire);
      return later(rng_.below(3) == 0 ? 60 : 3, [this, wire] { join(wire); });
    }
    case Fault::freeze: {
      if (network_.wires.empty()) return;
      const WireIndex wire = any_wire();
      freeze(wire);
      return later(rng_.below(2) == 0 ? 40 : 5, [this, wire] { thaw(wire); });
    }
    case Fault::slow: {
      if (network_.wires.empty()) return;
      const WireIndex wire = any_wire();
      world_.set_rate(wire, 50'000 + rng_.below(300'000));
      return later(40, [this, wire] { world_.set_rate(wire, 0); });
    }
    case Fault::partition:
      return partition();
    case Fault::restart: {
      const SiteIndex site = any_site();
      if (world_.router(site) == nullptr) return;
      asleep_.erase(site);
      world_.stop(site);
      stopped_.insert(site);
      return later(rng_.below(2) == 0 ? 1 : 80, [this, site] { start(site); });
    }
    case Fault::jump: {
      const SiteIndex site = any_site();
      return world_.jump(site, Duration{1s} * static_cast<std::int64_t>(1 + rng_.below(rng_.below(2) == 0 ? 5 : 4000)));
    }
    case Fault::sleep: {
      const SiteIndex site = any_site();
      if (world_.router(site) == nullptr || !asleep_.insert(site).second) return;
      world_.set_asleep(site, true);
      return later(60, [this, site] {
        if (asleep_.erase(site) != 0) world_.set_asleep(site, false);
      });
    }
    case Fault::hostile:
      return hostile();
  }
}

void Faults::churn() {
  const SiteIndex site = any_site();
  if (world_.site(site).asleep) return;
  const std::string& address = addresses_[rng_.below(addresses_.size())];
  switch (rng_.below(4)) {
    case 0: return services_.withdraw(site, address);
    case 1: return services_.use(site, address);
    default: return services_.expose(site, address, static_cast<std::uint32_t>(rng_.below(3) == 0 ? rng_.below(10) : 0));
  }
}

void Faults::partition() {
  std::set<SiteIndex> here;
  for (const SiteIndex site : network_.interiors) {
    if (rng_.below(2) == 0) here.insert(site);
  }
  for (const SiteIndex site : network_.edges) {
    if (rng_.below(2) == 0) here.insert(site);
  }
  const bool silent = rng_.below(2) == 0;
  std::vector<WireIndex> between;
  for (const WireIndex wire : network_.wires) {
    if (here.contains(world_.wire(wire).ends[0].site) != here.contains(world_.wire(wire).ends[1].site)) between.push_back(wire);
  }
  for (const WireIndex wire : between) silent ? freeze(wire) : cut(wire);
  later(60, [this, between, silent] {
    for (const WireIndex wire : between) silent ? thaw(wire) : join(wire);
  });
}

void Faults::hostile() {
  const HostileKind kind = kHostileKinds[rng_.below(std::size(kHostileKinds))];
  const SiteIndex victim = network_.interiors[rng_.below(network_.interiors.size())];
  const auto role = rng_.below(3) == 0 ? router::PeerRole::edge : router::PeerRole::inter_router;
  HostileKnowledge knowledge{.routers = {}, .addresses = addresses_};
  for (const SiteIndex site : network_.interiors) knowledge.routers.push_back(world_.site(site).name);
  const SiteIndex site = world_.add_hostile("h" + std::to_string(++hostile_count_) + "-" + name_of(kind), kind, role, std::move(knowledge));
  hostiles_.insert(site);
  world_.add_wire(site, victim, role, 1, 5ms, 1ms);
  later(90, [this, site] {
    if (hostiles_.erase(site) != 0) world_.stop(site);
  });
}

void Faults::cut(WireIndex wire) {
  if (++cuts_[wire] == 1) world_.set_enabled(wire, false);
}
void Faults::join(WireIndex wire) {
  if (--cuts_[wire] == 0) world_.set_enabled(wire, true);
}
void Faults::freeze(WireIndex wire) {
  if (++freezes_[wire] == 1) world_.set_frozen(wire, true);
}
void Faults::thaw(WireIndex wire) {
  if (--freezes_[wire] == 0) world_.set_frozen(wire, false);
}

void Faults::start(SiteIndex site) {
  if (stopped_.erase(site) == 0) return;
  world_.start(site);
  services_.restore(site);
}

void Faults::heal() {
  healed_ = true;
  for (const SiteIndex site : hostiles_) world_.stop(site);
  for (const SiteIndex site : std::set{stopped_}) start(site);
  for (const SiteIndex site : asleep_) world_.set_asleep(site, false);
  for (const auto& [wire, count] : freezes_) {
    if (count > 0) world_.set_frozen(wire, false);
  }
  for (const auto& [wire, count] : cuts_) {
    if (count > 0) world_.set_enabled(wire, true);
  }
  for (const WireIndex wire : network_.wires) world_.set_rate(wire, 0);
}

}  // namespace van::simulation
