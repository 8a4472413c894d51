#include "agent/management_entities.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "core/amqp/encoder.h"
#include "core/router/router.h"
#include "tests/agent/profile_fixture.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

using amqp::List;
using amqp::Value;
using test::loopback_site;
using test::Profile;
using Row = std::map<std::string, Value, std::less<>>;

/// A site with a laptop, a service of the laptop that both know, and a stand-in on the site.
struct Network {
  io::Loop loop;
  Profile mill{loop};
  Profile laptop{loop};
  const std::string machine = "box";

  Network() {
    REQUIRE(mill->create(loopback_site("mill")));
    REQUIRE(test::join(loop, *laptop, {.token = mill->create_token({.name = "t"})->text, .site_name = "laptop", .cost = 3}));
    REQUIRE(laptop->expose({.address = "greeting", .target = "127.0.0.1:8080", .port = 80}));
    REQUIRE(mill->bind({.address = "greeting", .local = "127.0.0.1:0"}));
    REQUIRE(loop.run_until([this] { return mill->presence().stand_in(mill->state().bindings[0])->reachable; }));
  }

  std::vector<Row> rows(Profile& of, const std::string& type) {
    const SiteEntities source{{.state = of->state(),
                               .presence = of->presence(),
                               .machine = machine,
                               .now = io::Loop::now(),
                               .wall_now = io::Loop::wall_clock()}};
    const auto table = source.table("io.skupper.router." + type);
    REQUIRE(table != nullptr);
    std::vector<Row> rows(table->rows());
    std::size_t column = 0;
    for (const std::string_view name : table->attributes()) {
      for (std::size_t i = 0; i < rows.size(); ++i) CHECK(rows[i].emplace(name, table->value(i, column)).second);
      ++column;
    }
    return rows;
  }
  Row only(Profile& of, const std::string& type) {
    const auto found = rows(of, type);
    REQUIRE(found.size() == 1);
    return found[0];
  }
  std::string id(Profile& of) { return of->presence().identity().router_id; }
};

void check_texts(const Row& row, std::initializer_list<std::pair<const char*, std::string>> expected) {
  for (const auto& [name, text] : expected) {
    CAPTURE(name);
    REQUIRE(row.contains(name));
    CHECK(row.at(name) == Value{text});
  }
}

TEST_CASE("a router tells who it is", "[agent][management]") {
  Network network;
  const Row mill = network.only(network.mill, "router");
  check_texts(mill, {{"id", network.id(network.mill)},
                     {"mode", "interior"},
                     {"area", "0"},
                     {"version", VAN_VERSION},
                     {"hostName", "box"},
                     {"type", "io.skupper.router.router"}});
  CHECK(mill.at("metadata").text()->find(network.mill->state().site->id) != std::string_view::npos);
  CHECK(network.only(network.laptop, "router").at("mode") == Value{"edge"});
  CHECK(network.only(network.mill, "routerMetrics").at("connectionCount") == Value{std::uint64_t{1}});
  CHECK(network.only(network.mill, "network").at("networkId").is_null());

  const Row self = network.only(network.mill, "router.node");
  check_texts(self, {{"id", network.id(network.mill)}, {"nextHop", "(self)"}, {"address", "amqp:/_topo/0/" + network.id(network.mill)}});
  CHECK(network.rows(network.laptop, "router.node").empty());
}

