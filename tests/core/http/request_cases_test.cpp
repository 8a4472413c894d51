// RFC 9112's hard cases as a table: raw requests, and what they are read as.
#include <string>
#include <string_view>

#include "core/base/limits.h"
#include "tests/core/http/described.h"
#include "tests/support/catch.h"

namespace van::http::test {
namespace {

struct Case {
  std::string_view raw;
  std::string_view read_as;  ///< a status, or method, target, framing and content; "…": more is to come
};

#define H "Host: a\r\n"

constexpr Case kCases[] = {
    // §3: the request line
    {"GET / HTTP/1.1\r\n" H "\r\n", "GET / none"},
    {"GET /a?b=c%20d HTTP/1.1\r\n" H "\r\n", "GET /a?b=c%20d none"},
    {"GET / HTTP/1.0\r\n\r\n", "GET / none last"},
    {"GET / HTTP/1.2\r\n" H "\r\n", "GET / none"},
    {"GET / HTTP/2.0\r\n" H "\r\n", "505"},
    {"PRI * HTTP/2.0\r\n\r\n", "505"},
    {"GET / HTTP/0.9\r\n\r\n", "505"},
    {"GET /\r\n\r\n", "400"},
    {"GET / http/1.1\r\n" H "\r\n", "400"},
    {"GET / HTTP/1.11\r\n" H "\r\n", "400"},
    {"GET / HTTP/1.1 \r\n" H "\r\n", "400"},
    {"GET  / HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET\t/\tHTTP/1.1\r\n" H "\r\n", "400"},
    {" GET / HTTP/1.1\r\n" H "\r\n", "400"},
    {"G(T / HTTP/1.1\r\n" H "\r\n", "400"},
    {"get / HTTP/1.1\r\n" H "\r\n", "get / none"},
    {"BREW /pot HTTP/1.1\r\n" H "\r\n", "BREW /pot none"},
    {"GET /a b HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET /a#b HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET /a\x01 HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET /\xc3\xa9|{} HTTP/1.1\r\n" H "\r\n", "GET /\xc3\xa9|{} none"},
    {"GET a HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET * HTTP/1.1\r\n" H "\r\n", "400"},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS * none"},
    {"GET http://b:80/x HTTP/1.1\r\n" H "\r\n", "GET http://b:80/x none host=b:80"},
    {"GET http://b?x HTTP/1.1\r\n" H "\r\n", "GET http://b?x none host=b"},
    {"GET http:///x HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET http://u@b/x HTTP/1.1\r\n" H "\r\n", "400"},
    {"CONNECT b:443 HTTP/1.1\r\n" H "\r\n", "CONNECT b:443 none host=b:443"},
    {"CONNECT b HTTP/1.1\r\n" H "\r\n", "400"},
    {"CONNECT / HTTP/1.1\r\n" H "\r\n", "400"},
    {"\x16\x03\x01", "400"},
    // §2.2: line ends, and one empty line before
    {"\r\nGET / HTTP/1.1\r\n" H "\r\n", "GET / none"},
    {"\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "400"},
    {"\nGET / HTTP/1.1\r\n" H "\r\n", "400"},
    {"\rGET / HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET / HTTP/1.1\n" H "\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r" H "\r\n", "400"},
    // §5: fields
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "x: a\r\n b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "x: a\r\n\tb\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "x : a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "x\t: a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H ": a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "x\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "x(y): a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "x: a\x7f\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "x: a\x01z\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "x:\r\ny:\t \xff \t\r\n\r\n", "GET / none"},
    // §3.2: Host
    {"GET / HTTP/1.1\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / none"},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "GET / none host=a,b"},
    {"GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", "GET / none host=a:80"},
    {"GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET / none host=[::1]:80"},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: [x]\r\n\r\n", "400"},
    // §6.2: Content-Length
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab", "POST / length 2 =ab"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\na", "POST / length 2 =a…"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "POST / none"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 002\r\n\r\nab", "POST / length 2 =ab"},
    {"GET / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n" H "\r\n", "GET / length 2 =ab | GET /2 none"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2\r\nContent-Length: 3\r\n\r\nab", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2, 2\r\n\r\nab", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +2\r\n\r\nab", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\nab", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0x2\r\n\r\nab", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2 2\r\n\r\nab", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: \r\n\r\nab", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n", "413"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999999999\r\n\r\n", "413"},
    // §6.1: Transfer-Encoding
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "POST / chunked =ab"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" H "\r\n", "POST / chunked = | GET /2 none"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nab", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", "501"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", "501"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b" "chunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", "400"},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    // §7.1: chunks
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0A\r\n0123456789\r\n000\r\n\r\n", "POST / chunked =0123456789"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2;x=\"a;b\" ; y\r\nab\r\n0;z\r\n\r\n", "POST / chunked =ab"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2 ;x\r\nab\r\n0\r\n\r\n", "POST / chunked =ab"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\r\nZ:\r\n\r\n", "POST / chunked =ab +X: y ;Z: ;"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nContent-Length: 5\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX : y\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\n0\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab0\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n 2\r\nab\r\n0\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n+2\r\nab\r\n0\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2 \r\nab\r\n0\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2;\rx\r\nab\r\n0\r\n\r\n", "POST / chunked 400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "POST / chunked 413"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "POST / chunked =ab…"},
    // §9: the connection
    {"GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", "GET / none last"},
    {"GET / HTTP/1.1\r\n" H "Connection: foo\r\nConnection: bar , CLOSE\r\n\r\n", "GET / none last"},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / none"},
    {"GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n\r\nGET /3 HTTP/1.1\r\n" H "\r\n", "GET /1 none | GET /2 none | GET /3 none"},
    {"GET / HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", "GET / none upgrade=websocket"},
    {"GET / HTTP/1.1\r\n" H "Upgrade: websocket\r\n\r\n", "GET / none"},
    {"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "GET / none last"},
    // RFC 9110 §10.1.1: Expect
    {"POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", "POST / length 1 expects =…"},
    {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "POST / length 1 last =…"},
    {"GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n", "GET / none"},
    {"GET / HTTP/1.1\r\n" H "Expect: the-inquisition\r\n\r\n", "417"},
};

TEST_CASE("a request is read as RFC 9112 says, or refused", "[http][request]") {
  for (const Case& each : kCases) {
    CAPTURE(each.raw);
    CHECK(Described{each.raw}.requests() == each.read_as);
  }
}

TEST_CASE("the split of a request makes no difference", "[http][request]") {
  for (const Case& each : kCases) {
    CAPTURE(each.raw);
    Described whole{each.raw};
    static_cast<void>(whole.requests());
    for (std::size_t piece = 1; piece < 8; ++piece) {
      Described split{each.raw, piece};
      CHECK(split.requests() == each.read_as);
      CHECK(split.why == whole.why);
    }
  }
}

TEST_CASE("a head that is cut off is waited for", "[http][request]") {
  const std::string_view head = "GET /a HTTP/1.1\r\n" H "x: y\r\n\r\n";
  for (std::size_t size = 1; size < head.size(); ++size) CHECK(Described{head.substr(0, size)}.requests() == "…");
}

TEST_CASE("the lines, the headers and their number have a limit", "[http][request]") {
  const auto read = [](const std::string& raw) { return Described{raw}.requests().substr(0, 3); };
  const std::string rest = " HTTP/1.1\r\n";
  const auto line = [&](std::size_t size) { return "GET /" + std::string(size - 5 - rest.size(), 'x') + rest + H "\r\n"; };
  CHECK(read(line(limits::kHttpLineBytes)) == "GET");
  CHECK(read(line(limits::kHttpLineBytes + 1)) == "414");
  CHECK(read("GET /" + std::string(limits::kHttpLineBytes, 'x')) == "414");  // before its end has come

  const auto field = [](std::size_t size) { return "x:" + std::string(size - 4, 'y') + "\r\n"; };
  const std::string begin = "GET / HTTP/1.1\r\n" H;
  CHECK(read(begin + field(limits::kHttpLineBytes) + "\r\n") == "GET");
  CHECK(read(begin + field(limits::kHttpLineBytes + 1) + "\r\n") == "431");

  std::string whole = begin;
  while (limits::kHttpHeadBytes - whole.size() - 2 > limits::kHttpLineBytes) whole += field(limits::kHttpLineBytes / 2);
  const std::size_t left = limits::kHttpHeadBytes - whole.size() - 2;
  CHECK(read(whole + field(left) + "\r\n") == "GET");
  CHECK(read(whole + field(left + 1) + "\r\n") == "431");

  std::string many = begin;
  for (std::size_t count = 1; count < limits::kHttpFields; ++count) many += "x:\r\n";
  CHECK(read(many + "\r\n") == "GET");
  CHECK(read(many + "x:\r\n\r\n") == "431");
}

TEST_CASE("what stands beside the chunks has a limit", "[http][body]") {
  const std::string begin = "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n";
  const auto extension = [&](std::size_t size) { return begin + "1;" + std::string(size - 4, 'x') + "\r\na\r\n0\r\n\r\n"; };
  CHECK(Described{extension(limits::kHttpChunkLineBytes)}.requests() == "POST / chunked =a");
  CHECK(Described{extension(limits::kHttpChunkLineBytes + 1)}.requests() == "POST / chunked 400");
  const auto trailers = [&](std::size_t size) { return begin + "0\r\nx:" + std::string(size / 2 - 4, 'y') + "\r\nz:" + std::string(size - size / 2 - 6, 'y') + "\r\n\r\n"; };
  CHECK(Described{trailers(limits::kHttpTrailerBytes)}.requests().starts_with("POST / chunked = +x:"));
  CHECK(Described{trailers(limits::kHttpTrailerBytes + 1)}.requests() == "POST / chunked 431");
}

TEST_CASE("fields that are for one connection are told from the others", "[http][request]") {
  const auto handed_on = [](const std::string& fields) {
    RequestReader reader;
    REQUIRE(reader.feed(as_bytes("GET / HTTP/1.1\r\n" H + fields + "\r\n")));
    std::string names;
    for (const Field& field : reader.fields())
      if (!reader.head().connection.hop_by_hop(field)) names.append(field.name).append(" ");
    return names;
  };
  CHECK(handed_on("TE: x\r\nKeep-Alive: 5\r\nproxy-connection: x\r\nTransfer-Encoding: chunked\r\nUpgrade: x\r\nX-one: 1\r\nTrailer: x\r\nClose: 1\r\n") ==
        "Host X-one Trailer Close ");
  CHECK(handed_on("X-one: 1\r\nX-two: 2\r\nVia: x\r\nClose: 1\r\nConnection: X-One, close\r\nConnection: via\r\n") == "Host X-two ");
  CHECK(handed_on("Connection: host, content-length\r\nContent-Length: 0\r\n") == "Host Content-Length ");
}

}  // namespace
}  // namespace van::http::test
