#include "core/tls/session.h"

#include <algorithm>

#include "core/tls/secure_random.h"
#include "tests/core/tls/fixtures.h"
#include "tests/core/tls/session_pair.h"
#include "tests/support/catch.h"

using namespace van;
using test::SessionPair;

namespace {

/// Bytes whose place can be told.
Bytes pattern(std::size_t count, std::uint64_t seed = 1) {
  Rng rng{seed};
  Bytes bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  return bytes;
}

struct Contexts {
  tls::SystemRandom random;
  test::Identities identities{random};
  std::unique_ptr<tls::Context> client = test::client_context(identities.client_options());
  std::unique_ptr<tls::Context> server = test::server_context(identities.server_options());
};

}  // namespace

TEST_CASE("client and server with certificates of one authority know each other", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  CHECK_FALSE(pair.client.session->output().empty());
  pair.settle();
  REQUIRE(pair.both_done());
  const tls::Peer& server = pair.client.session->peer();
  CHECK(server.certificate.value().subject_common_name == "test server");
  CHECK(server.certificate.value().dns_names == std::vector<std::string>{"a.example"});
  CHECK((server.version == "TLS 1.2" || server.version == "TLS 1.3"));
  CHECK((server.cipher.find("GCM") != std::string::npos || server.cipher.find("CHACHA20") != std::string::npos));
  CHECK(pair.server.session->peer().certificate.value().subject_common_name == "test client");
  CHECK(pair.server.session->peer().cipher == server.cipher);
  CHECK_FALSE(pair.client.session->needs_replacement());
}

