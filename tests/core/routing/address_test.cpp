#include "core/routing/address.h"

#include "core/base/limits.h"
#include "core/routing/messages.h"
#include "tests/support/catch.h"

namespace van::routing {
namespace {

std::string key_on(const Self& self, std::string_view text) {
  const auto key = classify(text, self);
  return key ? key->text() : "none";
}

TEST_CASE("an interior classifies an address by the table of control-plane 4.1", "[routing][address]") {
  const auto [text, key] = GENERATE(table<std::string, std::string>({
      {"_local/z", "Lz"},
      {"_topo/0/ME/z", "Lz"},
      {"_topo/all/ME/z", "Lz"},
      {"_topo/0/ME/temp.abc/d", "Ltemp.abc/d"},
      {"_topo/0/all/qdrouter.ma", "Tqdrouter.ma"},
      {"_topo/0/OTHER/z/y", "ROTHER"},
      {"_topo/0/OTHER", "ROTHER"},
      {"_topo/0/MEE/z", "RMEE"},
      {"_topo/1/OTHER/z", "A1"},
      {"_edge/ME/z", "Lz"},
      {"_edge/E/z/y", "HE"},
      {"_xtopo/net/0/OTHER/z", "ROTHER"},
      {"_xedge/net/E/z", "HE"},
      {"svc3", "Msvc3"},
      {"mc/sfe.all", "Mmc/sfe.all"},
      {"_topology/x", "M_topology/x"},
      {"_topo", "M_topo"},
      {"_locale", "M_locale"},
      {"$management", "M$management"},
  }));
  CAPTURE(text);
  CHECK(key_on({"ME"}, text) == key);
}

TEST_CASE("scheme, host and one trailing separator are no part of an address", "[routing][address]") {
  const auto [text, key] = GENERATE(table<std::string, std::string>({
      {"amqp:/x/y", "Mx/y"},
      {"/x/y", "Mx/y"},
      {"amqp://host/x/y", "Mx/y"},
      {"amqps://host:5671/x/y", "Mx/y"},
      {"//host/x/y", "Mx/y"},
      {"x/y", "Mx/y"},
      {"x/y/", "Mx/y"},
      {"x/y.", "Mx/y"},
      {"x/y..", "Mx/y."},
      {"x:/y", "My"},
      {"a/x:/y", "Ma/x:/y"},
      {"amqp:/_topo/0/ME/$management", "L$management"},
      {"amqp:/_local/qdhello", "Lqdhello"},
      {"amqp://host", "none"},
      {"/", "none"},
      {"", "none"},
      {".", "none"},
  }));
  CAPTURE(text);
  CHECK(key_on({"ME"}, text) == key);
}

TEST_CASE("on an edge every topological address but its own leads to the uplink", "[routing][address]") {
  const Self edge{"E", RouterMode::edge};
  CHECK(key_on(edge, "_topo/0/A/z") == "L_edge");
  CHECK(key_on(edge, "_topo/0/all/z") == "L_edge");
  CHECK(key_on(edge, "_topo/9/A/z") == "L_edge");
  CHECK(key_on(edge, "_edge/F/z") == "L_edge");
  CHECK(key_on(edge, "_edge/E/z") == "Lz");
  CHECK(key_on(edge, "svc") == "Msvc");
}

TEST_CASE("an address of another network has its network as key", "[routing][address]") {
  const Self here{"ME", RouterMode::interior, "own"};
  CHECK(key_on(here, "_xtopo/other/0/A/z") == "Nother");
  CHECK(key_on(here, "_xedge/other/E/z") == "Nother");
  CHECK(key_on(here, "_xtopo/own/0/A/z") == "RA");
  CHECK(key_on(here, "_xtopo/0/0/ME/z") == "Lz");
}

TEST_CASE("an address longer than its limit has no key", "[routing][address]") {
  const std::string longest(limits::kAddressBytes, 'a');
  CHECK(key_on({"ME"}, longest) == "M" + longest);
  CHECK(key_on({"ME"}, longest + "a") == "none");
  CHECK(AddressKey::mobile(longest).has_value());
  CHECK_FALSE(AddressKey::mobile(longest + "a").has_value());
  CHECK_FALSE(AddressKey::parse("M" + longest + "a").has_value());
}

TEST_CASE("a key is parsed only with a known class letter", "[routing][address]") {
  CHECK(AddressKey::parse("Msvc")->name() == "svc");
  CHECK(AddressKey::parse("HRE")->address_class() == AddressClass::edge);
  CHECK_FALSE(AddressKey::parse("").has_value());
  CHECK_FALSE(AddressKey::parse("Xsvc").has_value());
  CHECK_FALSE(AddressKey::mobile("").has_value());
  CHECK_FALSE(AddressKey::edge("").has_value());
}

TEST_CASE("only mobile, edge and network keys are told to others, and never $management", "[routing][address]") {
  for (const std::string_view text : {"Msvc", "HE", "Nnet"}) CHECK(AddressKey::parse(text)->advertisable());
  for (const std::string_view text : {"M$management", "Lx", "Tx", "RA", "A1", "M"})
    CHECK_FALSE(AddressKey::parse(text)->advertisable());
}

TEST_CASE("prefix mc is multicast, by whole tokens", "[routing][address]") {
  const auto treatment = [](std::string_view name) { return treatment_of_key(*AddressKey::mobile(name)); };
  CHECK(treatment("mc") == Treatment::multicast);
  CHECK(treatment("mc/sfe.all") == Treatment::multicast);
  CHECK(treatment("mc.x") == Treatment::multicast);
  CHECK(treatment("mcx") == Treatment::balanced);
  CHECK(treatment("m") == Treatment::balanced);
  CHECK(treatment("x/mc/") == Treatment::balanced);
  CHECK(treatment_of_key(*AddressKey::mobile("mcx"), Treatment::closest) == Treatment::closest);
}

TEST_CASE("the longest configured prefix decides", "[routing][address]") {
  const TreatmentTable table{{{"a", Treatment::multicast}, {"a/b", Treatment::closest}}};
  CHECK(table.find(*AddressKey::mobile("a/x")) == Treatment::multicast);
  CHECK(table.find(*AddressKey::mobile("a/b/x")) == Treatment::closest);
  CHECK(table.find(*AddressKey::mobile("b")) == std::nullopt);
}

TEST_CASE("router names in ingress and trace carry the area", "[routing][address]") {
  CHECK(node_name("RA") == "0/RA");
  CHECK(id_of_node_name("0/RA") == "RA");
  CHECK(id_of_node_name("RA") == std::nullopt);
  CHECK(id_of_node_name("0/") == std::nullopt);
}

TEST_CASE("treatments keep their numbers", "[routing][address]") {
  for (std::int64_t number = 0; number <= 4; ++number)
    CHECK(static_cast<std::int64_t>(*treatment_of_number(number)) == number);
  CHECK(treatment_of_number(-1) == std::nullopt);
  CHECK(treatment_of_number(5) == std::nullopt);
  CHECK(name_of(Treatment::closest) == "closest");
}

TEST_CASE("keys of router control have a scope, others have none", "[routing][messages]") {
  const auto scope = [](std::string_view to) { return control_scope(*classify(to, {"ME"})); };
  CHECK(scope(destination::hello) == ControlScope::link);
  CHECK(scope(destination::flood) == ControlScope::flood);
  CHECK(scope(destination::multicast) == ControlScope::multicast);
  CHECK(scope(destination::link_state_of("ME")) == ControlScope::here);
  CHECK(scope(destination::mobile_of("ME")) == ControlScope::here);
  CHECK(scope(destination::mobile_of("A")) == std::nullopt);
  CHECK(scope("qdrouter") == std::nullopt);
}

TEST_CASE("a router id has no slash and is not all", "[routing][messages]") {
  CHECK(valid_router_id("RA"));
  CHECK_FALSE(valid_router_id(""));
  CHECK_FALSE(valid_router_id("all"));
  CHECK_FALSE(valid_router_id("a/b"));
  CHECK_FALSE(valid_router_id(std::string(kRouterIdBytes + 1, 'x')));
}

TEST_CASE("a message knows its opcode and its sender", "[routing][messages]") {
  CHECK(opcode_of(Hello{.id = "A"}) == "HELLO");
  CHECK(opcode_of(Mau{.id = "A", .mobile_seq = 1, .content = Mau::Absolute{}}) == "MAU");
  CHECK(sender_of(Mar{.id = "B"}) == "B");
}

}  // namespace
}  // namespace van::routing
