#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/error.h"
#include "core/router/router.h"
#include "core/tls/certificate.h"

namespace van::agent {

/// Where a site can be dialled in one role (tokens 2.1, 5).
struct TokenEndpoint {
  router::PeerRole role = router::PeerRole::edge;
  std::string host;  ///< name or address; IPv6 without brackets
  std::uint16_t port = 0;
  friend bool operator==(const TokenEndpoint&, const TokenEndpoint&) = default;
};

/// PEM texts: the authority of the dialled site, and our certificate with its key. Certificate and key are both empty in the
/// v1 tokens that go without (tokens 5).
struct Credentials {
  std::string ca;
  std::string certificate;
  std::string key;
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

/// One link that a token allows: a v2 Link with its Secret, or a v1 connection token. Several links of one token lead to
/// different routers of the same site.
struct LinkToken {
  std::string name;  ///< of the link: 1 to 253 printable characters
  std::vector<TokenEndpoint> endpoints;  ///< in the order of the text; those that can't be dialled (0.0.0.0, ::) are left out
  std::uint32_t cost = 1;                ///< 1 or more
  Credentials credentials;
  bool v1 = false;  ///< from a v1 network: its routers carry TCP in another way (tokens 1)
  friend bool operator==(const LinkToken&, const LinkToken&) = default;
};

inline constexpr std::size_t kTokenLinksMax = 16;
inline constexpr std::size_t kTokenNameBytes = 253;

/// Reads every format of tokens.md section 1; at least one link. Claims are recognised, and refused with what to ask for instead.
/// Errors: refused, with what the text is and what is missing. Nothing of a key is ever in a message.
Result<std::vector<LinkToken>> read_token(std::string_view text);

/// The endpoint for a role: the first that is named so, as real sites take it (tokens 2.1). Errors: refused, with what is
/// offered.
Result<TokenEndpoint> endpoint_for(const LinkToken& token, router::PeerRole role);

/// Whether the certificates can be read, are valid at `now`, and the key belongs to the certificate (tokens 10, Reading 6).
/// Errors: refused.
Result<void> check_credentials(const LinkToken& token, tls::WallTime now);

/// The PEM blocks of a text, from BEGIN to END, without what stands between them: tools write notes there in any encoding.
std::string pem_blocks(std::string_view text);

/// Writes a Skupper v2 token in the form of tokens 2.3: a Link for each, then the one Secret that they share. Asserts that there
/// is one, and that all have the same credentials. read_token() of it gives the same links.
std::string write_token(const std::vector<LinkToken>& links);

/// A name that Kubernetes accepts (tokens 2.4) and that is like `label`: lower-case letters, digits, '-' and '.'.
std::string resource_name(std::string_view label);

/// "inter-router" or "edge", as endpoints are named.
std::string_view endpoint_name(router::PeerRole role);

}  // namespace van::agent
