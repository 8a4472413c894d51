#include "proxy/endpoint.h"

#include "tests/support/catch.h"

namespace van::proxy {

namespace {

Endpoint tcp(std::string host, std::uint16_t port) { return {.host = std::move(host), .port = port, .path = {}}; }

std::string error_of(std::string_view text, EndpointOptions options = {}) {
  const auto endpoint = parse_endpoint(text, options);
  CAPTURE(text);
  REQUIRE_FALSE(endpoint);
  CHECK(endpoint.error().find("'" + std::string{text} + "'") == 0);
  CHECK(endpoint.error().find("expected PORT, HOST:PORT, [IPV6]:PORT or unix:/PATH") != std::string::npos);
  CHECK(endpoint.error().find('\n') == std::string::npos);
  return endpoint.error();
}

bool says(const std::string& error, std::string_view words) {
  INFO(error);
  return error.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("an endpoint is a port, a host and port, or a path, and reads back from its text", "[proxy][endpoint]") {
  struct Row {
    std::string_view text;
    Endpoint endpoint;
    std::string_view shown;
  };
  const std::vector<Row> rows{
      {"8080", tcp("localhost", 8080), "localhost:8080"},
      {"1", tcp("localhost", 1), "localhost:1"},
      {"65535", tcp("localhost", 65535), "localhost:65535"},
      {"localhost:80", tcp("localhost", 80), "localhost:80"},
      {"127.0.0.1:5432", tcp("127.0.0.1", 5432), "127.0.0.1:5432"},
      {"db.example.com:5432", tcp("db.example.com", 5432), "db.example.com:5432"},
      {"[::1]:8080", tcp("::1", 8080), "[::1]:8080"},
      {"[fe80::1%eth0]:22", tcp("fe80::1%eth0", 22), "[fe80::1%eth0]:22"},
      {"unix:/run/db.sock", {.host = {}, .port = 0, .path = "/run/db.sock"}, "unix:/run/db.sock"},
      {"unix:/with space:and colon",
       {.host = {}, .port = 0, .path = "/with space:and colon"},
       "unix:/with space:and colon"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto endpoint = parse_endpoint(row.text);
    REQUIRE(endpoint);
    CHECK(*endpoint == row.endpoint);
    CHECK(endpoint->is_path() == row.text.starts_with("unix:"));
    CHECK(endpoint->text() == row.shown);
    CHECK(*parse_endpoint(endpoint->text()) == *endpoint);
  }
}

TEST_CASE("a lone port means the default host", "[proxy][endpoint]") {
  CHECK(*parse_endpoint("80", {.default_host = "0.0.0.0"}) == tcp("0.0.0.0", 80));
  CHECK(parse_endpoint("80", {.default_host = "::"})->text() == "[::]:80");
  CHECK(*parse_endpoint("a:80", {.default_host = "0.0.0.0"}) == tcp("a", 80));
}

TEST_CASE("port 0 is only for who listens", "[proxy][endpoint]") {
  for (const std::string_view text : {"0", "localhost:0", "[::1]:0"}) {
    CHECK(says(error_of(text), "port 0 is no port to connect to"));
    const auto endpoint = parse_endpoint(text, {.zero_port = true});
    REQUIRE(endpoint);
    CHECK(endpoint->port == 0);
  }
}

TEST_CASE("what is no port is refused", "[proxy][endpoint]") {
  for (const std::string_view text : {"", "x", "-1", "+1", "65536", "99999999999999999999", "80 ", " 80", "8o", "0x50",
                                      "a:", "a:b", "a:80x", "a:-1", "a:65536", "[::1]:", "[::1]:http"}) {
    CHECK(says(error_of(text), "no port from 1 to 65535"));
    CHECK(says(error_of(text, {.zero_port = true}), "no port from 1 to 65535"));
  }
}

TEST_CASE("what is no host is refused", "[proxy][endpoint]") {
  CHECK(says(error_of(":80"), "no host before ':'"));
  CHECK(says(error_of("::1"), "an IPv6 address stands in brackets"));
  CHECK(says(error_of("::1:80"), "an IPv6 address stands in brackets"));
  CHECK(says(error_of("a:80:90"), "an IPv6 address stands in brackets"));
  for (const std::string_view text : {"[::1]", "[]:80", "[::1", "[::1]80", "["}) {
    CHECK(says(error_of(text), "no '[IPV6]:PORT'"));
  }
  for (const std::string_view text : {"a b:80", "a\t:80", "http//a:80", "me@a:80", "a\x7f:80", "[a b]:80"}) {
    CHECK(says(error_of(text), "that is no host name"));
  }
  CHECK(says(error_of(std::string_view{"a\0b:80", 6}), "that is no host name"));
}

TEST_CASE("a socket's path is absolute", "[proxy][endpoint]") {
  for (const std::string_view text : {"unix:", "unix:db.sock", "unix:./db.sock", "unix:~/db.sock"}) {
    CHECK(says(error_of(text), "a socket's path begins with '/'"));
  }
}

}  // namespace van::proxy
