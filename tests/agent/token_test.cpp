#include "agent/token.h"

#include <algorithm>

#include "core/base/base64.h"
#include "core/base/limits.h"
#include "core/base/random.h"
#include "tests/agent/credentials.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

using router::PeerRole;

std::string why_refused(std::string_view text) {
  const auto token = read_token(text);
  if (token) return {};
  CHECK(token.error().code == Error::Code::refused);
  CHECK(token.error().message.find('\n') == std::string::npos);
  return token.error().message;
}
bool says(std::string_view text, std::string_view what) { return text.find(what) != std::string_view::npos; }

std::string secret(const std::string& name) {
  return "apiVersion: v1\ndata:\n  ca.crt: " + encode_base64("CA") + "\n  tls.crt: " + encode_base64("CERT") +
         "\n  tls.key: " + encode_base64("KEY") + "\nkind: Secret\nmetadata:\n  creationTimestamp: null\n  name: " + name + "\n";
}
std::string link(const std::string& name, const std::string& wanted_secret, const std::string& host = "gate.example.net") {
  return "apiVersion: skupper.io/v2alpha1\nkind: Link\nmetadata:\n  name: " + name +
         "\nspec:\n  cost: 5\n  endpoints:\n  - group: skupper-router\n    host: " + host +
         "\n    name: inter-router\n    port: \"55671\"\n  - host: " + host +
         "\n    name: edge\n    port: 45671\n  tlsCredentials: " + wanted_secret + "\nstatus: {}\n";
}
std::string v1(const std::string& label, const std::string& annotations, const std::string& data) {
  return "apiVersion: v1\ndata:\n" + data + "kind: Secret\nmetadata:\n  annotations:\n" + annotations + label +
         "  name: skupper\n";
}
const std::string kV1Label = "  labels:\n    skupper.io/type: connection-token\n";
const std::string kV1Annotations =
    "    edge-host: edge.example.net\n    edge-port: \"443\"\n    inter-router-host: ir.example.net\n"
    "    inter-router-port: \"8443\"\n    skupper.io/cost: \"7\"\n    skupper.io/generated-by: 1f2e\n";
const std::string kV1Data = "  ca.crt: Q0E=\n  tls.crt: Q0VSVA==\n  tls.key: S0VZ\n";

TEST_CASE("Link and Secret are read in any order, with empty documents between", "[agent][token]") {
  for (const std::string& text : {link("to-gate", "s") + "---\n" + secret("s"), "---\n" + secret("s") + "---\n---\n" + link("to-gate", "s")}) {
    const auto token = read_token(text);
    INFO(text);
    REQUIRE(token);
    REQUIRE(token->size() == 1);
    const LinkToken& only = token->front();
    CHECK(only.name == "to-gate");
    CHECK(only.cost == 5);
    CHECK_FALSE(only.v1);
    CHECK(only.credentials == Credentials{"CA", "CERT", "KEY"});
    CHECK(only.endpoints == std::vector<TokenEndpoint>{{PeerRole::inter_router, "gate.example.net", 55671},
                                                       {PeerRole::edge, "gate.example.net", 45671}});
  }
}

TEST_CASE("several Links share one Secret", "[agent][token]") {
  const auto token = read_token(link("a", "s", "one.example.net") + "---\n" + link("b", "s", "two.example.net") + "---\n" + secret("s"));
  REQUIRE(token);
  REQUIRE(token->size() == 2);
  CHECK(endpoint_for(token->at(1), PeerRole::edge)->host == "two.example.net");
}

TEST_CASE("the documents of a List are read as if they stood alone", "[agent][token]") {
  const auto token = read_token(
      R"({"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},)"
      R"("data":{"ca.crt":"Q0E=","tls.crt":"Q0E=","tls.key":"Q0E="}},{"apiVersion":"skupper.io/v2alpha1","kind":"Link",)"
      R"("metadata":{"name":"l"},"spec":{"tlsCredentials":"s","endpoints":[{"name":"edge","host":"h","port":"1"}]}}]})");
  REQUIRE(token);
  CHECK(token->front().cost == 1);
}

