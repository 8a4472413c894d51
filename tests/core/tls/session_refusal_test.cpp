// Who is not let in, and what both sides are told.
#include "core/tls/secure_random.h"
#include "core/tls/session.h"
#include "tests/core/tls/fixtures.h"
#include "tests/core/tls/session_pair.h"
#include "tests/support/catch.h"

using namespace van;
using namespace std::chrono_literals;
using test::SessionPair;
using Code = tls::Error::Code;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// TLS 1.2, as links use it: in TLS 1.3 the alerts of mbedTLS 3.6 are sealed with keys that mbedTLS 3.6 does not expect.
std::unique_ptr<tls::Context> client_context(tls::ClientOptions options) {
  options.tls13 = false;
  return test::client_context(options);
}

std::unique_ptr<tls::Context> server_context(tls::ServerOptions options) {
  options.tls13 = false;
  return test::server_context(options);
}

/// The verifier gives `code`; the other side hears of it by an alert, or does not get through.
void check_refused(const test::End& verifier, const test::End& refused, Code code, std::string_view message) {
  REQUIRE(verifier.error);
  CHECK(verifier.error->code == code);
  CAPTURE(verifier.error->message);
  CHECK(contains(verifier.error->message, message));
  REQUIRE(refused.error);
  CHECK(refused.error->code == Code::refused_by_peer);
}

}  // namespace

TEST_CASE("a server of another authority is not trusted", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const tls::Issued other = test::make_authority(random, "other authority");
  const tls::Issued stranger = test::make_server(other, {"a.example"}, random);
  const auto client = client_context(ours.client_options());
  const auto server = server_context(
      {.ca_pem = ours.authority.certificate_pem, .certificate_pem = stranger.certificate_pem, .key_pem = stranger.key_pem});
  SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  check_refused(pair.client, pair.server, Code::not_trusted,
                "the server's certificate comes from 'other authority', which is not a trusted authority here");
  CHECK(contains(pair.server.error->message, "the client refused us: it does not know the authority"));
  CHECK_FALSE(pair.server.session->handshake_done());
}

TEST_CASE("an authority of the same name with another key is not trusted", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const test::Identities theirs{random};
  const auto client = client_context(ours.client_options());
  const auto server = server_context(theirs.server_options());
  SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  REQUIRE(pair.client.error);
  CHECK(pair.client.error->code == Code::not_trusted);
}

TEST_CASE("a client of another authority is not trusted", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const tls::Issued other = test::make_authority(random, "other authority");
  const tls::Issued stranger = test::make_client(other, random);
  const auto client = client_context(
      {.ca_pem = ours.authority.certificate_pem, .certificate_pem = stranger.certificate_pem, .key_pem = stranger.key_pem});
  const auto server = server_context(ours.server_options());
  SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  check_refused(pair.server, pair.client, Code::not_trusted, "the client's certificate comes from 'other authority'");
  CHECK_FALSE(pair.server.session->handshake_done());
}

TEST_CASE("a client without a certificate is refused by name", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const auto client = client_context({.ca_pem = ours.authority.certificate_pem, .certificate_pem = {}, .key_pem = {}});
  const auto server = server_context(ours.server_options());
  SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  check_refused(pair.server, pair.client, Code::no_client_certificate, "the client presented no certificate");
}

TEST_CASE("in the newest version too, neither side is left with a connection that the other refused", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const test::Identities theirs{random};
  const auto client = test::client_context(ours.client_options());
  tls::ServerOptions options = theirs.server_options();
  SECTION("the client refuses the server") {
    const auto server = test::server_context(options);
    SessionPair pair{*client, *server, "a.example"};
    pair.settle();
    REQUIRE(pair.client.error);
    CHECK(pair.client.error->code == Code::not_trusted);
    CHECK(pair.server.error);
  }
  SECTION("the server refuses the client") {
    options.certificate_pem = ours.server.certificate_pem;
    options.key_pem = ours.server.key_pem;
    const auto server = test::server_context(options);
    SessionPair pair{*client, *server, "a.example"};
    pair.settle();
    REQUIRE(pair.server.error);
    CHECK(pair.server.error->code == Code::not_trusted);
    CHECK(pair.client.error);
  }
}

