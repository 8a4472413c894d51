#include "core/base/limits.h"
#include "core/routing/local_addresses.h"
#include "core/routing/remote_addresses.h"
#include "tests/core/routing/network.h"
#include "tests/core/routing/scripted_peer.h"
#include "tests/support/catch.h"

// MAU and MAR: control-plane 3.7.
namespace van::routing {
namespace {

using namespace std::chrono_literals;
using test::key_of;
using test::only;

Mau absolute(std::int64_t sequence, std::vector<AddressDescriptor> exist, std::string id = "A") {
  return {.id = std::move(id), .mobile_seq = sequence, .content = Mau::Absolute{std::move(exist)}};
}
Mau differential(std::int64_t sequence, std::vector<AddressDescriptor> add, std::vector<AddressKey> del = {}) {
  return {.id = "A", .mobile_seq = sequence, .content = Mau::Differential{std::move(add), std::move(del)}};
}
AddressDescriptor describe(std::string_view key, std::optional<Treatment> treatment = std::nullopt) {
  return {.key = key_of(key), .treatment = treatment};
}

TEST_CASE("an address offered at one end of a chain is known at the other, with its attributes", "[routing][mobile]") {
  test::Network net;
  for (const auto* id : {"A", "B", "C"}) net.add(id);
  net.connect("A", "B");
  net.connect("B", "C", 3);
  net.advance(8s);
  net.set_address("C", "Msvc", {.treatment = Treatment::closest, .producers = 2, .mesh = "mesh-1", .cost = 7});
  net.advance(1100ms);
  const auto nodes = net["A"].remote_nodes(key_of("Msvc"));
  REQUIRE(nodes.size() == 1);
  CHECK(nodes[0].id == "C");
  CHECK(nodes[0].reachable);
  CHECK(nodes[0].path_cost == 4);
  CHECK(nodes[0].exposure_cost == 7);
  CHECK(nodes[0].mesh == "mesh-1");
  CHECK(nodes[0].next_hop == net.link("A", "B"));
  CHECK(net["A"].treatment(key_of("Msvc")) == Treatment::closest);
  CHECK(net["A"].remote_keys() == std::vector{key_of("Msvc")});
  CHECK(only<event::AddressAdded>(net.take_events("A")) == std::vector<event::AddressAdded>{{key_of("Msvc"), "C"}});

  net.remove_address("C", "Msvc");
  net.advance(1100ms);
  CHECK(net["A"].remote_nodes(key_of("Msvc")).empty());
  CHECK(only<event::AddressRemoved>(net.take_events("A")) == std::vector<event::AddressRemoved>{{key_of("Msvc"), "C"}});
}

TEST_CASE("changes of one second go out as one update, then the RA with its number", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.turn(5s);
  peer.take();
  peer.plane().set_local_address(key_of("Mone"), {}, peer.now());
  peer.turn(500ms);
  peer.plane().set_local_address(key_of("Mtwo"), {.treatment = Treatment::closest}, peer.now());
  peer.plane().set_local_address(key_of("Mgone"), {}, peer.now());
  peer.plane().remove_local_address(key_of("Mgone"), peer.now());  // not mentioned
  peer.turn(400ms);
  CHECK(peer.take_only<Mau>().empty());
  peer.turn(100ms);
  auto out = peer.take();
  std::erase_if(out, [](const Outgoing& o) { return std::holds_alternative<Hello>(o.message); });
  REQUIRE(out.size() == 2);
  CHECK(out[0].to == "_topo/0/all/qdrouter.ma");
  CHECK(std::get<Mau>(out[0].message) ==
        Mau{.id = "S",
            .pv = 2,
            .mobile_seq = 1,
            .content =
                Mau::Differential{{describe("Mone", Treatment::balanced), describe("Mtwo", Treatment::closest)}, {}}});
  CHECK(std::get<Ra>(out[1].message).mobile_seq == 1);
}

TEST_CASE("an update that cancels out is not sent and takes no number", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.plane().set_local_address(key_of("Mx"), {}, peer.now());
  peer.turn(2s);
  CHECK(peer.take_only<Mau>().size() == 1);
  peer.plane().set_local_address(key_of("Mx"), {.cost = 5}, peer.now());
  peer.plane().set_local_address(key_of("Mx"), {}, peer.now());
  peer.plane().set_local_address(key_of("My"), {}, peer.now());
  peer.plane().remove_local_address(key_of("My"), peer.now());
  peer.turn(2s);
  CHECK(peer.take_only<Mau>().empty());
  CHECK(peer.plane().mobile_seq() == 1);

  peer.plane().set_local_address(key_of("Mx"), {.cost = 5}, peer.now());  // a changed attribute is a new add
  peer.turn(2s);
  const auto updates = peer.take_only<Mau>();
  REQUIRE(updates.size() == 1);
  CHECK(std::get<Mau::Differential>(updates[0].content).add.at(0).cost == 5);
}

TEST_CASE("keys that are none of the network's business are never told", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  for (const auto* key : {"M$management", "Lx", "Tqdrouter", "RA"})
    peer.plane().set_local_address(key_of(key), {}, peer.now());
  peer.turn(3s);
  CHECK(peer.take_only<Mau>().empty());
  CHECK(peer.plane().mobile_seq() == 0);
}

TEST_CASE("an absolute update describes the state of its number: pending changes are not in it", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.plane().set_local_address(key_of("Mold"), {}, peer.now());
  peer.turn(2s);
  peer.take();
  peer.plane().set_local_address(key_of("Mnew"), {}, peer.now());
  peer.plane().remove_local_address(key_of("Mold"), peer.now());
  peer.say(Mar{.id = "A", .have_seq = 0});
  const auto out = peer.take();
  REQUIRE(out.size() == 1);
  CHECK(out[0].to == "amqp:/_topo/0/A/qdrouter.ma");
  CHECK(std::get<Mau>(out[0].message) ==
        Mau{.id = "S", .mobile_seq = 1, .content = Mau::Absolute{{describe("Mold", Treatment::balanced)}}});
  peer.say(Mar{.id = "A", .have_seq = 1});
  CHECK(peer.take().empty());
}

TEST_CASE("a differential update applies in sequence, adding before deleting", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(differential(1, {describe("Ma"), describe("Mb")}));
  peer.say(differential(2, {describe("Mc"), describe("Md")}, {key_of("Ma"), key_of("Md")}));
  CHECK_FALSE(peer.plane().has_remote(key_of("Ma")));
  CHECK(peer.plane().has_remote(key_of("Mb")));
  CHECK(peer.plane().has_remote(key_of("Mc")));
  CHECK_FALSE(peer.plane().has_remote(key_of("Md")));
  peer.turn(2s);
  CHECK(peer.take_only<Mar>().empty());
}

TEST_CASE("a gap is not applied, but asked about once", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(differential(1, {describe("Ma")}));
  peer.say(differential(3, {describe("Mc")}));
  peer.say(differential(4, {describe("Md")}));
  CHECK_FALSE(peer.plane().has_remote(key_of("Mc")));
  CHECK(peer.take_only<Mar>().empty());
  peer.turn(1s);
  CHECK(peer.take_only<Mar>() == std::vector{Mar{.id = "S", .have_seq = 1}});
  peer.say(absolute(4, {describe("Mc"), describe("Md")}));
  CHECK_FALSE(peer.plane().has_remote(key_of("Ma")));
  CHECK(peer.plane().has_remote(key_of("Md")));
  peer.say(differential(5, {describe("Me")}));
  CHECK(peer.plane().has_remote(key_of("Me")));
  peer.turn(3s);
  CHECK(peer.take_only<Mar>().empty());
}

TEST_CASE("a lost update is repaired through the network", "[routing][mobile]") {
  test::Network net;
  for (const auto* id : {"A", "B", "C"}) net.add(id, {.timings = {.refresh_interval = 1h}});
  net.connect("A", "B");
  net.connect("B", "C");
  net.advance(20s);
  net.lose([](const test::Transit& t) { return opcode_of(t.message) == "MAU"; });
  net.set_address("C", "Mx");
  net.advance(1500ms);
  CHECK_FALSE(net["A"].has_remote(key_of("Mx")));
  net.lose_nothing();
  net.advance(3s);  // C's RA told of the number; A's request is repeated
  CHECK(net["A"].has_remote(key_of("Mx")));

  // Only the update is lost, and then comes another one.
  net.lose([](const test::Transit& t) { return opcode_of(t.message) == "MAU" || opcode_of(t.message) == "RA"; });
  net.set_address("C", "My");
  net.advance(1500ms);
  net.lose([](const test::Transit& t) { return opcode_of(t.message) == "RA"; });
  std::size_t requests = 0;
  net.watch([&](const test::Transit& t) { requests += t.from == "A" && opcode_of(t.message) == "MAR" ? 1u : 0u; });
  net.set_address("C", "Mz");
  net.advance(3s);
  CHECK(net["A"].has_remote(key_of("My")));
  CHECK(net["A"].has_remote(key_of("Mz")));
  CHECK(requests == 1);
}

TEST_CASE("an absolute update replaces everything, even under a lower number", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(absolute(9, {describe("Ma"), describe("Mb")}));
  peer.take_events();
  peer.say(absolute(3, {describe("Mb"), describe("Mc")}));
  const auto events = peer.take_events();
  CHECK(only<event::AddressRemoved>(events) == std::vector<event::AddressRemoved>{{key_of("Ma"), "A"}});
  CHECK(only<event::AddressAdded>(events) == std::vector<event::AddressAdded>{{key_of("Mc"), "A"}});
  peer.say(differential(4, {describe("Md")}));
  CHECK(peer.plane().has_remote(key_of("Md")));
}

TEST_CASE("an update of a router without node entry is ignored until HELLO or RA came", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(absolute(1, {describe("Mx")}, "B"));
  CHECK_FALSE(peer.plane().has_remote(key_of("Mx")));
  CHECK_FALSE(peer.plane().known_node("B"));
  peer.say(Ra{.id = "B", .instance = 1, .mobile_seq = 1});
  peer.say(absolute(1, {describe("Mx")}, "B"));
  CHECK(peer.plane().has_remote(key_of("Mx")));
  peer.say(absolute(1, {describe("Mown")}, "S"));
  CHECK_FALSE(peer.plane().has_remote(key_of("Mown")));
}

TEST_CASE("an RA with a higher mobile number leads to a MAR at the next tick, a lower one to nothing",
          "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(absolute(5, {}));
  peer.say(Ra{.id = "A", .instance = 7, .mobile_seq = 4});
  peer.turn(2s);
  CHECK(peer.take_only<Mar>().empty());
  peer.say(Ra{.id = "A", .instance = 7, .mobile_seq = 6});
  CHECK(peer.take_only<Mar>().empty());
  peer.turn(1s);
  CHECK(peer.take_only<Mar>() == std::vector{Mar{.id = "S", .have_seq = 5}});

  peer.say(Ra{.id = "A", .instance = 7, .mobile_seq = 7});
  peer.say(absolute(7, {}));  // the update overtook the tick
  peer.turn(2s);
  CHECK(peer.take_only<Mar>().empty());
}

TEST_CASE("addresses outlive their router's reachability by the holdoff", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.turn(3s);
  peer.say(absolute(5, {describe("Mx"), describe("My")}));
  peer.take_events();
  peer.plane().link_down(LinkNo{1}, peer.now());
  peer.up(LinkNo{2});  // somebody else
  peer.run();
  auto nodes = peer.plane().remote_nodes(key_of("Mx"));
  REQUIRE(nodes.size() == 1);
  CHECK_FALSE(nodes[0].reachable);
  CHECK_FALSE(nodes[0].next_hop);
  CHECK(only<event::NodeUnreachable>(peer.take_events()).size() == 1);
  peer.turn_silent(999ms);
  CHECK(peer.plane().has_remote(key_of("Mx")));
  peer.turn_silent(1ms);
  CHECK_FALSE(peer.plane().has_remote(key_of("Mx")));
  CHECK(only<event::AddressRemoved>(peer.take_events()).size() == 2);

  // It comes back: its stored number is 0, so it is asked for everything.
  peer.take();
  peer.say_hello(7, LinkNo{2});
  peer.turn_silent(1s);
  CHECK(peer.take_only<Mar>() == std::vector{Mar{.id = "S", .have_seq = 0}});
}

TEST_CASE("addresses survive an outage shorter than the holdoff", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.turn(3s);
  peer.say(absolute(5, {describe("Mx")}));
  peer.take_events();
  peer.plane().link_down(LinkNo{1}, peer.now());
  peer.up(LinkNo{2});
  peer.run();
  peer.say_hello(7, LinkNo{2});
  peer.turn_silent(1s);
  CHECK(peer.plane().remote_nodes(key_of("Mx")).at(0).reachable);
  CHECK(only<event::AddressRemoved>(peer.take_events()).empty());
}

TEST_CASE("a learned address has its configured treatment, else the first hint, else balanced", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(Ra{.id = "B", .instance = 1, .mobile_seq = 1});
  peer.say(absolute(1, {describe("Mmc/x", Treatment::balanced), describe("Mhint", Treatment::closest),
                        describe("Mnone"), describe("HE", Treatment::balanced)}));
  peer.say(absolute(1, {describe("Mhint", Treatment::multicast)}, "B"));
  CHECK(peer.plane().treatment(key_of("Mmc/x")) == Treatment::multicast);
  CHECK(peer.plane().treatment(key_of("Mhint")) == Treatment::closest);
  CHECK(peer.plane().treatment(key_of("Mnone")) == Treatment::balanced);
  CHECK(peer.plane().treatment(key_of("HE")) == Treatment::closest);
  CHECK(peer.plane().treatment(key_of("Munknown")) == Treatment::balanced);
  peer.plane().set_local_address(key_of("Mhint"), {.treatment = Treatment::balanced}, peer.now());
  CHECK(peer.plane().treatment(key_of("Mhint")) == Treatment::balanced);
  CHECK(peer.plane().remote_nodes(key_of("Mhint")).size() == 2);
}

TEST_CASE("an address hinted unavailable is not created", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.plane().set_local_address(key_of("Mlocal"), {}, peer.now());
  peer.say(absolute(1, {describe("Mx", Treatment::unavailable), describe("Mlocal", Treatment::unavailable)}));
  CHECK_FALSE(peer.plane().has_remote(key_of("Mx")));
  CHECK(peer.plane().has_remote(key_of("Mlocal")));  // known here: its treatment stays
}

TEST_CASE("a router can't advertise addresses that are not for advertising", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(absolute(
      1, {describe("M$management"), describe("Lqdrouter"), describe("RB"), describe("Tqdrouter.ma"), describe("HE")}));
  CHECK(only<event::AddressAdded>(peer.take_events()) == std::vector<event::AddressAdded>{{key_of("HE"), "A"}});
}

TEST_CASE("remote routers come by reachability, then cost, then id", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 1, .peers = {{"S", 1}, {"D", 1}, {"C", 1}, {"B", 3}}});
  peer.turn(1s);
  for (const auto* id : {"E", "D", "C", "B", "A"}) {
    peer.say(Ra{.id = id, .instance = 7, .ls_seq = 1, .mobile_seq = 1});
    peer.say(absolute(1, {describe("Mx")}, id));
  }
  std::vector<std::string> order;
  for (const RemoteNode& node : peer.plane().remote_nodes(key_of("Mx"))) order.emplace_back(node.id);
  CHECK(order == std::vector<std::string>{"A", "C", "D", "B", "E"});
}

