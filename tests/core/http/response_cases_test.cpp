#include <string_view>

#include "tests/core/http/described.h"
#include "tests/support/catch.h"

namespace van::http::test {
namespace {

struct Case {
  std::string_view raw;
  std::string_view read_as;
  Question question = {};
};
constexpr Question kHead{.is_head = true};
constexpr Question kConnect{.is_connect = true};

constexpr Case kCases[] = {
    // RFC 9112 §6.3: where a response ends
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "200 length 2 =ab"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP", "200 length 2 =ab | HTTP"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", "200 length 2 =a…"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "200 chunked =ab"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", "200 chunked =ab…"},
    {"HTTP/1.1 200 OK\r\n\r\nab", "200 until close last =ab"},
    {"HTTP/1.0 200 OK\r\n\r\nab", "200 until close last =ab"},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", "200 length 2 last =ab"},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", "200 length 2 =ab"},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", "200 length 2 last =ab"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "200 none", kHead},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 none", kHead},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", "204 none"},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", "304 none"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "100 none | HTTP/1.1 200 OK\r\n\r\n"},
    {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", "103 none"},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\nraw", "101 tunnel last | raw"},
    {"HTTP/1.1 200 OK\r\n\r\nraw", "200 tunnel last | raw", kConnect},
    {"HTTP/1.1 407 No\r\nContent-Length: 1\r\n\r\nx", "407 length 1 =x", kConnect},
    // the status line
    {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 none"},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 none"},
    {"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", "999 none"},
    {"HTTP/1.1 099 Odd\r\n\r\n", "502"},
    {"HTTP/1.1 20 Odd\r\n\r\n", "502"},
    {"HTTP/1.1 2000 Odd\r\n\r\n", "502"},
    {"HTTP/1.1  200 OK\r\n\r\n", "502"},
    {"HTTP/2.0 200 OK\r\n\r\n", "502"},
    {"ICY 200 OK\r\n\r\n", "502"},
    {"SSH-2.0-OpenSSH\r\n\r\n", "502"},
    {"HTTP/1.1 200 a\rb\r\n\r\n", "502"},
    // what two readers may see in two ways
    {"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "502"},
    {"HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n", "502"},
    {"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", "502"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "502"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na", "502"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\na", "502"},
    {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "502"},
};

TEST_CASE("a response is read as RFC 9112 says, or refused, in any split", "[http][response]") {
  for (const Case& each : kCases) {
    CAPTURE(each.raw);
    for (const std::size_t piece : {std::string_view::npos, std::size_t{1}, std::size_t{2}, std::size_t{5}})
      CHECK(Described{each.raw, piece}.response(each.question) == each.read_as);
  }
}

TEST_CASE("octets of a message are passed in the form in which they came", "[http][body]") {
  BodyReader reader{{Framing::Kind::chunked}};
  const std::string_view chunks = "2;x\r\nab\r\n0\r\nX: y\r\n\r\n";
  const std::string octets = std::string{chunks} + "HTTP/1.1";
  const auto used = reader.skip(as_bytes(octets));
  REQUIRE(used);
  CHECK(*used == chunks.size());
  CHECK(reader.complete());
  CHECK(*reader.skip(as_bytes("more")) == 0);
}

}  // namespace
}  // namespace van::http::test
