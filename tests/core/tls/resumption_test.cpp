#include "core/tls/secure_random.h"
#include "core/tls/session.h"
#include "tests/core/tls/fixtures.h"
#include "tests/core/tls/session_pair.h"
#include "tests/support/catch.h"

using namespace van;
using test::SessionPair;

namespace {

struct Ends {
  tls::SystemRandom random;
  test::Identities identities{random};
  std::unique_ptr<tls::Context> client = make_client();
  std::unique_ptr<tls::Context> server = make_server();

  [[nodiscard]] std::unique_ptr<tls::Context> make_client() const {
    auto options = identities.client_options();
    options.tls13 = false;
    return test::client_context(options);
  }
  [[nodiscard]] std::unique_ptr<tls::Context> make_server() const {
    auto options = identities.server_options();
    options.tls13 = false;
    return test::server_context(options);
  }
};

/// Shakes hands, says something both ways, and tells whether both ends say that they have resumed.
bool meet(const tls::Context& client, const tls::Context& server, std::size_t chunk = 1000) {
  SessionPair pair{client, server, "a.example"};
  pair.chunk = chunk;
  pair.settle();
  REQUIRE(pair.both_done());
  pair.client.send(as_bytes("hello"));
  pair.server.send(as_bytes("good day"));
  pair.settle();
  CHECK(as_text(pair.server.received) == "hello");
  CHECK(as_text(pair.client.received) == "good day");
  const tls::Peer& of_client = pair.client.session->peer();
  const tls::Peer& of_server = pair.server.session->peer();
  CHECK(of_client.certificate.value().subject_common_name == "test server");
  CHECK(of_server.certificate.value().subject_common_name == "test client");
  CHECK(of_client.version == "TLS 1.2");
  CHECK(of_client.resumed == of_server.resumed);
  return of_client.resumed;
}

}  // namespace

TEST_CASE("a client that comes again resumes its session, and both ends still know each other", "[tls][resumption]") {
  const Ends ends;
  const auto chunk = GENERATE(1u, 7u, 16384u);
  CAPTURE(chunk);
  CHECK_FALSE(meet(*ends.client, *ends.server, chunk));
  for (int i = 0; i < 3; ++i) CHECK(meet(*ends.client, *ends.server, chunk));
}

TEST_CASE("what a client says right behind its last flight of a resumed session arrives", "[tls][resumption]") {
  const Ends ends;
  REQUIRE_FALSE(meet(*ends.client, *ends.server));
  SessionPair pair{*ends.client, *ends.server, "a.example"};
  pair.carry(pair.client, pair.server);
  pair.server.read_all();
  pair.carry(pair.server, pair.client);
  pair.client.read_all();
  REQUIRE(pair.client.session->handshake_done());
  pair.client.send(as_bytes("at once"));
  pair.settle();
  CHECK(pair.server.session->peer().resumed);
  CHECK(as_text(pair.server.received) == "at once");
}

TEST_CASE("a session that broke off while it was resumed is not offered again", "[tls][resumption]") {
  const Ends ends;
  REQUIRE_FALSE(meet(*ends.client, *ends.server));
  { const SessionPair broken_off{*ends.client, *ends.server, "a.example"}; }
  CHECK_FALSE(meet(*ends.client, *ends.server));
  CHECK(meet(*ends.client, *ends.server));
}

TEST_CASE("a new context of either end verifies everything anew", "[tls][resumption]") {
  const Ends ends;
  REQUIRE_FALSE(meet(*ends.client, *ends.server));
  CHECK_FALSE(meet(*ends.client, *ends.make_server()));
  CHECK_FALSE(meet(*ends.make_client(), *ends.server));
}

TEST_CASE("a session is offered to the host alone with which it was made", "[tls][resumption]") {
  tls::SystemRandom random;
  const test::Identities identities{random};
  auto options = identities.client_options();
  options.tls13 = false;
  const auto client = test::client_context(options);
  const auto serving = [&](std::vector<std::string> hosts) {
    const tls::Issued issued = test::make_server(identities.authority, std::move(hosts), random);
    return test::server_context({.ca_pem = identities.authority.certificate_pem, .certificate_pem = issued.certificate_pem, .key_pem = issued.key_pem, .tls13 = false});
  };
  const auto server = serving({"a.example", "b.example"});
  const auto resumes = [&](const std::string& host) {
    SessionPair pair{*client, *server, host};
    pair.settle();
    REQUIRE(pair.both_done());
    return pair.client.session->peer().resumed;
  };
  CHECK_FALSE(resumes("a.example"));
  CHECK_FALSE(resumes("b.example"));
  CHECK(resumes("b.example"));
  CHECK_FALSE(resumes("a.example"));
}
