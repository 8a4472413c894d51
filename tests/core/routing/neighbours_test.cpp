#include "core/routing/neighbours.h"

#include "tests/core/routing/network.h"
#include "tests/core/routing/scripted_peer.h"
#include "tests/support/catch.h"

// HELLO: control-plane 3.3.
namespace van::routing {
namespace {

using namespace std::chrono_literals;
using test::only;

const LinkNo kFirst{1};
const LinkNo kSecond{2};

TEST_CASE("two routers are neighbours within three seconds of their link", "[routing][neighbours]") {
  test::Network net;
  net.add("A");
  net.add("B");
  net.connect("A", "B");
  net.advance(3s);
  for (const auto& [self, other] : {std::pair{"A", "B"}, std::pair{"B", "A"}}) {
    CHECK(net[self].next_hop(other) == net.link(self, other));
    CHECK(net[self].path_cost(other) == 1);
    CHECK(net[self].neighbour_of_link(net.link(self, other)) == other);
    const auto events = net.take_events(self);
    CHECK(only<event::NeighbourUp>(events) == std::vector<event::NeighbourUp>{{other, net.link(self, other)}});
    CHECK(only<event::NodeReachable>(events) == std::vector<event::NodeReachable>{{other}});
  }
}

TEST_CASE("a HELLO goes out with the link, and each second after that, and says who was heard",
          "[routing][neighbours]") {
  test::ScriptedPeer peer;
  peer.up();
  peer.run();
  auto out = peer.take();
  REQUIRE(out.size() == 1);
  CHECK(out[0].to == "amqp:/_local/qdhello");
  CHECK(out[0].links == std::vector{kFirst});
  CHECK(std::get<Hello>(out[0].message) == Hello{.id = "S", .pv = 1, .instance = 100, .seen = {}});

  peer.say(Hello{.id = "A", .instance = 7});  // A has not heard us yet
  CHECK(peer.take_only<Hello>() == std::vector{Hello{.id = "S", .instance = 100, .seen = {"A"}}});  // at once
  CHECK_FALSE(peer.plane().next_hop("A"));
  CHECK_FALSE(peer.plane().known_node("A"));
  peer.say(Hello{.id = "A", .instance = 7});
  CHECK(peer.take().empty());

  peer.turn_silent(1s);
  CHECK(peer.take_only<Hello>() == std::vector{Hello{.id = "S", .instance = 100, .seen = {"A"}}});
  peer.turn_silent(2s);
  CHECK(peer.take_only<Hello>() ==
        std::vector{Hello{.id = "S", .instance = 100, .seen = {}}});  // 3 s after A's last one
}

TEST_CASE("a HELLO that names us confirms the neighbour; then it is asked for its link state and told ours",
          "[routing][neighbours]") {
  test::ScriptedPeer peer;
  peer.up();
  peer.run();
  peer.take();
  peer.say_hello();
  peer.run();
  const auto out = peer.take();
  REQUIRE(out.size() == 4);
  CHECK(std::get<Hello>(out[0].message).seen == std::vector<std::string>{"A"});  // before any request: A must know us first
  CHECK(std::get<Lsr>(out[1].message) == Lsr{.id = "S"});
  CHECK(out[1].to == "amqp:/_topo/0/A/qdrouter");
  CHECK(std::get<Mar>(out[2].message) == Mar{.id = "S", .have_seq = 0});
  CHECK(out[2].to == "amqp:/_topo/0/A/qdrouter.ma");
  CHECK(std::get<Ra>(out[3].message) == Ra{.id = "S", .instance = 100, .ls_seq = 1, .mobile_seq = 0});
  CHECK(out[3].to == "amqp:/_topo/0/all/qdrouter");
}

TEST_CASE("a neighbour that falls silent is down after three seconds, and comes back with its next HELLO",
          "[routing][neighbours]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say_hello();
  peer.turn_silent(2999ms);
  CHECK(peer.take_events().empty());
  peer.turn_silent(1ms);
  peer.turn_silent(1s);
  auto events = peer.take_events();
  CHECK(only<event::NeighbourDown>(events) == std::vector<event::NeighbourDown>{{"A"}});
  CHECK(only<event::NodeUnreachable>(events) == std::vector<event::NodeUnreachable>{{"A"}});
  CHECK_FALSE(peer.plane().next_hop("A"));

  peer.say_hello();
  CHECK(peer.plane().next_hop("A") == kFirst);
  peer.turn_silent(1s);
  CHECK(only<event::NodeReachable>(peer.take_events()).size() == 1);
}

TEST_CASE("in a network a neighbour's death is noticed three seconds after its last HELLO, at the tick",
          "[routing][neighbours]") {
  test::Network net;
  net.add("A");
  net.add("B");
  net.connect("A", "B");
  net.advance(10s);
  net.take_events("A");
  net.lose([](const test::Transit& t) { return t.from == "B"; });
  CHECK_FALSE(net.advance_until([&] { return !net["A"].neighbour_of_link(net.link("A", "B")); }, 1900ms));
  CHECK(net.advance_until([&] { return !net["A"].neighbour_of_link(net.link("A", "B")); }, 2200ms));
  net.advance(3s);
  CHECK_FALSE(net["B"].next_hop("A"));  // A's HELLOs do not name B any more
  net.lose_nothing();
  net.advance(3s);
  CHECK(net["A"].reachable("B"));
  CHECK(net["B"].reachable("A"));
}

TEST_CASE("a link that goes down takes its neighbour with it at once", "[routing][neighbours]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.turn(5s);
  peer.take_events();
  peer.plane().link_down(kFirst, peer.now());
  CHECK_FALSE(peer.plane().next_hop("A"));
  CHECK_FALSE(peer.plane().neighbour_of_link(kFirst));
  const auto events = peer.take_events();
  CHECK(only<event::NeighbourDown>(events).size() == 1);
  CHECK(only<event::PathsChanged>(events).size() == 1);
  peer.run();
  CHECK(only<event::NodeUnreachable>(peer.take_events()).size() == 1);
  CHECK(peer.plane().ls_seq() == 2);
}

TEST_CASE("without a link there is nothing to wake up for", "[routing][neighbours]") {
  test::ScriptedPeer peer;
  CHECK(peer.plane().next_deadline() == kNever);
  peer.settle_with({"B"});
  peer.say(Mau{.id = "A", .mobile_seq = 1, .content = Mau::Absolute{{{.key = test::key_of("Mx")}}}});
  peer.plane().link_down(kFirst, peer.now());
  peer.turn_silent(1s);
  peer.turn_silent(1s);
  CHECK(peer.plane().next_deadline() == kNever);
  CHECK(peer.plane().nodes().empty());
  CHECK_FALSE(peer.plane().has_remote(test::key_of("Mx")));
  CHECK(only<event::AddressRemoved>(peer.take_events()).size() == 1);

  peer.plane().set_local_address(test::key_of("My"), {}, peer.now());
  CHECK(peer.plane().next_deadline() == kNever);
  peer.up(kSecond);
  CHECK(peer.plane().next_deadline() == peer.now());
}

TEST_CASE("of two links to one router the first confirmed stays, and the other takes over without a gap",
          "[routing][neighbours]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.up(kSecond, 4);
  for (int i = 0; i != 3; ++i) {
    peer.say_hello(7, kSecond);
    CHECK(peer.plane().next_hop("A") == kFirst);
    peer.turn(1s);
  }
  CHECK(peer.plane().next_hop("A") == kFirst);
  CHECK(peer.plane().path_cost("A") == 1);
  CHECK_FALSE(peer.plane().neighbour_of_link(kSecond));
  CHECK(only<event::NeighbourUp>(peer.take_events()).empty());

  peer.say_hello(7, kSecond);
  peer.plane().link_down(kFirst, peer.now());
  CHECK(peer.plane().next_hop("A") == kSecond);
  auto events = peer.take_events();
  CHECK(only<event::NeighbourUp>(events) == std::vector<event::NeighbourUp>{{"A", kSecond}});
  CHECK(only<event::NeighbourDown>(events).empty());
  peer.turn_silent(1s);
  CHECK(peer.plane().path_cost("A") == 4);
  CHECK(only<event::NodeUnreachable>(peer.take_events()).empty());
}

TEST_CASE("of two links the one whose HELLOs end gives way to the other", "[routing][neighbours]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.up(kSecond);
  for (int i = 0; i != 5; ++i) {
    peer.say_hello(7, kSecond);
    peer.turn_silent(1s);
  }
  CHECK(peer.plane().next_hop("A") == kSecond);
  const auto events = peer.take_events();
  CHECK(only<event::NeighbourDown>(events).empty());
  CHECK(only<event::NeighbourUp>(events) == std::vector<event::NeighbourUp>{{"A", kSecond}});
}

TEST_CASE("two routers on two links agree on their neighbour through the loss of either", "[routing][neighbours]") {
  test::Network net;
  net.add("A");
  net.add("B");
  net.connect("A", "B", 1);
  net.connect("A", "B", 2);
  net.advance(5s);
  CHECK(net["A"].neighbour_links().size() == 1);
  net.take_events("A");
  net.cut_newest("A", "B");
  net.advance(10s);
  CHECK(net["A"].next_hop("B") == net.link("A", "B"));
  CHECK(net["B"].next_hop("A") == net.link("B", "A"));
  CHECK(only<event::NeighbourDown>(net.take_events("A")).empty());
}

TEST_CASE("another router that answers on a link takes the place of the first", "[routing][neighbours]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(Hello{.id = "B", .instance = 9, .seen = {"S"}});
  CHECK(peer.plane().neighbour_of_link(kFirst) == "B");
  CHECK_FALSE(peer.plane().next_hop("A"));
  const auto events = peer.take_events();
  CHECK(only<event::NeighbourDown>(events) == std::vector<event::NeighbourDown>{{"A"}});
  CHECK(only<event::NeighbourUp>(events) == std::vector<event::NeighbourUp>{{"B", kFirst}});
}

TEST_CASE("our own id from another instance is reported once, from ourselves never", "[routing][neighbours]") {
  test::ScriptedPeer peer;
  peer.settle_with({});
  for (int i = 0; i != 3; ++i) peer.say(Hello{.id = "S", .instance = 5, .seen = {"S"}});
  peer.say(Hello{.id = "S", .instance = 100, .seen = {"S"}});
  CHECK(only<event::DuplicateId>(peer.take_events()) == std::vector<event::DuplicateId>{{5}});
  CHECK_FALSE(peer.plane().next_hop("S"));
  CHECK(peer.plane().neighbour_of_link(kFirst) == "A");
  peer.say(Ra{.id = "S", .instance = 6, .ls_seq = 99, .mobile_seq = 99});  // from afar
  CHECK(only<event::DuplicateId>(peer.take_events()) == std::vector<event::DuplicateId>{{6}});
  peer.turn(1s);
  CHECK(peer.take_only<Lsr>().empty());
}

TEST_CASE("the cost of a link that changes is told to the network", "[routing][neighbours]") {
  test::Network net;
  for (const auto* id : {"A", "B", "C"}) net.add(id);
  net.connect("A", "B");
  net.connect("B", "C");
  net.connect("A", "C", 5);
  net.advance(10s);
  CHECK(net["A"].next_hop("C") == net.link("A", "B"));
  net.set_cost("B", "C", 9);
  net.advance(5s);
  CHECK(net["A"].next_hop("C") == net.link("A", "C"));
  CHECK(net["A"].path_cost("C") == 5);
  CHECK(net["B"].path_cost("C") == 6);
}

}  // namespace
}  // namespace van::routing
