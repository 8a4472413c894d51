#include "tests/core/routing/network.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "tests/core/routing/reference.h"
#include "tests/support/catch.h"

// Whole networks: every router agrees with the reference, and multicast along valid origins reaches each router once.
namespace van::routing {
namespace {

using namespace std::chrono_literals;

/// A copy of a message from `ingress`, at a router, on its way along the links that `links_of` gives.
template <class LinksOf>
void spread(test::Network& net, const std::string& at, const std::string& ingress, std::vector<std::string> trace,
            std::map<std::string, int>& copies, const LinksOf& links_of) {
  ++copies[at];
  if (copies[at] > 3) return;  // wrong already: do not run away
  REQUIRE(trace.size() <= net[at].radius() + 1);
  const std::vector<LinkNo> links = links_of(net[at], node_name(ingress), trace);
  trace.push_back(node_name(at));
  for (const LinkNo link : links) spread(net, net.far_end(at, link), ingress, trace, copies, links_of);
}

void check_routes(test::Network& net) {
  const test::Reference reference{net.cables()};
  for (const std::string& self : net.ids()) {
    ControlPlane& plane = net[self];
    CHECK(plane.radius() == reference.radius(self));
    for (const std::string& other : net.ids()) {
      if (self == other) continue;
      CAPTURE(self, other);
      CHECK(plane.path_cost(other) == reference.cost(self, other));
      const auto link = plane.next_hop(other);
      REQUIRE(link.has_value() == reference.cost(self, other).has_value());
      if (!link) continue;
      CHECK(net.far_end(self, *link) == reference.next_hop(self, other));
      const auto expected = reference.valid_origins(self, other);
      CHECK(plane.valid_origins(other) == std::vector<std::string>{expected.begin(), expected.end()});
    }
  }
}

/// Each router that can be reached gets one copy of a control multicast, and one of a delivery to an address it has;
/// flood reaches all as well, as often as there are ways.
void check_multicast(test::Network& net, const AddressKey& key, const std::set<std::string>& consumers) {
  for (const std::string& origin : net.ids()) {
    CAPTURE(origin);
    std::map<std::string, int> control;
    spread(net, origin, origin, {}, control,
           [](ControlPlane& at, const std::string& ingress, const std::vector<std::string>& trace) {
             return at.multicast_links(ingress, trace);
           });
    std::map<std::string, int> data;
    spread(net, origin, origin, {}, data,
           [&](ControlPlane& at, const std::string& ingress, const std::vector<std::string>& trace) {
             return at.multicast_links_for(key, ingress, trace);
           });
    for (const std::string& id : net.ids()) {
      CAPTURE(id);
      const bool reachable = id == origin || net[origin].reachable(id);
      CHECK(control[id] == (reachable ? 1 : 0));
      if (consumers.contains(id) && reachable) CHECK(data[id] == 1);
      CHECK(data[id] <= 1);
    }
  }
}

TEST_CASE("network 12: six routers and P agree with the reference, and multicast reaches each once",
          "[routing][network]") {
  test::Network net;
  for (const auto* id : {"N1", "N2", "N3", "N4", "N5", "N6", "P"}) net.add(id);
  for (const auto& [a, b] :
       {std::pair{"N1", "N2"}, {"N1", "N3"}, {"N2", "N4"}, {"N3", "N4"}, {"N4", "N6"}, {"N5", "N6"}})
    net.connect(a, b);
  net.connect("N3", "N5", 2);
  net.connect("N6", "N1", 2);
  for (const auto* peer : {"N1", "N4", "N5"}) net.connect("P", peer);
  const std::set<std::string> consumers{"N2", "N5", "N6", "P"};
  for (const std::string& id : consumers) net.set_address(id, "Mmc/x");
  net.advance(15s);
  check_routes(net);
  check_multicast(net, test::key_of("Mmc/x"), consumers);
  CHECK(net["P"].valid_origins("N1") == std::vector<std::string>{"N5"});
  CHECK(net["P"].valid_origins("N4").empty());
  CHECK(net["P"].next_hop("N6") == net.link("P", "N4"));
}

/// A connected network with some extra links and, in half of the seeds, equal costs everywhere.
std::set<std::string> build(test::Network& net, Rng& random) {
  const std::uint64_t count = 3 + random.below(10);
  const std::uint64_t cost_max = random.below(2) == 0 ? 1 : 3;
  const auto cost = [&] { return static_cast<std::uint32_t>(1 + random.below(cost_max)); };
  const auto name = [](std::uint64_t i) { return test::numbered("R", i); };
  std::set<std::pair<std::uint64_t, std::uint64_t>> pairs;
  std::set<std::string> consumers;
  for (std::uint64_t i = 0; i != count; ++i) {
    net.add(name(i));
    if (i != 0) pairs.insert({random.below(i), i});
  }
  for (std::uint64_t i = 0; i != count; ++i) {
    const std::uint64_t a = random.below(count);
    const std::uint64_t b = random.below(count);
    if (a != b) pairs.insert({std::min(a, b), std::max(a, b)});
  }
  for (const auto& [a, b] : pairs) {
    net.connect(name(a), name(b), cost());
    net.advance(std::chrono::milliseconds{random.below(300)});
  }
  for (std::uint64_t i = 0; i != count; ++i) {
    if (random.below(2) == 0) continue;
    consumers.insert(name(i));
    net.set_address(name(i), "Mmc/x");
  }
  return consumers;
}

void check_addresses(test::Network& net, const std::set<std::string>& consumers) {
  for (const std::string& id : net.ids()) {
    CAPTURE(id);
    std::set<std::string> known;
    for (const RemoteNode& node : net[id].remote_nodes(test::key_of("Mmc/x"))) {
      CHECK(node.reachable);
      known.emplace(node.id);
    }
    std::set<std::string> expected;
    for (const std::string& consumer : consumers) {
      if (consumer != id && net[id].reachable(consumer)) expected.insert(consumer);
    }
    CHECK(known == expected);
  }
}

std::uint64_t first_seed() {
  const char* given = std::getenv("VAN_SEED");
  return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
}

TEST_CASE("random networks settle to the reference, and again after cuts, restarts and losses", "[routing][network]") {
  for (std::uint64_t seed = first_seed(); seed != first_seed() + 15; ++seed) {
    CAPTURE(seed);
    Rng random{seed};
    test::Network net{seed};
    net.set_delay_max(std::chrono::milliseconds{1 + random.below(80)});
    const auto consumers = build(net, random);
    net.advance(20s);
    check_routes(net);
    check_multicast(net, test::key_of("Mmc/x"), consumers);
    check_addresses(net, consumers);

    for (int change = 0; change != 4; ++change) {
      const auto ids = net.ids();
      const std::string a = ids[random.below(ids.size())];
      const std::string b = ids[random.below(ids.size())];
      switch (random.below(4)) {
        case 0:
          net.restart(a);
          if (consumers.contains(a)) net.set_address(a, "Mmc/x");
          break;
        case 1:
          if (a != b) net.cut(a, b);
          break;
        case 2:
          if (a != b && !net.cables()[a].contains(b))
            net.connect(a, b, static_cast<std::uint32_t>(1 + random.below(3)));
          break;
        default:
          net.lose([&random](const test::Transit&) { return random.below(4) == 0; });
          break;
      }
      net.advance(std::chrono::milliseconds{random.below(4000)});
    }
    net.lose_nothing();
    net.advance(100s);  // a message that was lost is made up for by the next RA, and old state ages
    check_routes(net);
    check_multicast(net, test::key_of("Mmc/x"), consumers);
    check_addresses(net, consumers);
  }
}

TEST_CASE("a grid of 36 routers, all ties, settles, and an RA crosses each link a few times only",
          "[routing][network]") {
  test::Network net;
  net.set_check_invariants(false);
  const auto name = [](std::uint64_t x, std::uint64_t y) { return test::numbered(test::numbered("g", x), y); };
  std::set<std::string> consumers;
  std::size_t links = 0;
  for (std::uint64_t x = 0; x != 6; ++x) {
    for (std::uint64_t y = 0; y != 6; ++y) {
      net.add(name(x, y));
      if (x != 0) net.connect(name(x, y), name(x - 1, y));
      if (y != 0) net.connect(name(x, y), name(x, y - 1));
      links += (x != 0 ? 1u : 0u) + (y != 0 ? 1u : 0u);
      if ((x * 6 + y) % 5 != 0) continue;
      net.set_address(name(x, y), "Mmc/x");
      consumers.insert(name(x, y));
    }
  }
  net.advance(25s);
  const test::Reference reference{net.cables()};
  const std::string self = name(2, 3);
  CHECK(net[self].radius() == reference.radius(self));
  for (const std::string& other : net.ids()) {
    if (other == self) continue;
    CAPTURE(other);
    CHECK(net[self].path_cost(other) == reference.cost(self, other));
    REQUIRE(net[self].next_hop(other).has_value());
    CHECK(net.far_end(self, *net[self].next_hop(other)) == reference.next_hop(self, other));
  }
  check_multicast(net, test::key_of("Mmc/x"), consumers);

  std::size_t copies = 0;
  net.watch([&](const test::Transit& t) { copies += opcode_of(t.message) == "RA" && t.ingress == "0/g00" ? 1u : 0u; });
  net.advance(30s);
  CHECK(copies >= net.ids().size() - 1);
  CHECK(copies <= 3 * 2 * links);
}

/// A message of a small world, so that it often concerns what is known.
Message random_message(Rng& random) {
  const auto id = [&] { return std::string{"ABCDS"}.substr(random.below(5), 1); };
  const auto key = [&] {
    return test::key_of(std::string{"MHRL"}.substr(random.below(4), 1) + std::to_string(random.below(5)));
  };
  const auto number = [&] { return static_cast<std::int64_t>(random.below(5)) - (random.below(20) == 0 ? 2 : 0); };
  const auto instance = [&] { return static_cast<std::int64_t>(random.below(20) == 0 ? random.below(3) : 1); };
  const auto pv = [&](std::int64_t usual) { return random.below(30) == 0 ? std::int64_t{9} : usual; };
  PeerCosts peers;
  std::vector<AddressDescriptor> descriptors;
  for (std::uint64_t i = random.below(4); i != 0; --i) {
    peers[id()] = static_cast<std::uint32_t>(random.below(20) == 0 ? 0 : 1 + random.below(3));
    descriptors.push_back({.key = key(), .treatment = treatment_of_number(static_cast<std::int64_t>(random.below(6)))});
  }
  switch (random.below(7)) {
    case 0:
      return Hello{.id = id(), .pv = pv(1), .instance = instance(), .seen = {id(), id()}};
    case 1:
      return Ra{.id = id(), .pv = pv(1), .instance = instance(), .ls_seq = number(), .mobile_seq = number()};
    case 2:
      return Lsr{.id = id(), .pv = pv(1)};
    case 3:
      return Lsu{.id = id(), .pv = pv(1), .instance = instance(), .ls_seq = number(), .peers = peers};
    case 4:
      return Mar{.id = id(), .pv = pv(2), .have_seq = number()};
    case 5:
      return Mau{.id = id(), .pv = pv(2), .mobile_seq = number(), .content = Mau::Absolute{descriptors}};
    default:
      return Mau{.id = id(), .pv = pv(2), .mobile_seq = number(), .content = Mau::Differential{descriptors, {key()}}};
  }
}

/// Events are a faithful diary: applied to nothing they give what the queries say.
struct Diary {
  std::set<std::string> neighbours;
  std::set<std::string> reachable;
  std::set<std::pair<AddressKey, std::string>> addresses;

