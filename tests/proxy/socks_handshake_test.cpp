#include "proxy/socks_handshake.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace van::proxy {
namespace {

using State = SocksHandshake::State;
using namespace std::string_literals;

const std::string kHello = "\x05\x01\x00"s;          // RFC 1928 §3
const std::string kNoAuthentication = "\x05\x00"s;   // the server's choice
const std::string kGreeting8080 = "\x05\x01\x00\x03\x08greeting\x1f\x90"s;  // §4
const std::string kGranted = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;  // §6

std::string refusal(SocksReply reply) { return "\x05"s + static_cast<char>(reply) + "\x00\x01\x00\x00\x00\x00\x00\x00"s; }

/// Feeds all of it, in pieces of `piece` octets, and says what was not taken.
std::string feed(SocksHandshake& handshake, std::string_view octets, std::size_t piece = 1000) {
  while (!octets.empty()) {
    const std::string_view part = octets.substr(0, piece);
    const std::size_t used = handshake.feed(as_bytes(part));
    octets.remove_prefix(used);
    if (used < part.size()) break;
  }
  return std::string{octets};
}

}  // namespace

TEST_CASE("a SOCKS5 client asks for a name and is granted, in any split", "[proxy][socks]") {
  const std::string said = kHello + kGreeting8080 + "first words";
  for (std::size_t piece = 1; piece <= said.size(); ++piece) {
    SocksHandshake handshake;
    CHECK(feed(handshake, said, piece).ends_with("first words"));
    REQUIRE(handshake.state() == State::asking);
    CHECK(handshake.take_output() == kNoAuthentication);
    CHECK(handshake.request().host == "greeting");
    CHECK(handshake.request().port == 8080);
    handshake.answer(SocksReply::granted);
    CHECK(handshake.state() == State::granted);
    CHECK(handshake.take_output() == kGranted);
    CHECK(handshake.take_output().empty());
    CHECK(handshake.feed(as_bytes("more")) == 0);
  }
}

TEST_CASE("a SOCKS5 handshake that is cut waits", "[proxy][socks]") {
  const std::string said = kHello + kGreeting8080;
  for (std::size_t size = 0; size < said.size(); ++size) {
    SocksHandshake handshake;
    CHECK(feed(handshake, said.substr(0, size)).empty());
    CHECK(handshake.state() == State::reading);
  }
}

TEST_CASE("a SOCKS5 client is refused with the code that says why", "[proxy][socks]") {
  SocksHandshake handshake;
  feed(handshake, kHello + kGreeting8080);
  CHECK(handshake.take_output() == kNoAuthentication);
  handshake.answer(SocksReply::host_unreachable);
  CHECK(handshake.state() == State::refused);
  CHECK(handshake.take_output() == refusal(SocksReply::host_unreachable));
}

TEST_CASE("IP addresses are read as such", "[proxy][socks]") {
  SocksHandshake four;
  feed(four, kHello + "\x05\x01\x00\x01\x0a\x00\x00\xff\x00\x50"s);
  CHECK(four.state() == State::asking);
  CHECK(four.request().host == "10.0.0.255");
  CHECK(four.request().port == 80);
  SocksHandshake six;
  feed(six, kHello + "\x05\x01\x00\x04\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\xbb"s);
  CHECK(six.request().host == "fd00:0:0:0:0:0:0:1");
  CHECK(six.request().port == 443);
}

TEST_CASE("what SOCKS5 has and we have not is answered so", "[proxy][socks]") {
  const auto answer = [](const std::string& said) {
    SocksHandshake handshake;
    feed(handshake, said);
    CHECK(handshake.state() == State::refused);
    return handshake.take_output();
  };
  const std::string to_greeting = kGreeting8080.substr(2);
  CHECK(answer(kHello + "\x05\x02"s + to_greeting) == kNoAuthentication + refusal(SocksReply::command_not_supported));  // BIND
  CHECK(answer(kHello + "\x05\x03"s + to_greeting) == kNoAuthentication + refusal(SocksReply::command_not_supported));  // UDP ASSOCIATE
  CHECK(answer(kHello + "\x05\x01\x00\x02\x01"s) == kNoAuthentication + refusal(SocksReply::address_type_not_supported));
  CHECK(answer(kHello + "\x05\x01\x00\x03\x00\x00\x50"s) == kNoAuthentication + refusal(SocksReply::failure));  // no name at all
  CHECK(answer(kHello + "\x04"s) == kNoAuthentication + refusal(SocksReply::failure));
  CHECK(answer("\x05\x01\x02"s) == "\x05\xff"s);  // a password only
  CHECK(answer("\x05\x00"s) == "\x05\xff"s);
  CHECK(answer("\x16\x03\x01"s).empty());  // TLS
  CHECK(answer("GET / HTTP/1.1\r\n").starts_with("HTTP/1.1 400 "));
}

TEST_CASE("SOCKS4 clients ask for names, too", "[proxy][socks]") {
  const std::string said = "\x04\x01\x1f\x90\x00\x00\x00\x01me\x00greeting\x00"s;
  for (std::size_t piece = 1; piece <= said.size(); ++piece) {
    SocksHandshake handshake;
    CHECK(feed(handshake, said + "x", piece).ends_with("x"));
    REQUIRE(handshake.state() == State::asking);
    CHECK(handshake.request().host == "greeting");
    CHECK(handshake.request().port == 8080);
    handshake.answer(SocksReply::granted);
    CHECK(handshake.take_output() == "\x00\x5a\x00\x00\x00\x00\x00\x00"s);
  }
  SocksHandshake address;
  feed(address, "\x04\x01\x00\x50\x0a\x00\x00\x01\x00"s);
  CHECK(address.request().host == "10.0.0.1");
  address.answer(SocksReply::not_allowed);
  CHECK(address.take_output() == "\x00\x5b\x00\x00\x00\x00\x00\x00"s);
}

TEST_CASE("a SOCKS4 client with endless names is refused at the limit", "[proxy][socks]") {
  for (const std::string& before : {"\x04\x01\x00\x50\x00\x00\x00\x01"s, "\x04\x01\x00\x50\x00\x00\x00\x01me\x00"s}) {
    SocksHandshake fits;
    feed(fits, before + std::string(255, 'x'));
    CHECK(fits.state() == State::reading);
    SocksHandshake endless;
    CHECK_FALSE(feed(endless, before + std::string(3000, 'x')).empty());
    CHECK(endless.state() == State::refused);
  }
}

}  // namespace van::proxy