TEST_CASE("JSON documents one after the other are a token too", "[agent][token]") {
  const auto token = read_token(
      "{\n  \"apiVersion\": \"skupper.io/v1alpha1\", \"kind\": \"Link\", \"metadata\": {\"name\": \"l\"},\n  \"spec\": "
      "{\"tlsCredentials\": \"s\", \"endpoints\": [{\"name\": \"edge\", \"host\": \"[2001:db8::7]\", \"port\": 45671}]}\n}\n"
      "{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"s\"},\n \"stringData\": {\"ca.crt\": \"plain "
      "CA\"}, \"data\": {\"ca.crt\": \"Q0E=\", \"tls.crt\": \"Q0E=\", \"tls.key\": \"Q0E=\"}}");
  REQUIRE(token);
  CHECK(token->front().endpoints.front().host == "2001:db8::7");
  CHECK(token->front().credentials.ca == "plain CA");  // stringData wins
}

TEST_CASE("hosts that can't be dialled are left out", "[agent][token]") {
  for (const char* host : {"0.0.0.0", "'::'", "'[::]'"}) {
    const auto token = read_token(link("a", "s", host) + "---\n" + secret("s"));
    REQUIRE(token);
    CHECK(token->front().endpoints.empty());
    CHECK(says(endpoint_for(token->front(), PeerRole::edge).error().message, "nor any other that can be dialled"));
  }
}

TEST_CASE("a v1 connection token is read as a link of v1", "[agent][token]") {
  const std::string labelled = v1(kV1Label, kV1Annotations, kV1Data);
  const std::string gateway = v1("  labels:\n    skupper.io/type: gateway-connection-token\n", kV1Annotations, kV1Data);
  const std::string unlabelled = v1("", kV1Annotations, kV1Data);
  for (const std::string& text : {labelled, gateway, unlabelled}) {
    const auto token = read_token(text);
    INFO(text);
    REQUIRE(token);
    CHECK(token->front().v1);
    CHECK(token->front().name == "skupper");
    CHECK(token->front().cost == 7);
    CHECK(*endpoint_for(token->front(), PeerRole::edge) == TokenEndpoint{PeerRole::edge, "edge.example.net", 443});
    CHECK(*endpoint_for(token->front(), PeerRole::inter_router) == TokenEndpoint{PeerRole::inter_router, "ir.example.net", 8443});
  }
}

TEST_CASE("a v1 template token has an authority only", "[agent][token]") {
  const auto token = read_token(v1(kV1Label, kV1Annotations, "  ca.crt: Q0E=\n"));
  REQUIRE(token);
  CHECK(token->front().credentials == Credentials{"CA", "", ""});
}

TEST_CASE("claims are recognised and refused with what to ask for", "[agent][token]") {
  CHECK(says(why_refused("apiVersion: skupper.io/v2alpha1\nkind: AccessToken\nmetadata:\n  name: x\nspec:\n  url: https://x\n"),
             "is a claim (AccessToken)"));
  CHECK(says(why_refused("apiVersion: skupper.io/v2alpha1\nkind: AccessGrant\nmetadata:\n  name: x\n"), "AccessGrant"));
  CHECK(says(why_refused(v1("  labels:\n    skupper.io/type: token-claim\n", "    skupper.io/url: https://x\n", "  password: eA==\n")),
             "claim of Skupper v1"));
  CHECK(says(why_refused(v1("", "    skupper.io/url: https://x\n", "  password: eA==\n")), "claim of Skupper v1"));
  CHECK(says(why_refused(v1("  labels:\n    skupper.io/type: token-claim-record\n", "    a: b\n", "  password: eA==\n")),
             "record of a claim"));
  const auto claim = read_token("apiVersion: skupper.io/v2alpha1\nkind: AccessToken\n");
  CHECK(says(claim.error().hint, "skupper link generate"));
}

TEST_CASE("what is no token is refused as what it is", "[agent][token]") {
  CHECK(says(why_refused(""), "it is empty"));
  CHECK(says(why_refused("hello"), "this is not a token"));
  CHECK(says(why_refused("- a\n- b\n"), "this is not a token"));
  CHECK(says(why_refused("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n"), "of kind 'ConfigMap'"));
  CHECK(says(why_refused("a: [1, 2\n"), "this is not a token: no YAML that can be read: line "));
  CHECK(says(why_refused(std::string(limits::kTokenBytes + 1, '#')), "longer than"));
  CHECK(says(why_refused("a: &a [1]\nb: *a\n"), "aliases"));
  std::string many;
  for (std::size_t i = 0; i < limits::kTokenDocuments + 1; ++i) many += "---\na: b\n";
  CHECK(says(why_refused(many), "too many documents"));
}

TEST_CASE("a Link whose Secret is missing or has another name names both", "[agent][token]") {
  CHECK(says(why_refused(link("a", "wanted")), "needs the Secret 'wanted', which is not in this token"));
  const std::string both = why_refused(link("a", "wanted") + "---\n" + secret("given"));
  CHECK(says(both, "'wanted'"));
  CHECK(says(both, "'given'"));
  CHECK(says(why_refused(secret("alone")), "comes without its Link"));
}

