#include "agent/token.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "agent/printable.h"
#include "agent/time_text.h"
#include "agent/yaml_document.h"
#include "core/base/base64.h"
#include "core/base/limits.h"

namespace van::agent {
namespace {

using router::PeerRole;

constexpr std::size_t kHostBytes = 253;
constexpr YamlLimits kYamlLimits{
    .bytes = limits::kTokenBytes, .documents = limits::kTokenDocuments, .values = 10'000, .depth = 16};
constexpr std::string_view kAskForLink =
    "ask the other site for a link token: `skupper link generate`, or `vanctl token create --format link`";
constexpr std::string_view kAskForCert =
    "ask the other site for a certificate token: `skupper token create FILE --token-type cert`";
constexpr std::string_view kCopyAgain = "copy the token again, whole, or ask for a new one";

Unexpected<Error> refused(std::string message, std::string_view hint = {}) {
  return Unexpected{Error{Error::Code::refused, std::move(message), std::string{hint}}};
}

bool plain_name(std::string_view name) {
  return !name.empty() && name.size() <= kTokenNameBytes &&
         std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
}

const std::string& type_label(const YamlValue& document) {
  return document["metadata"]["labels"]["skupper.io/type"].text();
}
const std::string& name_of(const YamlValue& document) { return document["metadata"]["name"].text(); }
const YamlValue& annotations(const YamlValue& document) { return document["metadata"]["annotations"]; }

bool has_endpoint_annotations(const YamlValue& document) {
  return !annotations(document)["inter-router-host"].text().empty() || !annotations(document)["edge-host"].text().empty();
}

enum class Kind { link, secret, v1_token, v1_claim, v1_claim_record, v2_claim, v2_grant, other };

Kind kind_of_secret(const YamlValue& document) {
  const std::string& type = type_label(document);
  if (type == "connection-token" || type == "gateway-connection-token") return Kind::v1_token;
  if (type == "token-claim") return Kind::v1_claim;
  if (type == "token-claim-record") return Kind::v1_claim_record;
  if (!type.empty()) return Kind::secret;
  if (has_endpoint_annotations(document)) return Kind::v1_token;
  if (document["data"]["tls.crt"].text().empty() && !annotations(document)["skupper.io/url"].text().empty())
    return Kind::v1_claim;
  return Kind::secret;
}

/// The table of tokens 1.
Kind kind_of(const YamlValue& document) {
  const std::string& kind = document["kind"].text();
  if (kind == "Secret") return kind_of_secret(document);
  if (!document["apiVersion"].text().starts_with("skupper.io/")) return Kind::other;
  if (kind == "Link") return Kind::link;
  if (kind == "AccessToken") return Kind::v2_claim;
  if (kind == "AccessGrant") return Kind::v2_grant;
  return Kind::other;
}

/// A port as string or number; nullopt when it is none.
std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

/// Absent or below 1 means 1 (tokens 2.1).
Result<std::uint32_t> read_cost(const YamlValue& value) {
  if (value.text().empty()) return 1u;
  std::int64_t cost = 0;
  const std::string& text = value.text();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cost);
  if (error != std::errc{} || end != text.data() + text.size())
    return refused("the token's cost '" + printable(text) + "' is not a number");
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(cost, 1, std::numeric_limits<std::int32_t>::max()));
}

/// Adds an endpoint unless its host can't be dialled: listeners on all addresses are written as such (tokens 2.2).
Result<void> add_endpoint(LinkToken& token, PeerRole role, std::string host, std::string_view port_text) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host == "0.0.0.0" || host == "::") return {};
  const bool bad = host.empty() || host.size() > kHostBytes ||
                   std::ranges::any_of(host, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 127; });
  if (bad) return refused("link '" + printable(token.name) + "' has an endpoint whose host '" + printable(host) + "' is no host");
  const auto port = read_port(port_text);
  if (!port)
    return refused("link '" + printable(token.name) + "' has an endpoint whose port '" + printable(port_text) + "' is no port");
  token.endpoints.push_back({role, std::move(host), *port});
  return {};
}

/// One entry of a Secret: `stringData` wins over `data`, as in Kubernetes. Empty when there is none.
Result<std::string> secret_entry(const YamlValue& secret, std::string_view key) {
  const std::string& plain = secret["stringData"][key].text();
  if (!plain.empty()) return plain;
  auto decoded = decode_base64(secret["data"][key].text());
  if (!decoded)
    return refused("the Secret's " + std::string{key} + " is cut off or damaged: it is not base64", kCopyAgain);
  return *std::move(decoded);
}

