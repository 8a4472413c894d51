#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/expected.h"
#include "core/base/random.h"
#include "core/tls/error.h"

namespace van::tls {

using WallTime = std::chrono::system_clock::time_point;

/// How far before `now` a certificate of ours begins: the peer that gets it may have a clock that is behind,
/// and Skupper's own, which are not backdated, fail there (tokens 8.3).
inline constexpr std::chrono::hours kBackdated{1};
/// Names in one certificate; more: Code::bad_name.
inline constexpr std::size_t kHostsMax = 256;

/// A certificate and its key, PEM. The key is ECDSA P-256 in SEC1 form ("EC PRIVATE KEY").
struct Issued {
  std::string certificate_pem;
  std::string key_pem;
};

struct AuthorityOptions {
  std::string common_name;  ///< not empty; cut to 64 characters (RFC 5280, ub-common-name)
  WallTime now;
  std::chrono::seconds validity{};  ///< from `now`
};

/// A self-signed authority, as each site has its own (tokens 8.1): it may sign leaves, not other authorities.
/// Errors: bad_name, internal.
Expected<Issued, Error> create_authority(const AuthorityOptions& options, SecureRandom& random);

struct LeafOptions {
  /// server: extended usage serverAuth. client: clientAuth only, and no hosts, so that whoever holds it can't
  /// pose as a server (tokens 8.3; accepted by real routers, tokens 9.1).
  enum class Use { server, client };
  Use use = Use::client;
  std::string common_name;  ///< as for an authority
  /// Server only: DNS names (a leading "*." is allowed) and IP addresses without brackets. An address is written
  /// both as IP and as DNS entry: Go's clients look at the one, real routers at the other (tokens 9.2).
  std::vector<std::string> hosts;
  WallTime now;
  std::chrono::seconds validity{};  ///< from `now`; ends with the authority at the latest
};

/// A certificate signed by `authority` (its first certificate when there are several; any key that we can read,
/// so also a user's RSA authority). Errors: bad_name, bad_certificate_file, bad_key, key_mismatch, internal.
Expected<Issued, Error> issue(const Issued& authority, const LeafOptions& options, SecureRandom& random);

/// What a certificate says; nothing in it is verified. Texts are as found: escape them before showing them.
struct CertificateInfo {
  std::string subject_common_name;  ///< empty when there is none
  std::string issuer_common_name;
  WallTime not_before;
  WallTime not_after;  ///< years after 2261 count as 2261, the end of the clock
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;  ///< as text
  bool is_ca = false;
  std::string serial;              ///< hexadecimal, lower case
  std::string fingerprint_sha256;  ///< of the DER form, hexadecimal, lower case
};

/// The first certificate of a PEM text. Errors: bad_certificate_file.
Expected<CertificateInfo, Error> inspect(std::string_view certificate_pem);

/// Every certificate of a PEM text, in its order. Errors: bad_certificate_file when one can't be read.
Expected<std::vector<CertificateInfo>, Error> inspect_all(std::string_view certificates_pem);

/// Whether the key belongs to the first certificate. Keys: RSA or EC, in PKCS#1, SEC1 or PKCS#8.
/// Errors: bad_certificate_file, bad_key, key_mismatch.
Expected<void, Error> check_key_pair(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace van::tls