TEST_CASE("addresses of one router have a limit, and the rest of an update still applies", "[routing][mobile]") {
  test::ScriptedPeer peer;
  peer.settle();
  std::vector<AddressDescriptor> all;
  for (std::size_t i = 0; i != limits::kAddressesPerRouter + 3; ++i) all.push_back(describe(test::numbered("Ma", i)));
  peer.say(absolute(1, all));
  CHECK(peer.plane().nodes().at(0).addresses == limits::kAddressesPerRouter);
  CHECK(only<event::LimitReached>(peer.take_events()) ==
        std::vector<event::LimitReached>{{"A", event::LimitReached::Bound::addresses}});
  peer.say(differential(2, {describe("Mlast")}, {key_of("Ma0")}));
  CHECK_FALSE(peer.plane().has_remote(key_of("Ma0")));
  peer.say(differential(3, {describe("Mlast")}));
  CHECK(peer.plane().has_remote(key_of("Mlast")));
}

TEST_CASE("own addresses have the same limit", "[routing][mobile]") {
  LocalAddresses local;
  for (std::size_t i = 0; i != limits::kAddressesPerRouter; ++i) {
    REQUIRE(local.set(key_of(test::numbered("Ma", i)), {}, TimePoint{}));
  }
  CHECK_FALSE(local.set(key_of("Mx"), {}, TimePoint{}));
  CHECK(local.set(key_of("Ma0"), {.cost = 1}, TimePoint{}));
  local.remove(key_of("Ma0"), TimePoint{});
  CHECK(local.set(key_of("Mx"), {}, TimePoint{}));
}