  void read(ControlPlane& plane) {
    while (const auto event = plane.poll_event()) {
      if (const auto* up = std::get_if<event::NeighbourUp>(&*event)) neighbours.insert(up->id);
      if (const auto* down = std::get_if<event::NeighbourDown>(&*event)) CHECK(neighbours.erase(down->id) == 1);
      if (const auto* on = std::get_if<event::NodeReachable>(&*event)) CHECK(reachable.insert(on->id).second);
      if (const auto* off = std::get_if<event::NodeUnreachable>(&*event)) CHECK(reachable.erase(off->id) == 1);
      if (const auto* added = std::get_if<event::AddressAdded>(&*event)) addresses.insert({added->key, added->node});
      if (const auto* gone = std::get_if<event::AddressRemoved>(&*event))
        CHECK(addresses.erase({gone->key, gone->node}) == 1);
    }
  }
  void compare(const ControlPlane& plane) const {
    std::set<std::string> neighbours_now;
    std::set<std::string> reachable_now;
    std::size_t addresses_now = 0;
    for (const NodeStatus& node : plane.nodes()) {
      if (node.neighbour) neighbours_now.insert(node.id);
      if (node.reachable) reachable_now.insert(node.id);
      addresses_now += node.addresses;
    }
    CHECK(neighbours == neighbours_now);
    CHECK(reachable == reachable_now);
    CHECK(addresses.size() == addresses_now);
    for (const auto& entry : addresses) CHECK(plane.has_remote(entry.first));
  }
};

TEST_CASE("whatever peers say in whatever order, the invariants hold and the events tell the whole story",
          "[routing][network]") {
  for (std::uint64_t seed = first_seed(); seed != first_seed() + 40; ++seed) {
    CAPTURE(seed);
    Rng random{seed};
    ControlPlane plane{{.id = "S", .instance = 1}};
    TimePoint now{};
    Diary diary;
    std::vector<LinkNo> up;
    std::uint32_t last_link = 0;
    for (int i = 0; i != 600; ++i) {
      now += std::chrono::milliseconds{random.below(400)};
      const auto link = [&] { return up.empty() ? LinkNo{999} : up[random.below(up.size())]; };
      switch (random.below(random.below(10) == 0 ? 4 : 20)) {
        case 0:
          if (up.size() == 4) break;
          up.push_back(LinkNo{++last_link});
          plane.link_up(up.back(), 1, now);
          break;
        case 1: {
          const LinkNo gone = link();
          plane.link_down(gone, now);
          std::erase(up, gone);
          break;
        }
        case 2:
          plane.link_cost_changed(link(), static_cast<std::uint32_t>(1 + random.below(5)), now);
          break;
        case 3:
          plane.set_local_address(test::key_of(test::numbered("M", random.below(3))), {}, now);
          break;
        case 4:
          plane.remove_local_address(test::key_of(test::numbered("M", random.below(3))), now);
          break;
        default:
          plane.receive(link(), random_message(random), now);
          break;
      }
      if (plane.next_deadline() <= now) plane.handle_deadline(now);
      REQUIRE(plane.next_deadline() > now);
      plane.check_invariants();
      diary.read(plane);
      diary.compare(plane);
      while (const auto out = plane.poll_output()) {
        for (const LinkNo to : out->links) CHECK(std::find(up.begin(), up.end(), to) != up.end());
      }
    }
    for (const LinkNo last : up) plane.link_down(last, now);
    for (int i = 0; i != 5 && plane.next_deadline() != kNever; ++i) plane.handle_deadline(plane.next_deadline());
    CHECK(plane.next_deadline() == kNever);
    diary.read(plane);
    diary.compare(plane);
    CHECK(plane.nodes().empty());
  }
}

TEST_CASE("an order of events gives the same network each time", "[routing][network]") {
  const auto run = [] {
    std::vector<std::string> sent;
    Rng random{7};
    test::Network net{7};
    net.watch([&](const test::Transit& t) {
      sent.push_back(t.from + ">" + t.to_router + " " + std::string{opcode_of(t.message)});
    });
    build(net, random);
    net.advance(10s);
    return sent;
  };
  CHECK(run() == run());
}

TEST_CASE("a network that has settled says little", "[routing][network]") {
  test::Network net;
  for (const auto* id : {"A", "B", "C"}) net.add(id);
  net.connect("A", "B");
  net.connect("B", "C");
  net.set_address("C", "Mx");
  net.advance(30s);
  std::map<std::string, int> sent;
  net.watch([&](const test::Transit& t) { ++sent[std::string{opcode_of(t.message)}]; });
  net.advance(30s);
  CHECK(sent["HELLO"] == 4 * 30);
  CHECK(sent["RA"] == 6);  // three routers, each over two links
  // Each asks one of the two others every five seconds, and A and C are two links apart; only C has addresses to tell.
  CHECK(sent["LSR"] == 6 * (1 + 1 + 1) + 3 * (1 + 1));
  CHECK(sent["LSU"] == sent["LSR"]);
  CHECK(sent["MAR"] == sent["LSR"]);
  CHECK(sent["MAU"] == 3 * (2 + 1));
}

}  // namespace
}  // namespace van::routing
