#include "proxy/proxy_header.h"

#include "tests/proxy/tunnel.h"

namespace van::proxy {
namespace {

constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};

std::string header(std::string_view from, std::string_view to) { return std::string{as_text(proxy_header(from, to))}; }
std::string expected(std::string_view rest) { return std::string{kSignature} + std::string{rest}; }

}  // namespace

TEST_CASE("a PROXY header has the client's address and where it connected", "[proxy][proxy_header]") {
  CHECK(header("192.0.2.1:40000", "198.51.100.7:443") ==
        expected({"\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x07\x9c\x40\x01\xbb", 16}));
  CHECK(header("[2001:db8::1]:1", "[::1]:65535") ==
        expected({"\x21\x21\x00\x24"
                  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
                  "\x00\x01\xff\xff",
                  40}));
}

TEST_CASE("a PROXY header without a client that can be told says LOCAL", "[proxy][proxy_header]") {
  const std::string local = expected({"\x20\x00\x00\x00", 4});
  const std::string good = "192.0.2.1:40000";
  CHECK(header("", "") == local);
  CHECK(header(good, "") == local);
  CHECK(header(good, "[::1]:80") == local);
  for (const std::string odd : {"192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:+1", ":1", "host:1", "[::1]1", "[]:1", "::1:80", "[192.0.2.1]:1", "unix:", "192.0.2.1:1x"}) {
    CAPTURE(odd);
    CHECK(header(odd, good) == local);
    CHECK(header(good, odd) == local);
  }
}

TEST_CASE("a target that asks for it hears who the client is before anything else", "[proxy][proxy_header]") {
  test::Tunnel tunnel;
  tunnel.exposure.reset();
  REQUIRE(tunnel.run([&tunnel] { return !tunnel.stand_in->reachable(); }));
  tunnel.exposure = std::make_unique<TcpExposure>(
      Parts{*tunnel.pair.mill, tunnel.pair.loop, tunnel.log},
      ExposureConfig{.address = "greeting", .target = tunnel.server.endpoint(), .proxy_protocol = true});
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
  const auto ends = tunnel.open();
  ends.client->write("hello");
  const std::string wanted = header(ends.client->stream->local_address(), ends.client->stream->peer_address()) + "hello";
  REQUIRE(tunnel.run([&] { return ends.server.heard.received.size() >= wanted.size(); }));
  CHECK(ends.server.heard.received == wanted);
}

}  // namespace van::proxy
