#include "tests/simulation/run.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <vector>

#include "core/base/limits.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/reference.h"
#include "tests/simulation/services.h"
#include "tests/simulation/topology.h"
#include "tests/simulation/traffic.h"
#include "tests/simulation/verdict.h"
#include "tests/simulation/world.h"

namespace van::simulation {

using namespace std::chrono_literals;

namespace {

/// From the end of the faults until every router knows what is. What a lost router left behind is forgotten after 60 s
/// (control-plane 3.5); everything else takes seconds.
constexpr Duration kConvergence = 90s;
/// And what one told in the name of another, when each of them has been asked again (Timings::refresh_interval).
constexpr Duration kRefreshEach = 6s;
constexpr Duration kSteady = 35s;       ///< and then nothing changes any more: longer than the interval of RAs
constexpr Duration kLastStreams = 30s;  ///< of the streams in the calm network
constexpr Duration kDrain = 300s;       ///< of those that began before

class Run final : public Observer {
 public:
  explicit Run(const Options& options)
      : options_{options},
        world_{options.seed, options.print},
        services_{world_},
        rng_{world_.rng().next()},
        traffic_{world_, services_, verdict_, Rng{rng_.next()}} {
    world_.observe(*this);
  }

  Outcome go() {
    populate();
    Faults faults{world_, services_, network_, options_, addresses_, Rng{rng_.next()}};
    traffic_.expect_strangers(options_.has(Fault::hostile));
    for (unsigned second = 0; second < options_.seconds && verdict_.good(); ++second) {
      // The first seconds belong to the network alone.
      if (second >= 5) faults.second();
      if (second >= 5) open_some();
      run_second();
    }
    faults.heal();
    converge();
    drain();
    last_streams();
    nothing_left();
    return {.broken = verdict_.what(),
            .hash = world_.log().hash(),
            .faults = faults.count(),
            .streams = traffic_.opened(),
            .succeeded = traffic_.succeeded(),
            .failed = traffic_.failed(),
            .octets = traffic_.octets(),
            .messages = world_.messages(),
            .converged_after = converged_after_};
  }

  void on_event(SiteIndex site, const router::Event& event) override { traffic_.on_event(site, event); }
  void on_stop(SiteIndex site) override { traffic_.on_stop(site); }
  void on_message(SiteIndex from, const amqp::RouterAnnotations& annotations) override {
    for (std::size_t i = 1; i < annotations.trace.size(); ++i) {
      const auto before = annotations.trace.begin() + static_cast<std::ptrdiff_t>(i);
      if (std::find(annotations.trace.begin(), before, annotations.trace[i]) == before) continue;
      std::string trace;
      for (const std::string& hop : annotations.trace) trace += " " + hop;
      return verdict_.broken("a message went in a loop, seen at " + world_.site(from).name + ":" + trace);
    }
  }

 private:
  void populate() {
    network_ = build(world_, {.interiors = options_.interiors, .edges = options_.edges}, rng_);
    const std::size_t sites = world_.sites();
    for (std::size_t i = 0; i < 3 + sites / 4; ++i) addresses_.push_back("svc" + std::to_string(i));
    for (const std::string& address : addresses_) {
      for (std::uint64_t copies = 1 + rng_.below(3); copies > 0; --copies) {
        services_.expose(rng_.below(sites), address, static_cast<std::uint32_t>(rng_.below(3) == 0 ? rng_.below(6) : 0));
      }
    }
    for (SiteIndex site = 0; site < sites; ++site) {
      for (int uses = 0; uses < 3; ++uses) services_.use(site, any_address());
    }
  }

  const std::string& any_address() { return addresses_[rng_.below(addresses_.size())]; }

  void open_some() {
    const std::size_t sites = options_.interiors + options_.edges;
    for (std::uint64_t count = rng_.below(2 + std::min<std::size_t>(sites / 5, 10)); count > 0 && traffic_.running() < 60; --count) {
      const SiteIndex site = rng_.below(sites);
      const auto users = services_.users(site);
      if (users.empty()) continue;
      traffic_.open(site, std::next(users.begin(), static_cast<std::ptrdiff_t>(rng_.below(users.size())))->first, false);
    }
  }

  void run_second() {
    const TimePoint end = world_.now() + 1s;
    while (verdict_.good() && world_.step(end)) {
    }
    if (!verdict_.good()) return;
    world_.run_until(end);
    traffic_.check_second();
    world_.run_until(end);
    for (SiteIndex site = 0; site < world_.sites(); ++site) check_memory(site);
  }

