// How a network of whole routers converges on the simulated network: from a cold start, after a link that breaks, after a
// new address; and what it costs when nothing happens. A table, then one line of JSON for each network.
//   convergence [--interiors N] [--edges N] [--shape random|line|hub] [--seed N] [--limit SIMULATED_SECONDS]
// Without --interiors: the networks of docs/scaling.md, but for the largest.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include <malloc.h>

#include "tests/simulation/reference.h"
#include "tests/simulation/services.h"
#include "tests/simulation/topology.h"
#include "tests/simulation/world.h"

using namespace van;
using namespace van::simulation;
using namespace std::chrono_literals;

namespace {

constexpr Duration kStep = 250ms;        ///< resolution of what is measured
constexpr Duration kQuiet = 60s;         ///< two rounds of RAs
constexpr std::size_t kLookedAt = 30;    ///< routers whose paths are compared with the reference; of all, what they hold

struct Case {
  Shape shape = Shape::random;
  unsigned interiors = 10, edges = 0;
  std::uint64_t seed = 1;
  unsigned limit = 300;  ///< simulated seconds for each phase
};

const char* name_of(Shape shape) { return shape == Shape::random ? "random" : shape == Shape::line ? "line" : "hub"; }

struct Phase {
  bool converged = false;
  double seconds = 0, cpu = 0;  ///< simulated; of all sites together
  std::uint64_t messages = 0, octets = 0;
};

class Bench {
 public:
  explicit Bench(const Case& subject) : case_{subject}, world_{subject.seed, false}, services_{world_}, rng_{world_.rng().next()} {}

  void go() {
    const std::size_t memory_before = mallinfo2().uordblks;
    network_ = build(world_, {.interiors = case_.interiors, .edges = case_.edges, .shape = case_.shape, .uplinks_max = 1}, rng_);
    for (const SiteIndex site : network_.interiors) services_.expose(site, "service-of-" + world_.site(site).name, 0);
    for (std::size_t i = 0; i < network_.edges.size(); i += 10) services_.expose(network_.edges[i], "service-of-" + world_.site(network_.edges[i]).name, 0);
    for (std::size_t i = 0; i < std::min(kLookedAt, network_.interiors.size()); ++i) looked_at_.push_back(network_.interiors[i * network_.interiors.size() / kLookedAt % network_.interiors.size()]);
    addresses_ = network_.interiors.size() + network_.edges.size() + (network_.edges.size() + 9) / 10;

    const Phase cold = measure([] {});
    const std::size_t memory = (mallinfo2().uordblks - memory_before) / world_.sites();
    const Phase quiet = measure_quiet();
    const Phase broken = measure([this] { world_.set_enabled(network_.wires[network_.interiors.size() / 2], false); });
    const Phase fresh = measure([this] {
      services_.expose(network_.interiors.back(), "fresh", 0);
      ++addresses_;
    });
    print("cold start", cold);
    print("60 s of quiet", quiet);
    print("a link breaks", broken);
    print("a new address", fresh);
    std::printf("memory per site: %.2f MB\n", static_cast<double>(memory) / 1e6);
    std::printf("{\"shape\":\"%s\",\"interiors\":%u,\"edges\":%u,\"memory_per_site\":%zu,", name_of(case_.shape), case_.interiors, case_.edges, memory);
    json("cold", cold);
    json(",\"quiet", quiet);
    json(",\"link", broken);
    json(",\"address", fresh);
    std::printf("}\n\n");
    std::fflush(stdout);
  }

 private:
  template <class Change>
  Phase measure(Change change) {
    const TimePoint begin = world_.now();
    Phase phase = counted();
    std::clock_t cpu = std::clock();
    change();
    std::clock_t spent = std::clock() - cpu;
    while (world_.now() - begin < std::chrono::seconds{case_.limit}) {
      cpu = std::clock();
      world_.run_until(world_.now() + kStep);
      spent += std::clock() - cpu;
      if (!converged()) continue;
      phase.converged = true;
      break;
    }
    return difference(phase, begin, spent);
  }