Result<Credentials> read_credentials(const YamlValue& secret) {
  Credentials credentials;
  for (const auto& [key, into] : {std::pair{"ca.crt", &credentials.ca}, std::pair{"tls.crt", &credentials.certificate},
                                  std::pair{"tls.key", &credentials.key}}) {
    auto entry = secret_entry(secret, key);
    if (!entry) return Unexpected{entry.error()};
    *into = *std::move(entry);
  }
  const std::string secret_name = "the token's Secret '" + printable(name_of(secret)) + "'";
  if (credentials.ca.empty()) return refused(secret_name + " has no ca.crt", kCopyAgain);
  if (credentials.certificate.empty() != credentials.key.empty())
    return refused(secret_name + " has no " + (credentials.key.empty() ? "tls.key" : "tls.crt"), kCopyAgain);
  return credentials;
}

Result<LinkToken> start_of(const YamlValue& document, std::string name) {
  LinkToken token;
  token.name = std::move(name);
  if (!plain_name(token.name))
    return refused("line " + std::to_string(document.line) + ": the " + printable(document["kind"].text()) +
                   " has no usable metadata.name");
  return token;
}

Result<LinkToken> read_link(const YamlValue& link, const std::vector<const YamlValue*>& secrets) {
  auto token = start_of(link, name_of(link));
  if (!token) return token;
  const YamlValue& spec = link["spec"];
  const auto cost = read_cost(spec["cost"]);
  if (!cost) return Unexpected{cost.error()};
  token->cost = *cost;
  for (const YamlValue& endpoint : spec["endpoints"].elements) {
    const std::string& name = endpoint["name"].text();
    if (name != endpoint_name(PeerRole::inter_router) && name != endpoint_name(PeerRole::edge)) continue;
    const PeerRole role = name == endpoint_name(PeerRole::edge) ? PeerRole::edge : PeerRole::inter_router;
    const auto added = add_endpoint(*token, role, endpoint["host"].text(), endpoint["port"].text());
    if (!added) return Unexpected{added.error()};
  }

  const std::string& wanted = spec["tlsCredentials"].text();
  const auto secret = std::ranges::find_if(secrets, [&](const YamlValue* each) { return name_of(*each) == wanted; });
  if (secret == secrets.end()) {
    std::string message = "link '" + printable(token->name) + "' needs the Secret '" + printable(wanted) + "'";
    message += secrets.empty() ? ", which is not in this token"
                               : ", but the Secret in this token is called '" + printable(name_of(*secrets.front())) + "'";
    return refused(std::move(message), secrets.empty() ? "put Link and Secret into one file, with --- between them"
                                                       : "one of the two names was changed: copy the token again");
  }
  auto credentials = read_credentials(**secret);
  if (!credentials) return Unexpected{credentials.error()};
  token->credentials = *std::move(credentials);
  if (token->credentials.certificate.empty())
    return refused("the token's Secret '" + printable(wanted) + "' has no tls.crt and tls.key", kCopyAgain);
  return token;
}

/// tokens 5
Result<LinkToken> read_v1_token(const YamlValue& secret) {
  auto token = start_of(secret, name_of(secret));
  if (!token) return token;
  token->v1 = true;
  const YamlValue& notes = annotations(secret);
  const auto cost = read_cost(notes["skupper.io/cost"]);
  if (!cost) return Unexpected{cost.error()};
  token->cost = *cost;
  for (const PeerRole role : {PeerRole::inter_router, PeerRole::edge}) {
    const std::string prefix{endpoint_name(role)};
    if (notes[prefix + "-host"].text().empty()) continue;
    const auto added = add_endpoint(*token, role, notes[prefix + "-host"].text(), notes[prefix + "-port"].text());
    if (!added) return Unexpected{added.error()};
  }
  auto credentials = read_credentials(secret);
  if (!credentials) return Unexpected{credentials.error()};
  token->credentials = *std::move(credentials);
  return token;
}

/// A file of `kubectl get -o yaml` wraps its documents in a List.
std::vector<const YamlValue*> unwrapped(const std::vector<YamlValue>& documents) {
  std::vector<const YamlValue*> result;
  for (const YamlValue& document : documents) {
    if (document["kind"].text() != "List") result.push_back(&document);
    for (const YamlValue& item : document["items"].elements) result.push_back(&item);
  }
  return result;
}

/// Why a text without any link in it can't be joined with.
Unexpected<Error> no_link(const std::vector<const YamlValue*>& documents) {
  for (const YamlValue* document : documents) {
    switch (kind_of(*document)) {
      case Kind::v2_claim:
        return refused("this token is a claim (AccessToken): redeeming claims is not supported in this version", kAskForLink);
      case Kind::v2_grant:
        return refused("this is an AccessGrant, which stays at the site that issues tokens: it is not a token", kAskForLink);
      case Kind::v1_claim:
        return refused("this token is a claim of Skupper v1: redeeming claims is not supported in this version", kAskForCert);
      case Kind::v1_claim_record:
        return refused("this is the record of a claim, which stays at the site that issued it: it is not a token", kAskForCert);
      case Kind::secret:
        return refused("this Secret '" + printable(name_of(*document)) + "' comes without its Link: nothing says where to dial",
                       "put Link and Secret into one file, with --- between them");
      case Kind::link:
      case Kind::v1_token:
      case Kind::other: continue;
    }
  }
  if (documents.empty()) return refused("this is not a token: it is empty");
  const std::string& kind = documents.front()->is_map() ? (*documents.front())["kind"].text() : std::string{};
  return refused(kind.empty() ? "this is not a token: it has no Link, Secret or AccessToken in it"
                              : "this is not a token: it is of kind '" + printable(kind) + "'");
}

