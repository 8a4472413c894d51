#include "core/routing/link_states.h"

#include <map>

#include "tests/core/routing/network.h"
#include "tests/core/routing/scripted_peer.h"
#include "tests/support/catch.h"

// RA, LSR, LSU, ageing and restart: control-plane 3.4 and 3.5.
namespace van::routing {
namespace {

using namespace std::chrono_literals;
using test::only;

const LinkNo kLink{1};

TEST_CASE("in a chain of four everybody reaches everybody", "[routing][link-state]") {
  test::Network net;
  for (const auto* id : {"A", "B", "C", "D"}) net.add(id);
  net.connect("A", "B", 1);
  net.connect("B", "C", 2);
  net.connect("C", "D", 3);
  net.advance(8s);
  CHECK(net["A"].path_cost("D") == 6);
  CHECK(net["A"].hops("D") == 3);
  CHECK(net["A"].radius() == 3);
  CHECK(net["B"].radius() == 2);
  CHECK(net["D"].next_hop("A") == net.link("D", "C"));
  CHECK(net["B"].valid_origins("D") == std::vector<std::string>{"A"});
  CHECK(net["B"].valid_origins("A") == std::vector<std::string>{"C", "D"});
  CHECK(net["B"].valid_origin("B", "D"));
  CHECK_FALSE(net["B"].valid_origin("D", "C"));
  CHECK_FALSE(net["B"].valid_origin("nobody", "C"));
  CHECK(net["A"].valid_origins("D").empty());
  CHECK(net["A"].nodes().size() == 3);
}

TEST_CASE("a triangle keeps to the direct links until one is cut", "[routing][link-state]") {
  test::Network net;
  for (const auto* id : {"A", "B", "C"}) net.add(id);
  net.connect("A", "B");
  net.connect("B", "C");
  net.connect("C", "A");
  net.advance(10s);
  CHECK(net["A"].next_hop("B") == net.link("A", "B"));
  CHECK(net["A"].next_hop("C") == net.link("A", "C"));
  CHECK(net["A"].valid_origins("B").empty());

  net.cut("A", "B");
  CHECK(net.advance_until([&] { return net["A"].next_hop("B") == net.link("A", "C"); }, 1s));
  net.advance(5s);
  CHECK(net["C"].valid_origins("A") == std::vector<std::string>{"B"});
  CHECK(net["A"].radius() == 2);
}

TEST_CASE("a quiet network follows a change within round trips, without waiting for its ticks",
          "[routing][link-state]") {
  test::Network net;
  for (const auto* id : {"A", "B", "C"}) net.add(id);
  net.connect("A", "B");
  net.advance(20s);
  net.connect("B", "C");
  CHECK(net.advance_until([&] { return net["B"].reachable("C"); }, 10ms));
  net.advance(1500ms);
  CHECK(net["A"].reachable("C"));
}

TEST_CASE("an RA with a higher number is answered by an LSR at once, another one is not", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 4, .peers = {{"S", 1}}});
  peer.say(Ra{.id = "A", .instance = 7, .ls_seq = 5});
  CHECK(peer.take_only<Lsr>().size() == 1);
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 5, .peers = {{"S", 1}}});
  peer.say(Ra{.id = "A", .instance = 7, .ls_seq = 5});
  peer.say(Ra{.id = "A", .instance = 7, .ls_seq = 4});
  peer.turn(3s);
  CHECK(peer.take_only<Lsr>().empty());
}

TEST_CASE("an LSR that is not answered is sent three times, then waits for the next RA", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 1, .peers = {{"S", 1}}});
  peer.turn(2s);
  peer.take();
  peer.say(Ra{.id = "A", .instance = 7, .ls_seq = 2});
  peer.turn(6s);
  CHECK(peer.take_only<Lsr>().size() == 3);
  peer.say(Ra{.id = "A", .instance = 7, .ls_seq = 2});
  CHECK(peer.take_only<Lsr>().size() == 1);
}

