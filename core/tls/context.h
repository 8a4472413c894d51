#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/expected.h"
#include "core/tls/error.h"

namespace van::tls {

/// All fields are PEM texts, read during the call only.
struct ClientOptions {
  /// The authorities that may have signed the server's certificate, one or more; those we can't read (a kind of
  /// key that the library lacks) are not trusted. The system's authorities never are (tokens, section 10).
  std::string_view ca_pem = {};
  std::string_view certificate_pem = {};  ///< ours, with intermediates after it; empty: we present none
  std::string_view key_pem = {};          ///< PKCS#1, SEC1 or PKCS#8, no password
  /// Whether TLS 1.3 may be used, where the library has it. False for links between sites: mbedTLS has no KeyUpdate,
  /// which a peer may send after 2^24 records (tls-records B6), and 3.6 seals its alerts about certificates with keys
  /// that 3.6 does not expect, so that a refused peer learns only Code::protocol.
  bool tls13 = true;
  /// False: any server whose certificate comes from the authorities will do, whatever name it is for.
  bool verify_host = true;
  std::vector<std::string> alpn = {};  ///< protocols that we offer (RFC 7301); empty: the extension is not sent
};

struct ServerOptions {
  std::string_view ca_pem = {};  ///< the authorities that may have signed a client's certificate
  std::string_view certificate_pem = {};
  std::string_view key_pem = {};
  bool tls13 = true;
  /// Asks clients for no certificate, for services that know them by other means (a claim server); ca_pem is
  /// then ignored.
  bool anonymous_clients = false;
  /// Protocols (RFC 7301), the best first; a client that offers protocols, and none of these, is refused. Empty: the extension is
  /// ignored.
  std::vector<std::string> alpn = {};
};

/// Settings and parsed certificates that sessions share: TLS 1.2 or newer, AEAD suites with forward secrecy only,
/// both sides verified, no renegotiation (tls-records 0, control-plane 1.2). A client's remembers its last session with a
/// server of ours and resumes it, once, within the hour, and not after the peer's certificate has expired; where TLS 1.3 may be
/// spoken there are no tickets. What is known of a session dies with the Contexts of both ends, so a new Context verifies
/// everything anew. Must outlive its sessions. Sessions of one Context may be on several threads.
class Context {
 public:
  /// Errors: bad_certificate_file (also a server's that may not serve), bad_key, key_mismatch; internal when the library loaded is not the one that
  /// we were compiled for.
  static Expected<std::unique_ptr<Context>, Error> client(const ClientOptions& options);
  static Expected<std::unique_ptr<Context>, Error> server(const ServerOptions& options);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] bool is_server() const;

  struct State;  ///< for core/tls itself
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  explicit Context(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace van::tls
