#include "agent/network_map.h"

#include "tests/support/catch.h"

namespace van::agent {
namespace {

using vanflow::Attribute;
using vanflow::Attributes;
using vanflow::RecordType;

/// Sources with a site, its router and what else is added.
struct Fixture {
  TelemetryCollector::Sources sources;

  void add(const std::string& source, RecordType type, const std::string& identity, Attributes attributes) {
    sources[source].records[identity] = {type, identity, std::move(attributes)};
  }
  void site(const std::string& prefix, const std::string& name, const std::string& mode = "interior") {
    const std::string source = prefix + ":0";
    add(source, RecordType::site, name + "-id", {{Attribute::name, name}});
    add(source, RecordType::router, source,
        {{Attribute::parent, name + "-id"}, {Attribute::name, "0/" + name + "-1"}, {Attribute::mode, mode}});
    add(source, RecordType::router_access, prefix + ":1", {{Attribute::parent, source}});
  }
  void link(const std::string& from, const std::string& to, std::uint64_t cost = 1, const std::string& status = "up") {
    add(from + ":0", RecordType::link, from + ":link-to-" + to,
        {{Attribute::parent, from + ":0"}, {Attribute::peer, to + ":1"}, {Attribute::cost, cost}, {Attribute::status, status}});
  }
  void connector(const std::string& prefix, const std::string& address, const std::string& port, const std::string& number = "9") {
    add(prefix + ":0", RecordType::connector, prefix + ":" + number,
        {{Attribute::parent, prefix + ":0"},
         {Attribute::address, address},
         {Attribute::protocol, "tcp"},
         {Attribute::host, "db"},
         {Attribute::port, port}});
  }
  [[nodiscard]] NetworkMap map() const { return read_network(sources, "me", {{"mill-1", 2}}); }
};

TEST_CASE("distances follow the links that are up", "[agent][telemetry]") {
  Fixture f;
  f.site("aaaaa", "mill");
  f.site("bbbbb", "lab");
  f.site("ccccc", "bench", "edge");
  f.site("ddddd", "lost");
  f.link("bbbbb", "aaaaa", 3);
  f.link("ccccc", "bbbbb");
  f.link("ddddd", "aaaaa", 1, "down");
  const NetworkMap map = f.map();
  REQUIRE(map.routers.size() == 4);
  CHECK(map.router("mill-1")->distance->cost == 2);
  CHECK(map.router("lab-1")->distance->hops == 2);
  CHECK(map.router("lab-1")->distance->cost == 5);
  CHECK(map.router("bench-1")->distance->hops == 3);
  CHECK(map.router("bench-1")->mode == "edge");
  CHECK(map.router("bench-1")->site == "bench");
  CHECK(map.router("bench-1")->site_id == "bench-id");
  CHECK_FALSE(map.router("lost-1")->distance);
  CHECK(map.router("nobody") == nullptr);
}

TEST_CASE("services have the port of the smallest source that names one", "[agent][telemetry]") {
  Fixture f;
  f.site("ccccc", "lab");
  f.connector("ccccc", "orders", "5432");
  f.site("bbbbb", "mill");
  f.connector("bbbbb", "orders", "5433");
  f.site("aaaaa", "bench");
  f.connector("aaaaa", "orders", "postgres");
  const NetworkMap map = f.map();
  const NetworkMap::Service& orders = map.services.at("orders");
  CHECK(orders.port == 5433);
  CHECK(orders.port_source == "bbbbb:0");
  CHECK(orders.protocol == "tcp");
  CHECK(orders.providers.size() == 3);
  CHECK(port_of_service(f.sources, "orders")->port == 5433);
  CHECK_FALSE(port_of_service(f.sources, "other"));
}

TEST_CASE("a target is what our connectors are named after, or host and port", "[agent][telemetry]") {
  Fixture f;
  f.site("aaaaa", "mill");
  f.connector("aaaaa", "orders", "5432");
  CHECK(f.map().services.at("orders").providers.at(0).target == "db:5432");
  f.sources["aaaaa:0"].records["aaaaa:9"].attributes[Attribute::name] = "orders@localhost:9000";
  CHECK(f.map().services.at("orders").providers.at(0).target == "localhost:9000");
}

TEST_CASE("a service counts although its router or site is not known yet", "[agent][telemetry]") {
  Fixture f;
  f.connector("aaaaa", "orders", "5432");
  CHECK(f.map().services.at("orders").providers.at(0).site == "aaaaa:0");
  f.add("aaaaa:0", RecordType::router, "aaaaa:0", {{Attribute::name, "0/real"}});
  CHECK(f.map().services.at("orders").providers.at(0).site == "real");
  CHECK(f.map().router("real")->site_id.empty());
}

TEST_CASE("the site of a Kubernetes router comes from another source", "[agent][telemetry]") {
  Fixture f;
  f.add("uuid", RecordType::site, "uuid", {{Attribute::name, "east"}});
  f.add("aaaaa:0", RecordType::router, "aaaaa:0", {{Attribute::name, "0/east-1"}, {Attribute::parent, "uuid"}});
  CHECK(f.map().router("east-1")->site == "east");
}

TEST_CASE("records that make no sense do no harm", "[agent][telemetry]") {
  Fixture f;
  f.site("aaaaa", "mill");
  f.link("aaaaa", "aaaaa", 0);
  f.link("aaaaa", "nobody", ~0ull);
  f.add("aaaaa:0", RecordType::connector, "aaaaa:8", {});
  f.connector("aaaaa", "web", "99999");
  f.connector("aaaaa", "web", "", "10");
  CHECK(f.map().services.at("web").port == 0);
  CHECK(f.map().router("mill-1")->distance->hops == 1);
}

}  // namespace
}  // namespace van::agent