TEST_CASE("an LSR is answered with the state of the current number, on the link it came in on",
          "[routing][link-state]") {
  test::ScriptedPeer peer{{.site_id = "site-1", .site_name = "laptop"}};
  peer.settle();
  peer.say(Lsr{.id = "B"});  // nobody knows B yet
  const auto out = peer.take();
  REQUIRE(out.size() == 1);
  CHECK(out[0].links == std::vector{kLink});
  CHECK(out[0].to == "amqp:/_topo/0/B/qdrouter");
  CHECK(std::get<Lsu>(out[0].message) ==
        Lsu{.id = "S", .instance = 100, .ls_seq = 1, .peers = {{"A", 1}}, .site_id = "site-1", .site_name = "laptop"});
  CHECK(peer.plane().known_node("B"));
}

TEST_CASE("a link state is taken with a higher number, and instead of another with the same one", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle_with({"B"});
  CHECK(peer.plane().reachable("B"));
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 2, .peers = {{"S", 1}}});
  peer.turn(2s);
  CHECK_FALSE(peer.plane().reachable("B"));
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 1, .peers = {{"S", 1}, {"B", 1}}});
  peer.turn(2s);
  CHECK_FALSE(peer.plane().reachable("B"));
  // What we had under this number was not said by A.
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 2, .peers = {{"S", 1}, {"B", 1}}});
  peer.turn(2s);
  CHECK(peer.plane().reachable("B"));
  // But another instance of A may have said this before it started again.
  peer.say(Lsu{.id = "A", .instance = 6, .ls_seq = 2, .peers = {{"S", 1}}});
  peer.turn(2s);
  CHECK(peer.plane().reachable("B"));
}

TEST_CASE("routers are asked again for all they said, one after the other", "[routing][link-state]") {
  test::ScriptedPeer peer{ControlPlaneConfig{}};
  peer.settle_with({"B"});
  peer.say(Lsu{.id = "B", .instance = 7, .ls_seq = 1, .peers = {{"A", 1}}});
  peer.turn(20s);
  peer.take();
  std::map<std::string, int> asked;
  for (int second = 0; second < 20; ++second) {
    peer.turn(1s);
    for (const Outgoing& out : peer.take()) {
      if (std::holds_alternative<Lsr>(out.message)) ++asked[out.to];
      if (const Mar* mar = std::get_if<Mar>(&out.message)) {
        ++asked[out.to];
        CHECK(mar->have_seq == 0);
      }
    }
  }
  CHECK(asked == std::map<std::string, int>{{"amqp:/_topo/0/A/qdrouter", 2}, {"amqp:/_topo/0/A/qdrouter.ma", 2},
                                            {"amqp:/_topo/0/B/qdrouter", 2}, {"amqp:/_topo/0/B/qdrouter.ma", 2}});
}

TEST_CASE("a router that tells RAs though no path leads to it is asked for its links", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle_with({"B"});
  peer.say(Lsu{.id = "B", .instance = 7, .ls_seq = 4, .peers = {{"A", 1}}});
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 2, .peers = {{"S", 1}}});  // said by somebody else: A leads to B
  peer.turn(2s);
  CHECK_FALSE(peer.plane().reachable("B"));
  peer.take();
  peer.say(Ra{.id = "B", .instance = 7, .ls_seq = 4});
  CHECK(peer.take_only<Lsr>().size() == 1);
}

TEST_CASE("router protocol finds its way before there is a path: where the first copy of the RA came from", "[routing][link-state]") {
  test::ScriptedPeer peer;
  const LinkNo other{2};
  peer.settle();
  peer.up(other);
  CHECK_FALSE(peer.plane().protocol_hop("Z"));
  const auto told_on = [&](std::int64_t number, LinkNo first, LinkNo second) {
    const Ra ra{.id = "Z", .instance = 7, .ls_seq = number};
    for (const LinkNo link : {first, second}) {
      peer.say(ra, link);
      peer.plane().flood_goes_on(ra, std::vector<std::string>{"0/Z"}, peer.now());
    }
  };
  told_on(1, kLink, other);
  CHECK(peer.plane().protocol_hop("Z") == kLink);
  told_on(2, other, kLink);
  CHECK(peer.plane().protocol_hop("Z") == other);
  CHECK_FALSE(peer.plane().next_hop("Z"));  // nothing else goes there
  peer.plane().link_down(other, peer.now());
  CHECK_FALSE(peer.plane().protocol_hop("Z"));
}

