#include "core/routing/paths.h"

#include <map>
#include <set>
#include <string>

#include "core/base/random.h"
#include "tests/core/routing/network.h"
#include "tests/core/routing/reference.h"
#include "tests/support/catch.h"

namespace van::routing {
namespace {

using Links = std::map<std::string, PeerCosts>;

void both_ways(Links& links, const std::string& a, const std::string& b, std::uint32_t cost) {
  links[a][b] = cost;
  links[b][a] = cost;
}

Paths paths_of(const Links& links, const std::string& self) {
  std::vector<Paths::Router> routers;
  for (const auto& [id, peers] : links) routers.push_back({id, &peers});
  Paths paths;
  paths.rebuild(routers, self);
  return paths;
}

std::set<std::string> valid_origins(const Paths& paths, const std::string& destination) {
  std::set<std::string> origins;
  for (Paths::Index from = 0; from != paths.size(); ++from) {
    if (paths.passes_through_self(from, paths.find(destination))) origins.insert(paths.id(from));
  }
  return origins;
}

void check_against_reference(const Links& links) {
  const test::Reference reference{links};
  for (const auto& self : links) {
    const Paths paths = paths_of(links, self.first);
    CHECK(paths.radius() == reference.radius(self.first));
    for (const auto& other : links) {
      CAPTURE(self.first, other.first);
      const Paths::Index to = paths.find(other.first);
      const auto cost = reference.cost(self.first, other.first);
      REQUIRE(paths.reachable(to) == cost.has_value());
      if (self.first == other.first) continue;
      if (cost) {
        CHECK(paths.cost(to) == *cost);
        CHECK(paths.hops(to) == reference.path(self.first, other.first).size() - 1);
        CHECK(paths.id(paths.first_hop(to)) == reference.next_hop(self.first, other.first));
      }
      CHECK(valid_origins(paths, other.first) == reference.valid_origins(self.first, other.first));
    }
  }
}

/// Control-plane section 9, set-up 12: many paths of equal cost.
Links network_12() {
  Links links;
  for (const auto& [a, b] :
       {std::pair{"N1", "N2"}, {"N1", "N3"}, {"N2", "N4"}, {"N3", "N4"}, {"N4", "N6"}, {"N5", "N6"}}) {
    both_ways(links, a, b, 1);
  }
  both_ways(links, "N3", "N5", 2);
  both_ways(links, "N6", "N1", 2);
  for (const auto* peer : {"N1", "N4", "N5"}) both_ways(links, "P", peer, 1);
  return links;
}

TEST_CASE("in a chain the middle has each end as the valid origin of the other", "[routing][paths]") {
  Links links;
  both_ways(links, "A", "P", 1);
  both_ways(links, "P", "B", 1);
  const Paths middle = paths_of(links, "P");
  CHECK(valid_origins(middle, "A") == std::set<std::string>{"B"});
  CHECK(valid_origins(middle, "B") == std::set<std::string>{"A"});
  const Paths leaf = paths_of(links, "A");
  CHECK(valid_origins(leaf, "B").empty());
  CHECK(valid_origins(leaf, "P").empty());
  CHECK(leaf.radius() == 2);
}

TEST_CASE("network 12 has the routes and valid origins worked out by hand", "[routing][paths]") {
  const Paths paths = paths_of(network_12(), "P");
  const auto next_hop = [&](const std::string& to) { return paths.id(paths.first_hop(paths.find(to))); };
  CHECK(next_hop("N1") == "N1");
  CHECK(next_hop("N2") == "N1");  // N1 and N4 are equally near: the lower id is resolved first
  CHECK(next_hop("N3") == "N1");
  CHECK(next_hop("N4") == "N4");
  CHECK(next_hop("N5") == "N5");
  CHECK(next_hop("N6") == "N4");  // not N5
  CHECK(paths.cost(paths.find("N6")) == 2);
  CHECK(paths.radius() == 2);

  CHECK(valid_origins(paths, "N1") == std::set<std::string>{"N5"});
  CHECK(valid_origins(paths, "N2") == std::set<std::string>{"N5"});
  CHECK(valid_origins(paths, "N3").empty());
  CHECK(valid_origins(paths, "N4").empty());  // N5 - N6 - N4 comes before N5 - P - N4
  CHECK(valid_origins(paths, "N5") == std::set<std::string>{"N1"});
  CHECK(valid_origins(paths, "N6").empty());
}

TEST_CASE("network 12 agrees with the reference from every router", "[routing][paths]") {
  check_against_reference(network_12());
}

TEST_CASE("links are directed: each end's own cost counts", "[routing][paths]") {
  const Links links{{"A", {{"B", 5}, {"C", 1}}}, {"B", {{"A", 1}}}, {"C", {{"B", 1}}}};
  const Paths from_a = paths_of(links, "A");
  CHECK(from_a.cost(from_a.find("B")) == 2);
  CHECK(from_a.id(from_a.first_hop(from_a.find("B"))) == "C");
  const Paths from_b = paths_of(links, "B");
  CHECK(from_b.cost(from_b.find("A")) == 1);
  CHECK(from_b.cost(from_b.find("C")) == 2);
  check_against_reference(links);
}

TEST_CASE("nothing is reachable beyond a router whose state is not known", "[routing][paths]") {
  const Links links{{"A", {{"B", 1}}}, {"B", {}}, {"C", {{"B", 1}}}};
  const Paths paths = paths_of(links, "A");
  CHECK(paths.reachable(paths.find("B")));
  CHECK_FALSE(paths.reachable(paths.find("C")));
  CHECK(paths.first_hop(paths.find("C")) == Paths::kNone);
}

TEST_CASE("peers outside the picture are left out", "[routing][paths]") {
  const Links links{{"B", {{"A", 1}, {"C", 1}, {"D", 1}}}, {"C", {}}};
  const Paths paths = paths_of(links, "B");
  CHECK(paths.size() == 2);
  CHECK(paths.reachable(paths.find("C")));
  CHECK(paths.find("A") == Paths::kNone);
  CHECK_FALSE(paths.passes_through_self(Paths::kNone, paths.find("C")));
}

TEST_CASE("ids are ordered by code point, not by letter", "[routing][paths]") {
  // Two equal paths to T, through "Z" and "a": 'Z' comes before 'a', and both before U+00E9.
  Links links;
  for (const auto* middle : {"a", "Z", "\xc3\xa9"}) {
    both_ways(links, "S", middle, 1);
    both_ways(links, middle, "T", 1);
  }
  const Paths paths = paths_of(links, "S");
  CHECK(paths.id(paths.first_hop(paths.find("T"))) == "Z");
  check_against_reference(links);
}

TEST_CASE("sums of large costs do not wrap", "[routing][paths]") {
  Links links;
  both_ways(links, "A", "B", UINT32_MAX);
  both_ways(links, "B", "C", UINT32_MAX);
  const Paths paths = paths_of(links, "A");
  CHECK(paths.cost(paths.find("C")) == 2 * std::uint64_t{UINT32_MAX});
}

TEST_CASE("random networks agree with the reference, ties included", "[routing][paths]") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Rng random{seed};
    const std::uint64_t count = 2 + random.below(9);
    const bool symmetric = random.below(3) != 0;
    const std::uint64_t cost_max = 1 + random.below(3);
    Links links;
    for (std::uint64_t i = 0; i < count; ++i) links[test::numbered("R", i)];
    for (std::uint64_t i = 0; i < count * 2; ++i) {
      const std::string a = test::numbered("R", random.below(count));
      const std::string b = test::numbered("R", random.below(count));
      const auto cost = static_cast<std::uint32_t>(1 + random.below(cost_max));
      if (a == b) continue;
      if (symmetric) {
        both_ways(links, a, b, cost);
      } else {
        links[a][b] = cost;
      }
    }
    check_against_reference(links);
  }
}

TEST_CASE("a thousand routers: each valid origin is found, each tree computed once", "[routing][paths]") {
  // A grid of 40 x 25 with equal costs: as many ties as there can be.
  Links links;
  const auto name = [](std::uint64_t x, std::uint64_t y) { return test::numbered(test::numbered("r", x) + ".", y); };
  for (std::uint64_t x = 0; x < 40; ++x) {
    for (std::uint64_t y = 0; y < 25; ++y) {
      if (x != 0) both_ways(links, name(x, y), name(x - 1, y), 1);
      if (y != 0) both_ways(links, name(x, y), name(x, y - 1), 1);
    }
  }
  const Paths paths = paths_of(links, name(20, 12));
  CHECK(paths.radius() == 20 + 12);
  std::size_t pairs = 0;
  for (Paths::Index from = 0; from != paths.size(); ++from) {
    for (Paths::Index to = 0; to != paths.size(); ++to) pairs += paths.passes_through_self(from, to) ? 1u : 0u;
  }
  CHECK(pairs > 0);
  // Every neighbour of self is an origin for whatever lies straight across.
  CHECK(paths.passes_through_self(paths.find(name(0, 12)), paths.find(name(39, 12))));
}

}  // namespace
}  // namespace van::routing