Unexpected<Error> bad_credentials(std::string_view what, const tls::Error& error) {
  const bool mismatch = error.code == tls::Error::Code::key_mismatch;
  return refused("the token's " + std::string{what} + ": " + error.message,
                 mismatch ? "the token was put together from two: ask for a new one" : kCopyAgain);
}

Result<void> check_dates(std::string_view what, const tls::CertificateInfo& certificate, tls::WallTime now) {
  const std::string clock = " (this machine's clock says " + rfc3339(now) + ")";
  if (now > certificate.not_after)
    return refused("the token's " + std::string{what} + " expired on " + rfc3339(certificate.not_after) + clock,
                   "ask for a new token");
  if (now < certificate.not_before)
    return refused("the token's " + std::string{what} + " is valid from " + rfc3339(certificate.not_before) + " on" + clock,
                   "set this machine's clock, or wait");
  return {};
}

}  // namespace

std::string_view endpoint_name(PeerRole role) { return role == PeerRole::edge ? "edge" : "inter-router"; }

Result<std::vector<LinkToken>> read_token(std::string_view text) {
  const auto parsed = parse_yaml(text, kYamlLimits);
  if (!parsed) return refused("this is not a token: no YAML that can be read: " + printable(parsed.error()), kCopyAgain);
  const std::vector<const YamlValue*> documents = unwrapped(*parsed);
  std::vector<const YamlValue*> secrets;
  std::ranges::copy_if(documents, std::back_inserter(secrets),
                       [](const YamlValue* document) { return kind_of(*document) == Kind::secret; });

  std::vector<LinkToken> links;
  for (const YamlValue* document : documents) {
    const Kind kind = kind_of(*document);
    if (kind != Kind::link && kind != Kind::v1_token) continue;
    if (links.size() == kTokenLinksMax)
      return refused("the token has more than " + std::to_string(kTokenLinksMax) + " links");
    auto link = kind == Kind::link ? read_link(*document, secrets) : read_v1_token(*document);
    if (!link) return Unexpected{link.error()};
    links.push_back(*std::move(link));
  }
  if (links.empty()) return no_link(documents);
  return links;
}

Result<TokenEndpoint> endpoint_for(const LinkToken& token, PeerRole role) {
  std::string offered;
  for (const TokenEndpoint& endpoint : token.endpoints) {
    if (endpoint.role == role) return endpoint;
    offered += (offered.empty() ? "" : ", ") + std::string{endpoint_name(endpoint.role)};
  }
  const std::string message = "this token has no endpoint for role " + std::string{endpoint_name(role)} +
                              (offered.empty() ? ", nor any other that can be dialled" : "; it offers: " + offered);
  return refused(message, offered.empty() ? "the site that issued it must say under which host it can be reached"
                          : role == PeerRole::edge ? "join with --role interior"
                                                   : "join with --role edge");
}

std::string pem_blocks(std::string_view text) {
  constexpr std::string_view begin = "-----BEGIN ";
  constexpr std::string_view end = "\n-----END ";
  std::string blocks;
  for (std::size_t at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at)) {
    const std::size_t last_line = text.find(end, at);
    if (last_line == std::string_view::npos) break;
    const std::size_t stop = std::min(text.find('\n', last_line + 1), text.size());
    for (const char c : text.substr(at, stop - at))
      if ((c >= ' ' && c <= '~') || c == '\n') blocks += c;
    blocks += '\n';
    at = stop;
  }
  return blocks;
}

Result<void> check_credentials(const LinkToken& token, tls::WallTime now) {
  const auto authorities = tls::inspect_all(token.credentials.ca);
  if (!authorities) return bad_credentials("authority (ca.crt)", authorities.error());
  // Of several authorities any may be the one that counts: one good one is enough.
  Result<void> dates = check_dates("authority (ca.crt)", authorities->front(), now);
  for (const tls::CertificateInfo& authority : *authorities)
    if (check_dates("authority (ca.crt)", authority, now)) dates = {};
  if (!dates || token.credentials.certificate.empty()) return dates;

  const auto pair = tls::check_key_pair(token.credentials.certificate, token.credentials.key);
  if (!pair) return bad_credentials("certificate and key", pair.error());
  const auto certificate = tls::inspect(token.credentials.certificate);
  if (!certificate) return bad_credentials("certificate (tls.crt)", certificate.error());
  return check_dates("certificate", *certificate, now);
}

}  // namespace van::agent