TEST_CASE("each router is asked for its link state when it becomes reachable", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 1, .peers = {{"S", 1}, {"B", 2}}});
  peer.turn(1s);
  bool asked = false;
  for (const Outgoing& out : peer.take()) {
    if (out.to == "amqp:/_topo/0/B/qdrouter")
      asked = std::holds_alternative<Lsr>(out.message) && out.links == std::vector{kLink};
  }
  CHECK(asked);
  CHECK(peer.plane().path_cost("B") == 3);
  CHECK(peer.plane().hops("B") == 2);
}

TEST_CASE("RAs go out every 4 seconds after a change and every 30 seconds later", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 1, .peers = {{"S", 1}}});
  peer.say(Ra{.id = "A", .instance = 7, .ls_seq = 1});
  peer.turn(9s);
  CHECK(peer.take_only<Ra>().size() == 2);
  peer.turn(31s);
  CHECK(peer.take_only<Ra>().size() == 1);
  peer.say(Ra{.id = "A", .instance = 7, .ls_seq = 1});
  peer.turn(60s);
  CHECK(peer.take_only<Ra>().size() == 2);
}

TEST_CASE("own link state is told at once, and more and more seldom while it goes on to change", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle();
  peer.turn(3s);
  const std::int64_t before = peer.plane().ls_seq();
  std::uint32_t cost = 2;
  const auto change = [&](int times) {
    for (; times != 0; --times) {
      peer.plane().link_cost_changed(kLink, ++cost, peer.now());
      peer.run();
      peer.turn(100ms);
    }
  };
  change(1);
  CHECK(peer.plane().ls_seq() == before + 1);
  change(9);
  CHECK(peer.plane().ls_seq() <= before + 5);
  change(100);
  CHECK(peer.plane().ls_seq() <= before + 5 + 12);  // in ten seconds
  peer.turn(1s);
  CHECK(peer.plane().path_cost("A") == cost);
}

TEST_CASE("a link that flaps within a tick changes nothing for others", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle();
  const std::int64_t before = peer.plane().ls_seq();
  peer.plane().link_down(kLink, peer.now());
  peer.up(LinkNo{2});
  peer.say_hello(7, LinkNo{2});
  peer.turn_silent(1s);
  CHECK(peer.plane().ls_seq() == before);
  CHECK(peer.plane().next_hop("A") == LinkNo{2});
  CHECK(peer.take_only<Lsr>().size() == 1);
}

TEST_CASE("a router without RA for 60 seconds loses its link state, and what was behind it", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle_with({"B"});
  peer.turn(58s);
  CHECK(peer.plane().reachable("B"));
  peer.turn(4s);
  CHECK_FALSE(peer.plane().reachable("B"));
  CHECK(peer.plane().reachable("A"));  // HELLO keeps the neighbour
  peer.turn(3s);
  CHECK_FALSE(peer.plane().known_node("B"));  // in nobody's list any more

  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 1, .peers = {{"S", 1}, {"B", 1}}});  // its number starts from 0
  peer.turn(1s);
  CHECK(peer.plane().reachable("B"));
}

TEST_CASE("RAs keep a router's state alive", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle_with({"B"});
  for (int i = 0; i != 5; ++i) {
    peer.say(Ra{.id = "A", .instance = 7, .ls_seq = 1});
    peer.turn(30s);
  }
  CHECK(peer.plane().reachable("B"));
}

TEST_CASE("a new instance means a restart: the old state goes and is asked for again", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle_with({"B"});
  peer.say(Mau{.id = "A", .mobile_seq = 9, .content = Mau::Absolute{{{.key = test::key_of("Mx")}}}});
  peer.turn(2s);
  peer.take();
  peer.say(Ra{.id = "A", .instance = 8, .ls_seq = 1, .mobile_seq = 0});
  CHECK_FALSE(peer.plane().has_remote(test::key_of("Mx")));
  CHECK(peer.take_only<Lsr>().size() == 1);
  peer.say(Lsu{.id = "A", .instance = 8, .ls_seq = 1, .peers = {{"S", 1}}});  // not above the old number
  peer.run();
  CHECK_FALSE(peer.plane().reachable("B"));
  CHECK(peer.plane().reachable("A"));
}