TEST_CASE("what was told is always what a reader of the updates has", "[routing][mobile]") {
  // A reader that applies every differential has the same set as one that asks for the absolute form.
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Rng random{seed};
    LocalAddresses local;
    std::map<AddressKey, AddressDescriptor> reader;
    for (int i = 0; i != 200; ++i) {
      const AddressKey key = key_of(test::numbered("Ma", random.below(6)));
      switch (random.below(4)) {
        case 0:
          local.remove(key, TimePoint{});
          break;
        case 1: {
          const std::int64_t before = local.sequence();
          const auto update = local.flush();
          CHECK(local.sequence() == before + (update ? 1 : 0));
          if (!update) break;
          for (const AddressDescriptor& added : update->add) reader.insert_or_assign(added.key, added);
          for (const AddressKey& gone : update->del) CHECK(reader.erase(gone) == 1);
          break;
        }
        default:
          local.set(key, {.cost = static_cast<std::uint32_t>(random.below(3))}, TimePoint{});
          break;
      }
      std::vector<AddressDescriptor> expected;
      for (const auto& entry : reader) expected.push_back(entry.second);
      CHECK(local.told().exist == expected);
    }
  }
}

TEST_CASE("a table of remote addresses forgets exactly what one router had", "[routing][mobile]") {
  RemoteAddresses table;
  Node a;
  Node b;
  CHECK(table.add(a, describe("Mx")) == RemoteAddresses::Added::changed);
  CHECK(table.add(a, describe("Mx")) == RemoteAddresses::Added::unchanged);
  CHECK(table.add(b, describe("Mx")) == RemoteAddresses::Added::changed);
  CHECK(table.add(a, describe("My")) == RemoteAddresses::Added::changed);
  CHECK(table.total() == 3);
  CHECK(table.forget(a) == std::vector{key_of("Mx"), key_of("My")});
  CHECK(table.total() == 1);
  CHECK(table.find(key_of("My")) == nullptr);
  REQUIRE(table.find(key_of("Mx")) != nullptr);
  CHECK(table.find(key_of("Mx"))->holders.size() == 1);
  CHECK_FALSE(table.remove(a, key_of("Mx")));
  CHECK(table.remove(b, key_of("Mx")));
  CHECK(table.total() == 0);
}

}  // namespace
}  // namespace van::routing