  void check_memory(SiteIndex site) {
    const router::Router* router = world_.router(site);
    if (router == nullptr) return;
    router->check_invariants();
    const router::Router::Held held = router->held();
    const auto bound = [&](const char* what, std::size_t is, std::size_t max) {
      if (is > max) verdict_.broken(world_.site(site).name + " holds " + std::to_string(is) + " " + what + ", more than " + std::to_string(max));
    };
    bound("octets for one socket", held.output_bytes_max, 2 * limits::kOutputHighWater);
    bound("pending octets", held.pending_bytes, held.peers * limits::kPeerPendingBytes);
    // The smallest message of the router protocol has more than 100 octets.
    bound("waiting copies", held.queued, held.streams + held.links * limits::kMessageCredit + held.peers * limits::kControlQueueBytes / 100);
    bound("link-state nodes", held.nodes, limits::kRouters);
    bound("events", held.events, world_.site(site).asleep ? SIZE_MAX : 0);
  }

  /// Every router knows every reachable address, at the cost of the shortest path, within the bound, and from then on.
  void converge() {
    const TimePoint begin = world_.now();
    const Duration bound = kConvergence + kRefreshEach * (options_.has(Fault::hostile) ? static_cast<std::int64_t>(options_.interiors) : 0);
    TimePoint good_since = kNever;
    std::string difference;
    while (verdict_.good()) {
      run_second();
      const auto differs = Reference{world_, services_, network_}.difference();
      if (differs) {
        difference = *differs;
        good_since = kNever;
        if (world_.now() - begin > bound) verdict_.broken("not converged: " + difference);
      } else if (good_since == kNever) {
        good_since = world_.now();
      } else if (world_.now() - good_since >= kSteady) {
        break;
      }
    }
    converged_after_ = std::chrono::duration<double>(good_since - begin).count();
  }

  void drain() {
    const TimePoint end = world_.now() + kDrain;
    while (verdict_.good() && traffic_.running() > 0 && world_.now() < end) run_second();
    if (traffic_.running() > 0) verdict_.broken(std::to_string(traffic_.running()) + " streams do not end");
  }

  void last_streams() {
    if (!verdict_.good()) return;
    traffic_.expect_strangers(false);
    const Reference reference{world_, services_, network_};
    const std::size_t sites = options_.interiors + options_.edges;
    for (int tries = 0; tries < 200; ++tries) {
      const SiteIndex site = rng_.below(sites);
      const std::string& address = any_address();
      if (!services_.producer(site, address) || !reference.reachable(site, address)) continue;
      world_.at(world_.now() + Duration{static_cast<std::int64_t>(rng_.below(5'000'000'000))}, [this, site, address] { traffic_.open(site, address, true); });
    }
    const TimePoint end = world_.now() + kLastStreams;
    while (verdict_.good() && world_.now() < end) run_second();
    if (traffic_.running() > 0) verdict_.broken(std::to_string(traffic_.running()) + " streams do not end in a calm network");
  }

  /// A quiet network keeps what it must know, and nothing else.
  void nothing_left() {
    if (!verdict_.good()) return;
    const Reference reference{world_, services_, network_};
    for (SiteIndex site = 0; site < options_.interiors + options_.edges; ++site) {
      const router::Router::Held held = world_.router(site)->held();
      const std::string& name = world_.site(site).name;
      if (held.streams > 0 || held.pending_bytes > 0) {
        verdict_.broken(name + " still holds " + std::to_string(held.streams) + " streams and " + std::to_string(held.pending_bytes) + " octets");
      }
      // Router protocol may be on its way at this very moment.
      if (held.deliveries > held.queued + 16) verdict_.broken(name + " still holds " + std::to_string(held.deliveries) + " deliveries");
      if (world_.site(site).mode == router::Mode::interior && held.nodes != reference.nodes_of(site)) {
        verdict_.broken(name + " still knows " + std::to_string(held.nodes) + " routers of " + std::to_string(reference.nodes_of(site)));
      }
    }
  }

  const Options& options_;
  Verdict verdict_;
  World world_;
  Services services_;
  Rng rng_;
  Traffic traffic_;
  Network network_;
  std::vector<std::string> addresses_;
  double converged_after_ = 0;
};

}  // namespace

Outcome run(const Options& options) { return Run{options}.go(); }

}  // namespace van::simulation
