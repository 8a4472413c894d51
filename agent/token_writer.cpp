#include <algorithm>

#include "agent/token.h"
#include "core/base/assert.h"
#include "core/base/base64.h"

namespace van::agent {
namespace {

/// Quoted in every case: "1e3" or "true" would not be read as the texts that they are.
std::string yaml_text(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string link_document(const LinkToken& link, std::string_view secret) {
  std::string text = "apiVersion: skupper.io/v2alpha1\nkind: Link\nmetadata:\n";
  text += "  name: " + yaml_text(link.name) + "\nspec:\n";
  text += "  cost: " + std::to_string(link.cost) + "\n";
  text += link.endpoints.empty() ? "  endpoints: []\n" : "  endpoints:\n";
  for (const TokenEndpoint& endpoint : link.endpoints) {
    text += "  - host: " + yaml_text(endpoint.host) + "\n";
    text += "    name: " + std::string{endpoint_name(endpoint.role)} + "\n";
    text += "    port: \"" + std::to_string(endpoint.port) + "\"\n";
  }
  text += "  tlsCredentials: " + yaml_text(secret) + "\n";
  return text;
}

std::string secret_document(const Credentials& credentials, std::string_view name) {
  std::string text = "apiVersion: v1\ndata:\n";
  text += "  ca.crt: " + encode_base64(credentials.ca) + "\n";
  text += "  tls.crt: " + encode_base64(credentials.certificate) + "\n";
  text += "  tls.key: " + encode_base64(credentials.key) + "\n";
  text += "kind: Secret\nmetadata:\n  name: " + yaml_text(name) + "\ntype: kubernetes.io/tls\n";
  return text;
}

}  // namespace

std::string write_token(const std::vector<LinkToken>& links) {
  VAN_ASSERT(!links.empty());
  const Credentials& credentials = links.front().credentials;
  VAN_ASSERT(std::ranges::all_of(links, [&](const LinkToken& link) { return link.credentials == credentials; }));
  std::string text;
  for (const LinkToken& link : links) text += link_document(link, links.front().name) + "---\n";
  return text + secret_document(credentials, links.front().name);
}

std::string resource_name(std::string_view label) {
  std::string name;
  for (const char c : label.substr(0, kTokenNameBytes)) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (upper || plain) {
      name += upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!name.empty() && name.back() != '-' && name.back() != '.') {
      name += c == '.' ? '.' : '-';  // never two in a row: a part between dots must not begin or end with '-'
    }
  }
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name.empty() ? "site" : name;
}

}  // namespace van::agent