TEST_CASE("a router that restarts is back in the network with its new addresses", "[routing][link-state]") {
  test::Network net;
  for (const auto* id : {"A", "B", "C"}) net.add(id);
  net.connect("A", "B");
  net.connect("B", "C");
  net.set_address("C", "Mold");
  net.set_address("C", "Mold2");
  net.advance(3s);
  net.remove_address("C", "Mold2");
  net.advance(10s);
  CHECK(net["A"].has_remote(test::key_of("Mold")));

  net.restart("C");
  net.set_address("C", "Mnew");
  net.advance(10s);
  CHECK(net["A"].reachable("C"));
  CHECK(net["A"].has_remote(test::key_of("Mnew")));
  CHECK_FALSE(net["A"].has_remote(test::key_of("Mold")));
}

TEST_CASE("a partition heals", "[routing][link-state]") {
  test::Network net;
  for (const auto* id : {"A", "B", "C", "D"}) net.add(id);
  net.connect("A", "B");
  net.connect("B", "C");
  net.connect("C", "D");
  net.set_address("D", "Mx");
  net.advance(10s);
  REQUIRE(net["A"].remote_nodes(test::key_of("Mx")).size() == 1);

  net.cut("B", "C");
  net.advance(100s);  // longer than the ageing
  CHECK_FALSE(net["A"].known_node("D"));
  CHECK(net["A"].remote_nodes(test::key_of("Mx")).empty());
  CHECK(net["D"].reachable("C"));

  net.connect("B", "C");
  net.advance(10s);
  CHECK(net["A"].path_cost("D") == 3);
  CHECK(net["A"].remote_nodes(test::key_of("Mx")).size() == 1);
}

TEST_CASE("a message of a higher version is ignored and reported once", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle();
  for (int i = 0; i != 3; ++i) {
    peer.say(Ra{.id = "B", .pv = 2, .instance = 1});
    peer.say(Lsr{.id = "B", .pv = 2});
    peer.say(Lsu{.id = "B", .pv = 2, .ls_seq = 1});
    peer.say(Hello{.id = "B", .pv = 2, .seen = {"S"}});
    peer.say(Mar{.id = "B", .pv = 3});
    peer.say(Mau{.id = "A", .pv = 3, .mobile_seq = 1, .content = Mau::Absolute{{{.key = test::key_of("Mx")}}}});
  }
  CHECK_FALSE(peer.plane().known_node("B"));
  CHECK_FALSE(peer.plane().has_remote(test::key_of("Mx")));
  CHECK(peer.take().empty());
  CHECK(only<event::VersionIgnored>(peer.take_events()) == std::vector<event::VersionIgnored>{{"B", 2}, {"A", 3}});
  peer.say(Ra{.id = "B", .pv = 0, .instance = 1});  // absent counts as 0
  CHECK(peer.plane().known_node("B"));
}

TEST_CASE("what no router may say is ignored", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle_with({"B"});
  const auto before = peer.plane().paths_version();
  peer.say(Lsu{.id = "A", .ls_seq = 5, .peers = {{"S", 1}, {"C", 0}}});  // a cost of 0
  peer.say(Lsu{.id = "A", .ls_seq = 5, .peers = {{"S", 1}, {"a/b", 1}}});
  peer.say(Lsu{.id = "A", .ls_seq = -1, .peers = {{"S", 1}}});
  peer.say(Lsu{.id = "A", .ls_seq = INT64_MAX, .peers = {{"S", 1}}});
  peer.say(Lsu{.id = "S", .ls_seq = 50, .peers = {}});  // our own
  peer.say(Lsu{.id = "", .ls_seq = 5, .peers = {{"S", 1}}});
  peer.say(Ra{.id = "all", .ls_seq = 1});
  peer.say(Ra{.id = "X", .ls_seq = -1});
  peer.say(Ra{.id = "X", .ls_seq = 1, .mobile_seq = INT64_MAX});
  peer.say(Ra{.id = "X", .ls_seq = 1}, LinkNo{9});  // no such link
  peer.turn(2s);
  CHECK(peer.plane().paths_version() == before);
  CHECK(peer.plane().nodes().size() == 2);
  CHECK(peer.take_events().empty());
}