  Phase measure_quiet() {
    world_.run_until(world_.now() + 40s);  // the flux after the last change is over
    const TimePoint begin = world_.now();
    Phase phase = counted();
    const std::clock_t cpu = std::clock();
    world_.run_until(begin + kQuiet);
    phase.converged = true;
    return difference(phase, begin, std::clock() - cpu);
  }

  [[nodiscard]] Phase counted() const {
    Phase phase{.messages = world_.messages()};
    for (WireIndex wire = 0; wire < world_.wires(); ++wire) phase.octets += world_.wire(wire).octets;
    return phase;
  }
  Phase difference(Phase before, TimePoint begin, std::clock_t cpu) const {
    const Phase after = counted();
    return {.converged = before.converged,
            .seconds = std::chrono::duration<double>(world_.now() - begin).count(),
            .cpu = static_cast<double>(cpu) / CLOCKS_PER_SEC,
            .messages = after.messages - before.messages,
            .octets = after.octets - before.octets};
  }

  /// What all hold is counted first, which is cheap.
  [[nodiscard]] bool converged() {
    const bool parted = case_.shape != Shape::random && world_.wires() > 0 && !world_.wire(network_.wires[network_.interiors.size() / 2]).enabled;
    for (const SiteIndex site : network_.interiors) {
      const router::Router::Held held = world_.router(site)->held();
      std::size_t own = 1 + (site == network_.interiors.back() && services_.exposures(site).contains("fresh") ? 1 : 0);
      for (const WireIndex wire : world_.site(site).wires) {
        const SiteIndex edge = world_.wire(wire).ends[0].site;
        if (world_.wire(wire).role == router::PeerRole::edge) own += 1 + services_.exposures(edge).size();
      }
      if (!parted && (held.nodes + 1 != network_.interiors.size() || held.remote_addresses + own != addresses_)) return false;
    }
    return !Reference{world_, services_, network_, looked_at_}.difference();
  }

  void print(const char* what, const Phase& phase) const {
    const double sites = static_cast<double>(world_.sites());
    std::printf("%-14s %s after %7.2f s %10.1f messages per site %9.1f kB per link %10.2f ms CPU per site\n", what, phase.converged ? "done" : "NOT ", phase.seconds,
                static_cast<double>(phase.messages) / sites, static_cast<double>(phase.octets) / 1e3 / static_cast<double>(world_.wires()), phase.cpu * 1e3 / sites);
  }
  void json(const char* name, const Phase& phase) const {
    const double sites = static_cast<double>(world_.sites());
    std::printf("%s%s\":{\"converged\":%s,\"seconds\":%.2f,\"messages_per_site\":%.1f,\"octets_per_link\":%.0f,\"cpu_ms_per_site\":%.2f}", *name == ',' ? "" : "\"", name,
                phase.converged ? "true" : "false", phase.seconds, static_cast<double>(phase.messages) / sites,
                static_cast<double>(phase.octets) / static_cast<double>(world_.wires()), phase.cpu * 1e3 / sites);
  }

  const Case& case_;
  World world_;
  Services services_;
  Rng rng_;
  Network network_;
  std::vector<SiteIndex> looked_at_;
  std::size_t addresses_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Case only{.interiors = 0};
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view word = argv[i], value = argv[i + 1];
    const auto number = [&](auto& to) { std::from_chars(value.data(), value.data() + value.size(), to); };
    if (word == "--interiors") number(only.interiors);
    else if (word == "--edges") number(only.edges);
    else if (word == "--seed") number(only.seed);
    else if (word == "--limit") number(only.limit);
    else if (word == "--shape") only.shape = value == "line" ? Shape::line : value == "hub" ? Shape::hub : Shape::random;
  }
  std::vector<Case> cases{only};
  if (only.interiors == 0) {
    cases = {{.interiors = 10}, {.interiors = 100}, {.shape = Shape::line, .interiors = 100}, {.shape = Shape::hub, .interiors = 100}, {.interiors = 100, .edges = 1000}};
  }
  for (const Case& each : cases) {
    std::printf("%s, %u interiors, %u edges\n", name_of(each.shape), each.interiors, each.edges);
    Bench{each}.go();
  }
  return 0;
}