TEST_CASE("a server that asks for no certificate takes an anonymous client", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const auto client = client_context({.ca_pem = ours.authority.certificate_pem, .certificate_pem = {}, .key_pem = {}});
  tls::ServerOptions options = ours.server_options();
  options.anonymous_clients = true;
  const auto server = server_context(options);
  SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  REQUIRE(pair.both_done());
  CHECK_FALSE(pair.server.session->peer().certificate);
}

TEST_CASE("an expired server certificate is refused with its date", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const tls::WallTime past{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  const tls::Issued old = test::make_server(ours.authority, {"a.example"}, random, {.now = past, .validity = 24h});
  const auto client = client_context(ours.client_options());
  const auto server = server_context(
      {.ca_pem = ours.authority.certificate_pem, .certificate_pem = old.certificate_pem, .key_pem = old.key_pem});
  SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  check_refused(pair.client, pair.server, Code::expired, "the server's certificate expired on 2026-01-02");
  CHECK(contains(pair.server.error->message, "certificate_expired"));
}

TEST_CASE("an expired client certificate is refused", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const tls::Issued old = test::make_client(ours.authority, random, {.now = test::today() - 48h, .validity = 24h});
  const auto client = client_context(
      {.ca_pem = ours.authority.certificate_pem, .certificate_pem = old.certificate_pem, .key_pem = old.key_pem});
  const auto server = server_context(ours.server_options());
  SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  check_refused(pair.server, pair.client, Code::expired, "the client's certificate expired on ");
}

TEST_CASE("an authority that has expired is named", "[tls][refusal]") {
  tls::SystemRandom random;
  const tls::WallTime past{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  const auto old = tls::create_authority({.common_name = "old authority", .now = past, .validity = 48h}, random);
  REQUIRE(old);
  const test::Identities ours{random};
  const tls::Issued leaf = test::make_server(*old, {"a.example"}, random, {.now = past, .validity = 24h * 100});
  const auto client = client_context(
      {.ca_pem = old->certificate_pem, .certificate_pem = ours.client.certificate_pem, .key_pem = ours.client.key_pem});
  const auto server = server_context(
      {.ca_pem = ours.authority.certificate_pem, .certificate_pem = leaf.certificate_pem, .key_pem = leaf.key_pem});
  SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  check_refused(pair.client, pair.server, Code::expired, "'old authority', an authority of the server's certificate, expired on 2026-01-03");
}

TEST_CASE("a certificate that is not valid yet is refused, and the clock is mentioned", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const tls::Issued early = test::make_server(ours.authority, {"a.example"}, random, {.now = test::today() + 5h, .validity = 1h});
  const auto client = client_context(ours.client_options());
  const auto server = server_context(
      {.ca_pem = ours.authority.certificate_pem, .certificate_pem = early.certificate_pem, .key_pem = early.key_pem});
  SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  check_refused(pair.client, pair.server, Code::not_yet_valid, "clock");
}

TEST_CASE("a certificate made a moment ago by a clock ahead of ours is valid", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const tls::Issued ahead = test::make_server(ours.authority, {"a.example"}, random, {.now = test::today() + 30min, .validity = 1h});
  const auto client = client_context(ours.client_options());
  const auto server = server_context(
      {.ca_pem = ours.authority.certificate_pem, .certificate_pem = ahead.certificate_pem, .key_pem = ahead.key_pem});
  SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  CHECK(pair.both_done());
}

TEST_CASE("a server for another host is refused with both names", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random, {"a.example", "10.0.0.1", "fd00::1", "d.example"}};
  const auto client = client_context(ours.client_options());
  const auto server = server_context(ours.server_options());
  SessionPair pair{*client, *server, "127.0.0.1"};
  pair.settle();
  check_refused(pair.client, pair.server, Code::wrong_host,
                "the server's certificate is for a.example, 10.0.0.1, fd00::1 and 1 more, not for 127.0.0.1");
}

TEST_CASE("the host may be any name of the certificate, in any case and with a final dot", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random, {"a.example", "*.b.example", "127.0.0.1", "::1"}};
  const auto client = client_context(ours.client_options());
  const auto server = server_context(ours.server_options());
  const auto host = GENERATE(as<std::string>{}, "a.example", "A.Example", "a.example.", "x.b.example", "127.0.0.1", "::1", "0:0:0:0:0:0:0:1");
  CAPTURE(host);
  SessionPair pair{*client, *server, host};
  pair.settle();
  CHECK(pair.both_done());
}