TEST_CASE("both ends of a link show the connection, its links and its addresses", "[agent][management]") {
  Network network;
  const Row in = network.only(network.mill, "connection");
  check_texts(in, {{"container", network.id(network.laptop)}, {"role", "edge"}, {"dir", "in"}, {"sasl", "EXTERNAL"}, {"operStatus", "up"}});
  CHECK(in.at("isEncrypted") == Value{true});
  CHECK(in.at("opened") == Value{true});
  CHECK(in.at("sslProto").text()->starts_with("TLSv1."));
  CHECK(in.at("meshId").text().has_value());
  const Row out = network.only(network.laptop, "connection");
  check_texts(out, {{"container", network.id(network.mill)}, {"role", "edge"}, {"dir", "out"}});
  CHECK(out.at("active") == Value{true});

  const auto links = network.rows(network.mill, "router.link");
  CHECK(links.size() >= 5);
  CHECK(std::ranges::all_of(links, [&](const Row& link) { return link.at("connectionId") == in.at("identity"); }));
  CHECK(std::ranges::count_if(links, [](const Row& link) { return link.at("owningAddr") == Value{"Mgreeting"}; }) == 1);
  CHECK(std::ranges::count_if(links, [&](const Row& link) { return link.at("linkType") == Value{"edge-downlink"}; }) == 1);

  std::map<std::string, Row> addresses;
  for (Row& address : network.rows(network.mill, "router.address")) addresses[std::string{*address.at("key").text()}] = std::move(address);
  REQUIRE(addresses.contains("Mgreeting"));
  CHECK(addresses["Mgreeting"].at("subscriberCount") == Value{std::uint64_t{1}});
  CHECK(addresses["Mgreeting"].at("watch") == Value{true});
  CHECK(addresses["Mgreeting"].at("distribution") == Value{"balanced"});
  REQUIRE(addresses.contains("H" + network.id(network.laptop)));
  REQUIRE(addresses.contains("L$management"));
  CHECK(addresses["L$management"].at("inProcess") == Value{std::uint64_t{1}});
}

TEST_CASE("what the user has configured is listed", "[agent][management]") {
  Network network;
  const BindingState& binding = network.mill->state().bindings[0];
  const Row listener = network.only(network.mill, "tcpListener");
  check_texts(listener, {{"name", "greeting@" + binding.local}, {"address", "greeting"}, {"host", "127.0.0.1"}, {"operStatus", "up"}});
  CHECK(binding.local == "127.0.0.1:" + std::string{*listener.at("port").text()});
  check_texts(network.only(network.laptop, "tcpConnector"),
              {{"address", "greeting"}, {"host", "127.0.0.1"}, {"port", "8080"}, {"siteId", network.laptop->state().site->id}});
  CHECK(network.rows(network.mill, "listener").size() == 2);
  const Row connector = network.only(network.laptop, "connector");
  check_texts(connector, {{"name", "t"}, {"role", "edge"}, {"connectionStatus", "SUCCESS"}});
  CHECK(connector.at("cost") == Value{std::uint32_t{3}});
  check_texts(network.only(network.laptop, "sslProfile"), {{"name", "t"}});
}

TEST_CASE("every entity has its own name and identity, and none has a secret", "[agent][management]") {
  Network network;
  for (Profile* profile : {&network.mill, &network.laptop}) {
    const SiteEntities source{{.state = (*profile)->state(),
                               .presence = (*profile)->presence(),
                               .machine = network.machine,
                               .now = io::Loop::now(),
                               .wall_now = io::Loop::wall_clock()}};
    for (const std::string_view type : source.types()) {
      CAPTURE(type);
      std::set<std::string> names, identities;
      const auto rows = network.rows(*profile, std::string{type.substr(std::string_view{"io.skupper.router."}.size())});
      for (const Row& row : rows) {
        names.emplace(row.at("name").text().value_or(""));
        identities.emplace(row.at("identity").text().value_or(""));
        CHECK(row.at("type") == Value{type});
        for (const auto& [name, value] : row) {
          const Bytes bytes = amqp::encode_value(value);
          const std::string text{bytes.begin(), bytes.end()};
          CHECK(text.find("-----BEGIN") == std::string::npos);
          CHECK(text.find("PRIVATE KEY") == std::string::npos);
        }
      }
      CHECK(identities.size() == rows.size());
      CHECK(names.size() == rows.size());
      CHECK_FALSE(names.contains(""));
      CHECK_FALSE(identities.contains(""));
    }
    CHECK(source.table("io.skupper.router.nonsense") == nullptr);
  }
}

}  // namespace
}  // namespace van::agent
