#include "proxy/service_name.h"

#include "tests/support/catch.h"

namespace van::proxy {
namespace {

const std::vector<KnownService> kKnown{{.address = "greeting", .port = 8080},
                                       {.address = "Shop/Orders_v2", .port = 0},
                                       {.address = "a-b", .port = 1},
                                       {.address = "a_b", .port = 2},
                                       {.address = "db.prod", .port = 5432},
                                       {.address = "site.van", .port = 9},
                                       {.address = "clock", .port = 123, .protocol = Protocol::udp}};

std::string found(std::string_view host, std::uint16_t port = 0) {
  const auto service = find_service(kKnown, host, port);
  return service ? service->address : "";
}
NameRefusal refused(std::string_view host, std::uint16_t port = 0) {
  const auto service = find_service(kKnown, host, port);
  REQUIRE_FALSE(service);
  CHECK(service.error().why.find('\n') == std::string::npos);
  return service.error();
}

}  // namespace

TEST_CASE("a host name means the service with that address", "[proxy][names]") {
  for (const std::string_view host : {"greeting", "GREETING", "greeting.", "greeting.van", "Greeting.Van.", "greeting.localhost"}) CHECK(found(host) == "greeting");
  CHECK(found("db.prod") == "db.prod");
  CHECK(found("db.prod.van") == "db.prod");
  CHECK(found("site.van") == "site.van");
  CHECK(found("site.van.van") == "site.van");
  CHECK(refused("site").kind == NameRefusal::Kind::unknown);
}

TEST_CASE("what no host name has is a '-' in it, unless that means several", "[proxy][names]") {
  CHECK(host_name_of("Shop/Orders_v2") == "shop-orders-v2");
  CHECK(found("shop-orders-v2.van") == "Shop/Orders_v2");
  CHECK(found("Shop/Orders_v2") == "Shop/Orders_v2");
  CHECK(found("a-b") == "a-b");  // the very address goes before the likeness
  CHECK(found("a_b.van") == "a_b");
  const auto both = find_service({{.address = "x/y"}, {.address = "x_y"}}, "x-y", 0);
  REQUIRE_FALSE(both);
  CHECK(both.error().kind == NameRefusal::Kind::ambiguous);
  CHECK(both.error().why.find("x/y, x_y") != std::string::npos);
}

TEST_CASE("addresses that make no host name are known as such", "[proxy][names]") {
  for (const std::string_view address : {"a..b", "a.", "10.0.0.5"}) CHECK(host_name_of(address).empty());
  CHECK(host_name_of(std::string(64, 'x')).empty());
  CHECK(host_name_of(std::string(63, 'x')) == std::string(63, 'x'));
  CHECK_FALSE(find_service({{.address = "a."}}, "", 0));
}

TEST_CASE("a port that is not the service's is refused, unless it says nothing", "[proxy][names]") {
  for (const int port : {0, 80, 443, 8080}) CHECK(found("greeting", static_cast<std::uint16_t>(port)) == "greeting");
  const NameRefusal wrong = refused("greeting", 8081);
  CHECK(wrong.kind == NameRefusal::Kind::port);
  CHECK(wrong.why == "service greeting has port 8080, not 8081");
  CHECK(found("shop-orders-v2", 8081) == "Shop/Orders_v2");  // nothing is known of its port
}

TEST_CASE("IP addresses, datagrams and names that nobody has are refused with words", "[proxy][names]") {
  for (const std::string_view host : {"127.0.0.1", "10.0.0.5", "::1", "[::1]", "fd00::1"}) CHECK(refused(host).kind == NameRefusal::Kind::address);
  CHECK(refused("clock").kind == NameRefusal::Kind::protocol);
  const NameRefusal unknown = refused("example.com");
  CHECK(unknown.kind == NameRefusal::Kind::unknown);
  CHECK(unknown.why.find("'example.com' is no service of this network; it has Shop/Orders_v2, a-b") == 0);
  CHECK(refused(std::string(3000, '\n')).why.size() < 300);
  CHECK(find_service({}, "x", 0).error().why.find("which has none yet") != std::string::npos);
  std::vector<KnownService> many;
  for (int number = 10; number < 40; ++number) many.push_back({.address = "s" + std::to_string(number)});
  CHECK(find_service(many, "x", 0).error().why.ends_with("s19 and 20 more"));
}

}  // namespace van::proxy
