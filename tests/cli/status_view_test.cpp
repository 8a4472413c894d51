#include "cli/status_view.h"

#include "tests/support/catch.h"

using namespace van::cli;

namespace {

const char* const kDocument = R"({
  "version": "0.1.0", "profile": "default", "pid": 4242, "uptime_s": 12.5,
  "site": {"id": "s1", "name": "laptop", "role": "edge"},
  "sites": [{"id": "s2", "name": "aws", "role": "interior", "direct": true, "hops": 1, "cost": 1},
            {"id": "s3", "name": "gcp", "role": "interior", "direct": false, "hops": 2, "cost": 6}],
  "links": [{"name": "aws", "peer": "aws", "role": "edge", "direction": "outgoing", "state": "up", "cost": 1,
             "remote": "127.0.0.1:45671", "since_s": 71.9, "error": null,
             "tls": {"version": "TLSv1.2", "cipher": "C", "peer": "p", "expires": "2027-01-01T00:00:00Z"}}],
  "services": [{"address": "greeting", "protocol": "tcp", "port": 8080, "reachable": true,
                "providers": [{"site": "aws", "cost": 5, "target": "localhost:8080"}, {"site": "gcp", "cost": 0, "target": ""}],
                "stand_in": null, "in_flight": 0, "connections": 17, "bytes_in": 1, "bytes_out": 2}]
})";

StatusDocument status_of(std::string_view text) { return read_status(parse_json(text).value()); }

}  // namespace

TEST_CASE("a status is shown as tables", "[cli][view]") {
  CHECK(status_view(status_of(kDocument), {}) ==
        "Site laptop (edge)\n"
        "Profile default, agent 0.1.0 running for 12s\n"
        "\n"
        "LINK  PEER  ROLE  DIRECTION  STATE  COST  REMOTE           FOR\n"
        "aws   aws   edge  outgoing   up        1  127.0.0.1:45671  1m11s\n"
        "\n"
        "SITE  ROLE      DISTANCE  COST\n"
        "aws   interior  direct       1\n"
        "gcp   interior  2 hops       6\n"
        "\n"
        "ADDRESS   PROTOCOL  PORT  REACHABLE  EXPOSED AT  STAND-IN  IN FLIGHT\n"
        "greeting  tcp       8080  yes        aws, gcp    -                 0\n");
}

TEST_CASE("verbose adds columns, and a link's error gets one when there is any", "[cli][view]") {
  const ViewOptions verbose{.style = Style{false}, .verbose = true};
  CHECK(links_view(status_of(kDocument), verbose).find("2027-01-01T00:00:00Z") != std::string::npos);
  CHECK(services_view(status_of(kDocument), verbose).find("aws=localhost:8080 (cost 5), gcp") != std::string::npos);
  CHECK(links_view(status_of(kDocument), {}).find("LAST ERROR") == std::string::npos);
  const StatusDocument down = status_of(R"({"links": [{"name": "x", "state": "down", "error": "no route"}]})");
  CHECK(links_view(down, {}).find("no route") != std::string::npos);
}

TEST_CASE("nothing is said to be nothing", "[cli][view]") {
  const StatusDocument empty = status_of(R"({"site": null, "sites": [], "links": [], "services": []})");
  CHECK(sites_view(empty, {}) == "No other sites\n");
  CHECK(links_view(empty, {}) == "No links\n");
  CHECK(services_view(empty, {}) == "No services\n");
  CHECK(status_view(empty, {}).starts_with("No site yet"));
}

TEST_CASE("fields that are missing or of other types than we know harm nothing", "[cli][view]") {
  for (const std::string text :
       {"null", "[]", "1", "{}", R"({"site": 1, "sites": {}, "links": [1, null, {}], "services": "x"})",
        R"({"links": [{"name": 5, "cost": "x", "since_s": 1e300, "tls": []}], "uptime_s": -1e300})",
        R"({"services": [{"providers": [1]}], "pid": 1.5, "future": {}})"}) {
    CAPTURE(text);
    CHECK_FALSE(status_view(status_of(text), {.style = Style{true}, .verbose = true}).empty());
  }
}
