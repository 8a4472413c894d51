#include "agent/http_request.h"

#include <string>
#include <vector>

#include "core/base/limits.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

struct Seen {
  std::vector<HttpRequest> requests;
  std::optional<HttpError> error;
};

/// Pushes in pieces of `piece` bytes, taking what there is after each.
Seen parse(std::string_view text, std::size_t piece = SIZE_MAX) {
  HttpRequestParser parser;
  Seen seen;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, piece);
    text.remove_prefix(part.size());
    parser.push(as_bytes(part));
    for (;;) {
      const auto request = parser.next();
      if (!request) {
        seen.error = request.error();
        return seen;
      }
      if (!*request) break;
      seen.requests.push_back(**request);
    }
  }
  return seen;
}
int status_of(std::string_view text) {
  const Seen seen = parse(text);
  return seen.error ? seen.error->status : 0;
}

constexpr std::string_view kThree =
    "GET /v1/logs?lines=5&level=info&follow= HTTP/1.1\r\nHost: x\r\n\r\n"
    "POST /v1/links HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{\"a\": \"bc\"}"
    "POST /v1/site HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n";

TEST_CASE("requests are the same in any split of the stream", "[agent][http]") {
  for (std::size_t piece = 1; piece <= kThree.size(); ++piece) {
    CAPTURE(piece);
    const Seen seen = parse(kThree, piece);
    REQUIRE_FALSE(seen.error);
    REQUIRE(seen.requests.size() == 3);
    CHECK(seen.requests[0].method == "GET");
    CHECK(seen.requests[0].path == "/v1/logs");
    CHECK(seen.requests[0].query == std::map<std::string, std::string>{{"lines", "5"}, {"level", "info"}, {"follow", ""}});
    CHECK(seen.requests[1].path == "/v1/links");
    CHECK(seen.requests[1].body == "{\"a\": \"bc\"}");
    CHECK(seen.requests[2].body == "abcde");
    CHECK(seen.requests[2].keep_alive);
  }
}

TEST_CASE("a stream cut at any place gives the whole requests before the cut, and no error", "[agent][http]") {
  for (std::size_t size = 0; size < kThree.size(); ++size) {
    CAPTURE(size);
    const Seen seen = parse(kThree.substr(0, size));
    CHECK_FALSE(seen.error);
    CHECK(seen.requests.size() < 3);
  }
}

TEST_CASE("a connection ends after HTTP/1.0, Connection: close and an upgrade", "[agent][http]") {
  CHECK_FALSE(parse("GET / HTTP/1.0\r\n\r\n").requests.at(0).keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").requests.at(0).keep_alive);
  const Seen upgrade = parse("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello");
  REQUIRE(upgrade.requests.size() == 1);
  CHECK_FALSE(upgrade.requests[0].keep_alive);
  CHECK_FALSE(upgrade.error);
}

TEST_CASE("paths and parameters are decoded", "[agent][http]") {
  const Seen seen = parse("DELETE /v1/links/a%20b?address=x%2Fy&target=%5B::1%5D:80 HTTP/1.1\r\n\r\n");
  REQUIRE(seen.requests.size() == 1);
  CHECK(seen.requests[0].path == "/v1/links/a b");
  CHECK(seen.requests[0].query.at("address") == "x/y");
  CHECK(seen.requests[0].query.at("target") == "[::1]:80");
}

TEST_CASE("what is no request is refused", "[agent][http]") {
  for (const char* bad :
       {"hello\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "GET / HTTP/0.9\r\n\r\n", "GET noslash HTTP/1.1\r\n\r\n",
        "GET /%zz HTTP/1.1\r\n\r\n", "GET /% HTTP/1.1\r\n\r\n", "GET /a%00b HTTP/1.1\r\n\r\n", "GET /a?b=%1 HTTP/1.1\r\n\r\n",
        "GET /a?b=1&b=2 HTTP/1.1\r\n\r\n", "GET http://x/ HTTP/1.1\r\n\r\n", "CONNECT x:1 HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    CAPTURE(bad);
    CHECK(status_of(bad) == 400);
  }
}

TEST_CASE("an error stays, and nothing after it is looked at", "[agent][http]") {
  HttpRequestParser parser;
  parser.push(as_bytes("nonsense\r\n\r\n"));
  REQUIRE_FALSE(parser.next());
  parser.push(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  CHECK_FALSE(parser.next());
}

TEST_CASE("a head above the limit is refused, one at the limit is not", "[agent][http]") {
  const std::string line = "GET / HTTP/1.1\r\nX: ";
  CHECK(status_of(line + std::string(limits::kApiHeaderBytes - 100, 'a') + "\r\n\r\n") == 0);
  CHECK(status_of(line + std::string(limits::kApiHeaderBytes, 'a')) == 431);
  CHECK(status_of("GET /" + std::string(limits::kApiHeaderBytes, 'a')) == 431);
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "A:b\r\n";
  CHECK(status_of("GET / HTTP/1.1\r\n" + many) == 431);
}

TEST_CASE("a body above the limit is refused before it is whole, one at the limit is taken", "[agent][http]") {
  const std::string head = "POST / HTTP/1.1\r\nContent-Length: ";
  const std::string whole(limits::kApiBodyBytes, 'x');
  const Seen seen = parse(head + std::to_string(whole.size()) + "\r\n\r\n" + whole, 65536);
  REQUIRE(seen.requests.size() == 1);
  CHECK(seen.requests[0].body == whole);
  CHECK(status_of(head + "99999999\r\n\r\n" + whole + "x") == 413);
}

TEST_CASE("chunks so small that they are nothing but overhead end in an error", "[agent][http]") {
  HttpRequestParser parser;
  parser.push(as_bytes("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"));
  std::string chunks;
  for (int i = 0; i < 1000; ++i) chunks += "1;" + std::string(1000, 'e') + "\r\nx\r\n";
  bool refused = false;
  for (int i = 0; i < 10 && !refused; ++i) {
    parser.push(as_bytes(chunks));
    refused = !parser.next();
  }
  CHECK(refused);
}

TEST_CASE("a client that waits for 100 Continue is heard once", "[agent][http]") {
  HttpRequestParser parser;
  parser.push(as_bytes("POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"));
  REQUIRE(parser.next());
  CHECK(parser.take_expects_continue());
  CHECK_FALSE(parser.take_expects_continue());
  parser.push(as_bytes("ab"));
  CHECK((*parser.next())->body == "ab");
}

TEST_CASE("the parser knows when it is between requests", "[agent][http]") {
  HttpRequestParser parser;
  CHECK(parser.between_requests());
  parser.push(as_bytes("GET / HT"));
  CHECK_FALSE(parser.between_requests());
  REQUIRE(parser.next());
  CHECK_FALSE(parser.between_requests());
  parser.push(as_bytes("TP/1.1\r\n\r\n"));
  REQUIRE(*parser.next());
  CHECK(parser.between_requests());
}

}  // namespace
}  // namespace van::agent