TEST_CASE("a token cut at any place is refused, or is whole but for its end", "[agent][token]") {
  const std::string text = link("a", "s") + "---\n" + secret("s");
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto token = read_token(std::string_view{text}.substr(0, size));
    if (token) CHECK(token->front().credentials.certificate == "CERT");
  }
}

TEST_CASE("wrong fields of a token are named", "[agent][token]") {
  const auto changed = [](std::string text, std::string_view what, std::string_view by) {
    return why_refused(text.replace(text.find(what), what.size(), by));
  };
  const std::string good = link("a", "s") + "---\n" + secret("s");
  CHECK(why_refused(good).empty());
  CHECK(says(changed(good, "\"55671\"", "\"x\""), "port 'x' is no port"));
  CHECK(says(changed(good, "\"55671\"", "70000"), "port '70000' is no port"));
  CHECK(says(changed(good, "\"55671\"", "0"), "port '0' is no port"));
  CHECK(says(changed(good, "gate.example.net", "'two words'"), "is no host"));
  CHECK(says(changed(good, "cost: 5", "cost: cheap"), "cost 'cheap' is not a number"));
  CHECK(says(changed(good, encode_base64("CERT"), "Q0V"), "tls.crt is cut off or damaged"));
  CHECK(says(changed(good, "  ca.crt", "  xx.crt"), "has no ca.crt"));
  CHECK(says(changed(good, "  tls.key", "  tls.xxx"), "has no tls.key"));
  CHECK(says(changed(good, "  name: a", "  nome: a"), "no usable metadata.name"));
  std::string many = secret("s");
  for (std::size_t i = 0; i < kTokenLinksMax + 1; ++i) many += "---\n" + link("l" + std::to_string(i), "s");
  CHECK(says(why_refused(many), "more than 16 links"));
}

TEST_CASE("costs below 1 count as 1", "[agent][token]") {
  for (const char* cost : {"0", "-3", "\"\"", "null"}) {
    CAPTURE(cost);
    std::string text = link("a", "s") + "---\n" + secret("s");
    text.replace(text.find("cost: 5"), 7, std::string{"cost: "} + cost);
    REQUIRE(read_token(text));
    CHECK(read_token(text)->front().cost == 1);
  }
}

TEST_CASE("a token without an endpoint for our role says what it offers", "[agent][token]") {
  LinkToken token;
  token.endpoints = {{PeerRole::inter_router, "h", 1}};
  const auto endpoint = endpoint_for(token, PeerRole::edge);
  REQUIRE_FALSE(endpoint);
  CHECK(endpoint.error().code == Error::Code::refused);
  CHECK(endpoint.error().message == "this token has no endpoint for role edge; it offers: inter-router");
  CHECK(says(endpoint.error().hint, "--role interior"));
  token.endpoints.push_back({PeerRole::inter_router, "second", 2});
  CHECK(endpoint_for(token, PeerRole::inter_router)->host == "h");  // tokens 2.1: the second is ignored
}

TEST_CASE("what is written is read as the same links", "[agent][token]") {
  std::vector<LinkToken> links(2);
  links[0] = {"mill", {{PeerRole::inter_router, "2001:db8::7", 55671}, {PeerRole::edge, "h.example.net", 443}}, 3, {"CA\n", "C", "K"}, false};
  links[1] = {"1e3", {{PeerRole::edge, "192.0.2.1", 1}}, 1, {"CA\n", "C", "K"}, false};
  const auto read = read_token(write_token(links));
  REQUIRE(read);
  CHECK(*read == links);
}

TEST_CASE("a written token has what real sites ask for", "[agent][token]") {
  const std::string text = write_token({{"mill", {{PeerRole::edge, "h", 45671}}, 1, {"CA", "C", "K"}, false}});
  // tokens 2.4: the port is a string, the Secret has a type.
  CHECK(says(text, "port: \"45671\""));
  CHECK(says(text, "type: kubernetes.io/tls"));
  CHECK(says(text, "tlsCredentials: \"mill\""));
  CHECK(text.find("kind: Link") < text.find("kind: Secret"));
}