TEST_CASE("more routers than the limit are not stored, and that is reported", "[routing][link-state]") {
  test::ScriptedPeer peer{{.routers_max = 2}};
  peer.settle();
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 1, .peers = {{"S", 1}, {"B", 1}, {"C", 1}, {"D", 1}}});
  peer.turn(2s);
  CHECK(peer.plane().nodes().size() == 2);
  CHECK(peer.plane().reachable("B"));
  CHECK_FALSE(peer.plane().reachable("C"));
  for (int i = 0; i != 2; ++i) peer.say(Ra{.id = "C", .instance = 1});
  const auto events = only<event::LimitReached>(peer.take_events());
  CHECK(events == std::vector<event::LimitReached>{{"C", event::LimitReached::Bound::routers},
                                                   {"D", event::LimitReached::Bound::routers}});

  peer.up(LinkNo{2});
  peer.say(Hello{.id = "Z", .instance = 1, .seen = {"S"}}, LinkNo{2});
  CHECK_FALSE(peer.plane().neighbour_of_link(LinkNo{2}));
}

TEST_CASE("links of all routers together have a limit", "[routing][link-state]") {
  LinkStates states{limits::kRouters};
  Lsu large{.id = "A", .ls_seq = 1};
  for (std::size_t i = 0; i != limits::kRouters; ++i) large.peers[test::numbered("p", i)] = 1;
  const std::size_t fit = kLinksTotal / large.peers.size();
  for (std::size_t i = 0; i != fit; ++i)
    CHECK(states.store(*states.find_or_create(test::numbered("r", i), TimePoint{}), large));
  CHECK(states.links_total() == kLinksTotal);
  CHECK_FALSE(states.store(*states.find_or_create("late", TimePoint{}), large));
  CHECK(states.store(*states.find_or_create("r0", TimePoint{}), large));  // in place of its own
  states.erase("r0");
  states.clear(*states.find("r1"));
  CHECK(states.links_total() == kLinksTotal - 2 * large.peers.size());
}

TEST_CASE("sites are told by name where both ends speak of them", "[routing][link-state]") {
  test::Network net;
  net.add("A", {.site_id = "id-a", .site_name = "laptop"});
  net.add("B", {.site_id = "id-b", .site_name = std::string(kSiteTextBytes, 'n')});
  net.connect("A", "B");
  net.advance(5s);
  const auto nodes = net["B"].nodes();
  REQUIRE(nodes.size() == 1);
  CHECK(nodes[0].id == "A");
  CHECK(nodes[0].site_id == "id-a");
  CHECK(nodes[0].site_name == "laptop");
  CHECK(nodes[0].next_hop_id == "A");
  CHECK(nodes[0].neighbour);
  CHECK(nodes[0].peers == PeerCosts{{"B", 1}});
  CHECK(net["A"].nodes()[0].site_name.size() == kSiteTextBytes);
}

TEST_CASE("a copy of an RA goes on once, or again after fewer hops, and the next RA does again",
          "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle_with({"B"});
  const auto goes_on = [&](const Message& message, std::size_t hops) {
    return peer.plane().flood_goes_on(message, std::vector<std::string>(hops, "0/x"), peer.now());
  };
  const Ra ra{.id = "B", .instance = 1, .ls_seq = 3, .mobile_seq = 1};
  peer.say(ra);
  CHECK(goes_on(ra, 4));
  CHECK_FALSE(goes_on(ra, 4));
  CHECK_FALSE(goes_on(ra, 5));
  CHECK(goes_on(ra, 3));
  CHECK_FALSE(goes_on(ra, 3));
  CHECK(goes_on(Ra{.id = "B", .instance = 1, .ls_seq = 3, .mobile_seq = 2}, 4));
  CHECK_FALSE(goes_on(ra, 2));  // overtaken
  CHECK_FALSE(goes_on(Ra{.id = "B", .instance = 1, .ls_seq = 2, .mobile_seq = 2}, 2));
  CHECK(goes_on(Ra{.id = "B", .instance = 2, .ls_seq = 3, .mobile_seq = 2}, 4));
  CHECK(goes_on(Lsr{.id = "B"}, 4));
  CHECK(goes_on(Lsr{.id = "B"}, 4));
  CHECK(goes_on(ra, 4));
  peer.turn(4s);
  CHECK(goes_on(ra, 4));
}

TEST_CASE("copies of one RA lead to one LSR", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle_with({"B"});
  peer.say(Lsu{.id = "B", .instance = 1, .ls_seq = 1, .peers = {{"A", 1}}});
  peer.turn(1s);
  peer.take();
  for (int i = 0; i != 5; ++i) peer.say(Ra{.id = "B", .instance = 1, .ls_seq = 2});
  CHECK(peer.take_only<Lsr>().size() == 1);
  peer.say(Ra{.id = "B", .instance = 1, .ls_seq = 3});
  CHECK(peer.take_only<Lsr>().size() == 1);
}

