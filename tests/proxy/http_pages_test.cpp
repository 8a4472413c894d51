#include "proxy/http_pages.h"

#include "tests/support/catch.h"

namespace van::proxy {
namespace {

const std::vector<KnownService> kKnown{{.address = "greeting", .port = 8080}, {.address = "shop/orders"}, {.address = "a..b"}, {.address = "clock", .protocol = Protocol::udp}};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the start page links to each service that has a host name", "[proxy][http]") {
  const std::string page = start_page(kKnown, "localhost:3128");
  CHECK(contains(page, "<a href=\"http://greeting.localhost:3128/\">greeting</a></td><td>tcp</td><td>8080</td>"));
  CHECK(contains(page, "<a href=\"http://shop-orders.localhost:3128/\">shop/orders</a>"));
  CHECK(contains(page, "<td>a..b</td>"));
  CHECK(contains(page, "<td>clock</td><td>udp</td>"));
  CHECK(contains(start_page({}, "localhost"), "None yet."));
  CHECK(contains(start_page(kKnown, "[::1]"), "http://greeting.localhost/"));
  CHECK(contains(start_page({{.address = "<b>\"&"}}, "localhost"), "&lt;b&gt;&quot;&amp;"));
}

TEST_CASE("the PAC file sends services to us and nothing else", "[proxy][http]") {
  CHECK(pac_file(kKnown, "127.0.0.1:3128") ==
        "var services = {\"greeting\": 1, \"shop-orders\": 1};\n"
        "function FindProxyForURL(url, host) {\n"
        "  host = host.toLowerCase();\n"
        "  if (dnsDomainIs(host, \".van\") || Object.prototype.hasOwnProperty.call(services, host)) return \"PROXY 127.0.0.1:3128\";\n"
        "  return \"DIRECT\";\n"
        "}\n");
}

}  // namespace van::proxy
