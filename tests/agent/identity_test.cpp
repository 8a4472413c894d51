#include "agent/identity.h"

#include <algorithm>
#include <set>

#include "core/base/limits.h"
#include "core/tls/secure_random.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

TEST_CASE("a UUID is of version 4, and never the same twice", "[agent][identity]") {
  tls::SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = make_uuid(random);
    REQUIRE(uuid.size() == 36);
    CHECK(uuid[8] == '-');
    CHECK(uuid[14] == '4');
    CHECK(std::string{"89ab"}.find(uuid[19]) != std::string::npos);
    CHECK(seen.insert(uuid).second);
  }
}

TEST_CASE("a router id is one that routers take, whatever the site is called", "[agent][identity]") {
  tls::SystemRandom random;
  for (const char* name : {"laptop", "all", "", "///", "\xff\x01", "-a b/c"}) {
    const std::string id = make_router_id(name, random);
    CAPTURE(id);
    CHECK(check_site_name(id));
    CHECK(id != "all");
    CHECK(id.find('/') == std::string::npos);
  }
  CHECK(make_router_id("laptop", random).starts_with("laptop-"));
  CHECK(make_router_id("laptop", random) != make_router_id("laptop", random));
}

TEST_CASE("names of sites are checked, and made from any text", "[agent][identity]") {
  for (const char* good : {"a", "laptop", "Ann.s_box-9"}) CHECK(check_site_name(good));
  for (const char* bad : {"", "-a", ".a", "a b", "a/b", "\xc3\xa4"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(check_site_name(bad));
    CHECK(check_site_name(bad).error().code == Error::Code::bad_request);
    CHECK(check_site_name(site_name_like(bad)));
  }
  CHECK_FALSE(check_site_name(std::string(64, 'a')));
  CHECK(site_name_like("Ann's box") == "Ann-s-box");
}

TEST_CASE("addresses that routers keep for themselves are refused", "[agent][identity]") {
  for (const char* good : {"greeting", "db/orders", "backend:8080", "a@b", "9", "x_y.z-1"}) {
    CAPTURE(good);
    CHECK(check_address(good));
  }
  for (const char* bad : {"", "_topo/0/x", "_edge/x", "_local/x", "$management", "mc/x", "/a", "a b", "a\n", "\xc3\xa4"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_address(bad));
  }
  CHECK(check_address(std::string(253, 'a')));
  CHECK_FALSE(check_address(std::string(254, 'a')));
}

TEST_CASE("the server's certificate names the public hosts and this machine", "[agent][identity]") {
  tls::SystemRandom random;
  const auto now = std::chrono::system_clock::now();
  const auto own = make_authority("mill", "mill-box", {"mill.example.net", "192.0.2.7"}, now, random);
  REQUIRE(own);
  const auto server = tls::inspect(own->server.certificate_pem);
  REQUIRE(server);
  for (const char* name : {"mill.example.net", "192.0.2.7", "localhost", "127.0.0.1", "mill-box"}) {
    CAPTURE(name);
    CHECK(std::ranges::find(server->dns_names, name) != server->dns_names.end());
  }
  CHECK(std::ranges::find(server->ip_addresses, "192.0.2.7") != server->ip_addresses.end());
  CHECK(tls::inspect(own->authority.certificate_pem)->is_ca);
  CHECK(server->not_after > now + std::chrono::hours{24 * 365 * 9});

  const auto bad = make_authority("mill", "", {"no host"}, now, random);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == Error::Code::bad_request);
}

}  // namespace
}  // namespace van::agent