TEST_CASE("any split of the bytes gives the same connection", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  pair.chunk = GENERATE(1u, 2u, 5u, 7u, 1000u, 16384u);
  CAPTURE(pair.chunk);
  pair.settle();
  REQUIRE(pair.both_done());
  const Bytes up = pattern(40'000, 1);
  const Bytes down = pattern(40'001, 2);
  pair.client.send(up);
  pair.server.send(down);
  pair.settle();
  CHECK(pair.server.received == up);
  CHECK(pair.client.received == down);
}

TEST_CASE("ten megabytes go both ways", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  pair.settle();
  constexpr std::size_t kBytes = 10u << 20;
  const Bytes up = pattern(kBytes, 3);
  const Bytes down = pattern(kBytes, 4);
  Rng rng{5};
  std::size_t sent_up = 0;
  std::size_t sent_down = 0;
  const auto send_some = [&rng](test::End& end, const Bytes& bytes, std::size_t& sent) {
    const std::size_t count = std::min<std::size_t>(1 + rng.below(200'000), bytes.size() - sent);
    if (count == 0) return;
    end.send(ByteView{bytes}.subspan(sent, count));
    sent += count;
  };
  while (sent_up < kBytes || sent_down < kBytes) {
    send_some(pair.client, up, sent_up);
    send_some(pair.server, down, sent_down);
    pair.settle();
  }
  CHECK(pair.server.received == up);
  CHECK(pair.client.received == down);
}

TEST_CASE("small slices are gathered into one record, and no byte is lost over a record's end", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  pair.settle();
  const Bytes bytes = pattern(100'000);
  SliceQueue queue;
  for (std::size_t at = 0; at < bytes.size(); at += 100) queue.push_copy(ByteView{bytes}.subspan(at, 100));
  REQUIRE(pair.client.session->write(queue));
  CHECK(queue.empty());
  constexpr std::size_t kOverheadOfARecord = 5 + 8 + 16;
  CHECK(pair.client.session->output().bytes() <= bytes.size() + 7 * kOverheadOfARecord);
  pair.settle();
  CHECK(pair.server.received == bytes);
}

TEST_CASE("writing stops at the output limit and goes on from there", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  pair.settle();
  const Bytes bytes = pattern(200'000);
  SliceQueue queue;
  queue.push_copy(bytes);
  REQUIRE(pair.client.session->write(queue, 50'000));
  CHECK(queue.bytes() > 0);
  CHECK(pair.client.session->output().bytes() >= 50'000);
  CHECK(pair.client.session->output().bytes() < 50'000 + 17'000);
  while (!queue.empty()) {
    pair.settle();
    REQUIRE(pair.client.session->write(queue, 50'000));
  }
  pair.settle();
  CHECK(pair.server.received == bytes);
}

TEST_CASE("several records that came together are all there", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  pair.settle();
  pair.client.send(pattern(40'000));
  SliceQueue& output = pair.client.session->output();
  while (!output.empty()) pair.server.session->receive(output.pop(output.bytes()));
  pair.server.read_all();
  CHECK(pair.server.received == pattern(40'000));
}

TEST_CASE("nothing is taken to write before the handshake is done", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  SliceQueue queue;
  queue.push_copy(as_bytes("early"));
  REQUIRE(pair.client.session->write(queue));
  CHECK(queue.bytes() == 5);
  pair.settle();
  REQUIRE(pair.client.session->write(queue));
  CHECK(queue.empty());
  pair.settle();
  CHECK(as_text(pair.server.received) == "early");
}

TEST_CASE("close_notify ends the stream after the data before it", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  pair.settle();
  pair.client.send(as_bytes("last words"));
  pair.client.session->close_notify();
  pair.client.session->close_notify();
  pair.settle();
  CHECK(as_text(pair.server.received) == "last words");
  CHECK(pair.server.session->peer_closed());
  CHECK_FALSE(pair.client.session->peer_closed());
  pair.server.session->receive_end();
  pair.settle();
  CHECK_FALSE(pair.server.error);

  pair.server.send(as_bytes("and an answer"));  // the other direction is still open
  pair.settle();
  CHECK(as_text(pair.client.received) == "and an answer");
}

TEST_CASE("an end without close_notify is an error, after the data before it", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  pair.settle();
  pair.client.send(as_bytes("half"));
  pair.settle();
  const bool inside_a_record = GENERATE(false, true);
  if (inside_a_record) {
    pair.client.send(as_bytes("a record cut short"));
    pair.server.session->receive(pair.client.session->output().pop(10));
  }
  pair.server.session->receive_end();
  pair.server.read_all();
  CHECK(as_text(pair.server.received) == "half");
  REQUIRE(pair.server.error);
  CHECK(pair.server.error->code == tls::Error::Code::closed);
  CHECK(pair.server.error->message.find("data may be missing") != std::string::npos);
  SliceQueue queue;
  queue.push_copy(as_bytes("x"));
  const auto written = pair.server.session->write(queue);
  REQUIRE_FALSE(written);
  CHECK(written.error().code == tls::Error::Code::closed);
}

TEST_CASE("an end during the handshake is an error at every length", "[tls][session]") {
  const Contexts contexts;
  tls::Session client{*contexts.client, "a.example"};
  const Bytes hello = client.output().peek(client.output().bytes());
  for (std::size_t length = 0; length < hello.size(); ++length) {
    tls::Session server{*contexts.server};
    server.receive(Slice::copy_of(ByteView{hello}.first(length)));
    REQUIRE(server.read());
    server.receive_end();
    const auto read = server.read();
    REQUIRE_FALSE(read);
    CHECK(read.error().code == tls::Error::Code::closed);
  }
}

TEST_CASE("a changed byte in a record is an error, and nothing of the record is given out", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  pair.settle();
  pair.client.send(as_bytes("honest"));
  pair.settle();
  pair.client.send(as_bytes("a record to change"));
  SliceQueue& output = pair.client.session->output();
  Bytes record = output.peek(output.bytes());
  output.clear();
  const std::size_t place = GENERATE(5u, 12u, 13u, 20u, 40u);
  record[std::min(place, record.size() - 1)] ^= 1;
  pair.server.session->receive(Slice::copy_of(record));
  pair.server.read_all();
  CHECK(as_text(pair.server.received) == "honest");
  REQUIRE(pair.server.error);
  CHECK(pair.server.error->code == tls::Error::Code::protocol);
  CHECK_FALSE(pair.server.session->output().empty());
  pair.settle();
  REQUIRE(pair.client.error);
  CHECK(pair.client.error->code == tls::Error::Code::refused_by_peer);
  CHECK(pair.client.error->message.find("bad_record_mac") != std::string::npos);
}

TEST_CASE("a record that comes twice is an error", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  pair.settle();
  pair.client.send(as_bytes("once"));
  SliceQueue& output = pair.client.session->output();
  const Bytes record = output.peek(output.bytes());
  output.clear();
  pair.server.session->receive(Slice::copy_of(record));
  pair.server.session->receive(Slice::copy_of(record));
  pair.server.read_all();
  CHECK(as_text(pair.server.received) == "once");
  REQUIRE(pair.server.error);
  CHECK(pair.server.error->code == tls::Error::Code::protocol);
}

TEST_CASE("garbage instead of TLS is an error for either side", "[tls][session]") {
  const Contexts contexts;
  const std::uint64_t seed = GENERATE(range<std::uint64_t>(0, 50));
  CAPTURE(seed);
  Bytes garbage = pattern(600, seed);
  if (seed % 2 == 1) {  // a header that passes, so that the body is looked at
    const Bytes header{22, 3, 3, 0, 200};
    std::copy(header.begin(), header.end(), garbage.begin());
    garbage[5] = static_cast<std::uint8_t>(seed / 2);  // every type of handshake message
  }
  tls::Session client{*contexts.client, "a.example"};
  tls::Session server{*contexts.server};
  for (tls::Session* session : {&client, &server}) {
    session->receive(Slice::copy_of(garbage));
    session->receive_end();
    const auto read = session->read();
    REQUIRE_FALSE(read);
    CHECK((read.error().code == tls::Error::Code::protocol || read.error().code == tls::Error::Code::closed));
    CHECK_FALSE(session->read());
  }
}

TEST_CASE("somebody who speaks plain text is told apart from a bad TLS peer", "[tls][session]") {
  const Contexts contexts;
  tls::Session server{*contexts.server};
  server.receive(Slice::copy_of(as_bytes("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")));
  const auto read = server.read();
  REQUIRE_FALSE(read);
  CHECK(read.error().code == tls::Error::Code::protocol);
  CHECK(read.error().message == "the client does not seem to speak TLS");
}

TEST_CASE("RSA keys, an intermediate authority and several authorities in one file work", "[tls][session]") {
  const Contexts contexts;
  const std::string authorities = std::string{test::kEd25519AuthorityPem} + "some text\n" +
                                  contexts.identities.authority.certificate_pem + std::string{test::kRootPem};
  const std::string chain = std::string{test::kLeafPem} + std::string{test::kIntermediatePem};
  const auto client = test::client_context({.ca_pem = authorities, .certificate_pem = chain, .key_pem = test::kLeafKeyPkcs1});
  const auto server = test::server_context({.ca_pem = authorities, .certificate_pem = chain, .key_pem = test::kLeafKeyPkcs1});
  SessionPair pair{*client, *server, "localhost"};
  pair.settle();
  REQUIRE(pair.both_done());
  CHECK(pair.client.session->peer().certificate.value().subject_common_name == "fixture leaf");
  pair.client.send(as_bytes("hello"));
  pair.settle();
  CHECK(as_text(pair.server.received) == "hello");

  SECTION("and an intermediate alone is an anchor too") {
    const auto partial = test::client_context({.ca_pem = test::kIntermediatePem, .certificate_pem = chain, .key_pem = test::kLeafKeyPkcs1});
    SessionPair second{*partial, *server, "localhost"};
    second.settle();
    CHECK(second.both_done());
  }
}

TEST_CASE("a client certificate without names, as Skupper makes them, is accepted", "[tls][session]") {
  const auto client = test::client_context({.ca_pem = test::kRootPem, .certificate_pem = test::kBarePem, .key_pem = test::kBareKeyPkcs8});
  const std::string chain = std::string{test::kLeafPem} + std::string{test::kIntermediatePem};
  const auto server = test::server_context({.ca_pem = test::kRootPem, .certificate_pem = chain, .key_pem = test::kLeafKeyPkcs1});
  SessionPair pair{*client, *server, "localhost"};
  pair.settle();
  CHECK(pair.both_done());
}

TEST_CASE("a session may be moved in the middle of its handshake", "[tls][session]") {
  const Contexts contexts;
  SessionPair pair{*contexts.client, *contexts.server, "a.example"};
  pair.carry(pair.client, pair.server);
  pair.client.session = std::make_unique<tls::Session>(std::move(*pair.client.session));
  pair.settle();
  CHECK(pair.both_done());
}