TEST_CASE("names of resources are such that Kubernetes takes them", "[agent][token]") {
  CHECK(resource_name("Laptop of Ann") == "laptop-of-ann");
  CHECK(resource_name("a.b-c9") == "a.b-c9");
  CHECK(resource_name("--x--") == "x");
  CHECK(resource_name("a.-b") == "a.b");
  CHECK(resource_name("\xc3\xa4\xc3\xb6") == "site");
  Rng rng{5};
  for (int round = 0; round < 500; ++round) {
    std::string label;
    for (std::uint64_t size = rng.below(300); size > 0; --size) label += static_cast<char>(rng.below(256));
    const std::string name = resource_name(label);
    CHECK_FALSE(name.empty());
    CHECK(name.size() <= kTokenNameBytes);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos);
    CHECK(resource_name(name) == name);
  }
}

TEST_CASE("PEM blocks are kept, what is between them is not", "[agent][token]") {
  const std::string one = "-----BEGIN A-----\nYWJj\n-----END A-----\n";
  CHECK(pem_blocks(one) == one);
  CHECK(pem_blocks("note \xff\r\n" + one + "more\n" + one) == one + one);
  CHECK(pem_blocks("-----BEGIN A-----\r\nYWJj\r\n-----END A-----") == one);
  CHECK(pem_blocks(one.substr(0, 30)).empty());
  CHECK(pem_blocks("").empty());
  for (std::size_t size = 0; size <= one.size(); ++size) {
    const std::string kept = pem_blocks(one.substr(0, size));
    CHECK(pem_blocks(kept) == kept);
  }
}

// ---- Certificates ----

LinkToken token_with(const Credentials& credentials) {
  LinkToken token;
  token.name = "a";
  token.credentials = credentials;
  return token;
}
const tls::WallTime kNow = std::chrono::system_clock::now();

TEST_CASE("good credentials pass", "[agent][token]") {
  const Credentials credentials = test::make_credentials();
  CHECK(check_credentials(token_with(credentials), kNow));
  CHECK(check_credentials(token_with({credentials.ca, "", ""}), kNow));  // a v1 template
  const Credentials other = test::make_credentials();
  CHECK(check_credentials(token_with({credentials.ca + other.ca, other.certificate, other.key}), kNow));
}

TEST_CASE("an expired certificate is refused and says when and by which clock", "[agent][token]") {
  const auto credentials = token_with(test::make_credentials({.certificate = std::chrono::hours{1}}));
  const auto checked = check_credentials(credentials, kNow + std::chrono::hours{2});
  REQUIRE_FALSE(checked);
  CHECK(checked.error().code == Error::Code::refused);
  CHECK(says(checked.error().message, "certificate expired on 20"));
  CHECK(says(checked.error().message, "clock says"));
  const auto early = check_credentials(credentials, kNow - std::chrono::hours{24 * 365});
  REQUIRE_FALSE(early);
  CHECK(says(early.error().hint, "clock"));
}

TEST_CASE("an expired authority is refused unless another one is good", "[agent][token]") {
  const Credentials old = test::make_credentials({.authority = std::chrono::hours{1}, .certificate = std::chrono::hours{1}});
  const Credentials good = test::make_credentials();
  const auto later = kNow + std::chrono::hours{2};
  const auto checked = check_credentials(token_with({old.ca, good.certificate, good.key}), later);
  REQUIRE_FALSE(checked);
  CHECK(says(checked.error().message, "authority (ca.crt) expired"));
  CHECK(check_credentials(token_with({old.ca + good.ca, good.certificate, good.key}), later));
}

TEST_CASE("a key that does not belong to the certificate is refused", "[agent][token]") {
  const Credentials one = test::make_credentials();
  const Credentials two = test::make_credentials();
  const auto checked = check_credentials(token_with({one.ca, one.certificate, two.key}), kNow);
  REQUIRE_FALSE(checked);
  CHECK(says(checked.error().hint, "put together from two"));
}

TEST_CASE("certificates and keys that are cut off are refused, without any of the key in the message", "[agent][token]") {
  const Credentials good = test::make_credentials();
  for (const Credentials& bad : {Credentials{good.ca.substr(0, good.ca.size() / 2), good.certificate, good.key},
                                 Credentials{good.ca, good.certificate.substr(0, good.certificate.size() / 2), good.key},
                                 Credentials{good.ca, good.certificate, good.key.substr(0, good.key.size() / 2)},
                                 Credentials{"text", good.certificate, good.key}}) {
    const auto checked = check_credentials(token_with(bad), kNow);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == Error::Code::refused);
    CHECK_FALSE(says(checked.error().message, good.key.substr(40, 16)));
  }
}

}  // namespace
}  // namespace van::agent