TEST_CASE("control messages flood once to each neighbour that leads anywhere and has not seen them",
          "[routing][link-state]") {
  test::Network net;
  for (const auto* id : {"A", "B", "C"}) net.add(id);
  net.connect("A", "B", 1);
  net.connect("B", "C", 1);
  net.connect("A", "C", 5);  // never a next hop
  net.advance(10s);
  CHECK(net["A"].flood_links({}) == std::vector{net.link("A", "B")});
  const std::vector<std::string> from_b{"0/B"};
  CHECK(net["A"].flood_links(from_b).empty());
  const std::vector<std::string> not_a_router{"B"};
  CHECK(net["A"].flood_links(not_a_router).size() == 1);
  CHECK(net["B"].multicast_links("0/A", std::vector<std::string>{"0/A"}) == std::vector{net.link("B", "C")});
  CHECK(net["B"].multicast_links("0/nobody", {}).empty());
  CHECK(net["B"].multicast_links("", {}).size() == 2);
  CHECK(net["B"].multicast_links("0/B", {}).size() == 2);
}

TEST_CASE("what was said in a router's name is forgotten once its RAs go on to tell lower numbers",
          "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle_with({"B"});
  const auto addresses = [](std::string_view name, std::int64_t sequence) {
    return Mau{.id = "A", .mobile_seq = sequence, .content = Mau::Absolute{{{.key = *AddressKey::mobile(name)}}}};
  };
  peer.say(addresses("true", 1));
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 1'000'000, .peers = {{"S", 1}, {"ghost", 1}}});
  peer.say(addresses("false", 2'000'000));
  peer.turn(1s);
  REQUIRE(peer.plane().reachable("ghost"));

  const Ra ra{.id = "A", .instance = 7, .ls_seq = 1, .mobile_seq = 1};
  peer.say(ra);  // maybe a late copy
  peer.turn(1s);
  CHECK(peer.plane().reachable("ghost"));
  peer.turn(10s);
  peer.say(ra);
  peer.take();
  peer.turn(1s);
  CHECK_FALSE(peer.plane().has_remote(*AddressKey::mobile("false")));
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 1, .peers = {{"S", 1}, {"B", 1}}});
  peer.say(addresses("true", 1));
  peer.turn(5s);
  CHECK_FALSE(peer.plane().known_node("ghost"));
  CHECK(peer.plane().reachable("B"));
  CHECK(peer.plane().has_remote(*AddressKey::mobile("true")));
}

TEST_CASE("a router that sends RAs without end is asked, and passed on, at a bounded rate", "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle_with({"B"});
  std::size_t passed_on = 0;
  for (std::int64_t sequence = 100; sequence < 1100; ++sequence) {
    const Ra ra{.id = "B", .instance = 9, .ls_seq = sequence, .mobile_seq = 0};
    peer.say(ra);
    if (peer.plane().flood_goes_on(ra, std::vector<std::string>{"0/B", "0/A"}, peer.now())) ++passed_on;
  }
  CHECK(passed_on == 16);
  CHECK(peer.take_only<Lsr>().size() == 4);
  peer.turn(1s);  // and is asked once more with the tick
  CHECK(peer.take_only<Lsr>().size() == 1);
}

TEST_CASE("a change of links elsewhere that leaves everybody reachable makes nobody repeat its RAs",
          "[routing][link-state]") {
  test::ScriptedPeer peer;
  peer.settle_with({"B", "C"});
  peer.turn(20s);
  peer.take();
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 2, .peers = {{"S", 1}, {"B", 5}, {"C", 1}}});
  peer.turn(8s);
  CHECK(peer.plane().path_cost("B") == 6);
  CHECK(peer.take_only<Ra>().empty());
  peer.say(Lsu{.id = "A", .instance = 7, .ls_seq = 3, .peers = {{"S", 1}, {"B", 5}}});  // C is gone
  peer.turn(8s);
  CHECK(peer.take_only<Ra>().size() >= 2);
}

}  // namespace
}  // namespace van::routing