TEST_CASE("an IP entry alone names the host; another address does not match", "[tls][refusal]") {
  const std::string chain = std::string{test::kLeafPem} + std::string{test::kIntermediatePem};
  const auto client = client_context({.ca_pem = test::kRootPem, .certificate_pem = chain, .key_pem = test::kLeafKeyPkcs1});
  const auto server = server_context({.ca_pem = test::kRootPem, .certificate_pem = chain, .key_pem = test::kLeafKeyPkcs1});
  for (const char* host : {"127.0.0.1", "::1"}) {
    CAPTURE(host);
    SessionPair pair{*client, *server, host};
    pair.settle();
    CHECK(pair.both_done());
  }
  for (const char* host : {"127.0.0.2", "::2", "other.example", "wild.example", "a.b.wild.example"}) {
    CAPTURE(host);
    SessionPair pair{*client, *server, host};
    pair.settle();
    REQUIRE(pair.client.error);
    CHECK(pair.client.error->code == Code::wrong_host);
  }
}

TEST_CASE("a server's certificate can't dial", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const auto client = client_context(
      {.ca_pem = ours.authority.certificate_pem, .certificate_pem = ours.server.certificate_pem, .key_pem = ours.server.key_pem});
  const auto server = server_context(ours.server_options());
  SessionPair pair{*client, *server, "a.example"};
  pair.settle();
  check_refused(pair.server, pair.client, Code::not_trusted, "the client's certificate is not made for a client");
}

TEST_CASE("a client's certificate can't serve", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const auto server = tls::Context::server(
      {.ca_pem = ours.authority.certificate_pem, .certificate_pem = ours.client.certificate_pem, .key_pem = ours.client.key_pem});
  REQUIRE_FALSE(server);
  CHECK(server.error().code == Code::bad_certificate_file);
  CHECK(server.error().message == "the certificate is not made for a server");
}

TEST_CASE("a leaf can't sign for another", "[tls][refusal]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const auto forged = tls::issue(ours.client, {.use = tls::LeafOptions::Use::server, .common_name = "forged", .hosts = {"a.example"},
                                               .now = test::today(), .validity = 1h}, random);
  REQUIRE_FALSE(forged);
  CHECK(forged.error().code == Code::bad_certificate_file);
}

TEST_CASE("a context tells what is wrong with its files", "[tls][context]") {
  tls::SystemRandom random;
  const test::Identities ours{random};
  const test::Identities theirs{random};
  tls::ClientOptions options = ours.client_options();
  SECTION("no authority") {
    options.ca_pem = "";
    const auto context = tls::Context::client(options);
    REQUIRE_FALSE(context);
    CHECK(context.error().code == Code::bad_certificate_file);
    CHECK(contains(context.error().message, "trusted authorities"));
  }
  SECTION("only an authority that can't be read") {
    options.ca_pem = test::kEd25519AuthorityPem;
    const auto context = tls::Context::client(options);
    REQUIRE_FALSE(context);
    CHECK(context.error().code == Code::bad_certificate_file);
  }
  SECTION("a key of another certificate") {
    options.key_pem = theirs.client.key_pem;
    const auto context = tls::Context::client(options);
    REQUIRE_FALSE(context);
    CHECK(context.error().code == Code::key_mismatch);
  }
  SECTION("a certificate for a key") {
    options.key_pem = options.certificate_pem;
    const auto context = tls::Context::client(options);
    REQUIRE_FALSE(context);
    CHECK(context.error().code == Code::bad_key);
  }
  SECTION("a key for a certificate") {
    options.certificate_pem = options.key_pem;
    const auto context = tls::Context::client(options);
    REQUIRE_FALSE(context);
    CHECK(context.error().code == Code::bad_certificate_file);
  }
  SECTION("a server without certificate") {
    const auto context = tls::Context::server({.ca_pem = ours.authority.certificate_pem, .certificate_pem = {}, .key_pem = {}});
    REQUIRE_FALSE(context);
    CHECK(context.error().code == Code::bad_certificate_file);
  }
}
