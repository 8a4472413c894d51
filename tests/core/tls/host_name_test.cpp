#include "core/tls/host_name.h"

#include "tests/support/catch.h"

using namespace van;
using namespace van::tls;

TEST_CASE("addresses are parsed to the bytes that a certificate has", "[tls][host]") {
  CHECK(parse_ip("127.0.0.1") == Bytes{127, 0, 0, 1});
  CHECK(parse_ip("255.255.255.255") == Bytes{255, 255, 255, 255});
  CHECK(parse_ip("::") == Bytes(16, 0));
  CHECK(parse_ip("::1") == Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  CHECK(parse_ip("fd00::12:a") == Bytes{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0, 0x0a});
  CHECK(parse_ip("1:2:3:4:5:6:7:8") == Bytes{0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8});
  CHECK(parse_ip("1:2:3:4:5:6:7::") == Bytes{0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0});
  CHECK(parse_ip("::ffff:10.1.2.3") == Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3});
}

TEST_CASE("what is no address is not taken for one", "[tls][host]") {
  for (const char* text : {"", ".", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.", "a.example", "1.2.3.-4", "+1.2.3.4", ":", ":::", "1::2::3",
                           "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::12345", "[::1]", "::1%eth0", "1.2.3.4::", "::1.2.3.4:5",
                           "1:2:3:4:5:6:7:1.2.3.4", " 127.0.0.1", "127.0.0.1 ", "10.0.0.0/8", "::g"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ip(text));
  }
}

TEST_CASE("the text of an address parses to it again", "[tls][host]") {
  for (const char* text : {"127.0.0.1", "::1", "fd00::12:a", "::ffff:10.1.2.3"}) {
    const auto address = parse_ip(text);
    REQUIRE(address);
    CHECK(parse_ip(ip_text(*address)) == address);
  }
}

TEST_CASE("text of a peer can't leave its line or its length", "[tls][host]") {
  CHECK(printable("a\nb\x1b[0m\\") == "a\\x0ab\\x1b[0m\\x5c");
  CHECK(printable(std::string(100, 'x')) == std::string(64, 'x') + "...");
}
