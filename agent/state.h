#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/error.h"
#include "agent/token.h"
#include "core/http/forwarded.h"
#include "core/router/router.h"
#include "core/tls/certificate.h"
#include "proxy/health_check.h"
#include "proxy/protocol.h"
#include "proxy/tls_files.h"

namespace van::agent {

/// What a profile remembers: docs/formats/state.md. Plain values; the Site acts on them.
inline constexpr std::int64_t kStateVersion = 1;

/// The authority of a site that accepts links, and its own certificate.
struct AuthorityState {
  tls::Issued authority;
  tls::Issued server;
};
struct SiteState {
  std::string id;  ///< UUID
  std::string name;
  router::Mode role = router::Mode::edge;
  std::string router_id;
  std::int64_t created = 0;  ///< seconds since 1970
  std::vector<std::string> public_hosts;
  std::optional<AuthorityState> own;  ///< made by `site create`; absent in a site that only dials out
};
struct ListenerState {
  router::PeerRole role = router::PeerRole::inter_router;
  std::string host;
  std::uint16_t port = 0;
};
struct LinkState {
  std::string name;
  TokenEndpoint endpoint;  ///< its role is that of the link
  std::uint32_t cost = 1;
  Credentials credentials;
};
struct ExposureState {
  std::string address;
  std::string target;  ///< as proxy::Endpoint::text()
  std::uint32_t cost = 0;
  std::uint16_t port = 0;  ///< that others see; 0: none (a Unix socket)
  proxy::Protocol protocol = proxy::Protocol::tcp;
  proxy::HealthCheck health = {};
  bool proxy_protocol = false;
  std::optional<proxy::TlsFiles> tls = std::nullopt;  ///< the target speaks TLS
  bool multicast = false;  ///< udp only
};
struct BindingState {
  std::string address;
  std::string local;  ///< as proxy::Endpoint::text(), with the port really bound
  proxy::Protocol protocol = proxy::Protocol::tcp;
  bool multicast = false;       ///< udp only
  bool both_loopbacks = false;  ///< `local` is on 127.0.0.1, and ::1 has the same port
  http::Forwarded forwarded = http::Forwarded::none;  ///< of protocol http
  std::optional<proxy::TlsFiles> tls = std::nullopt;  ///< clients come with TLS
};
struct IssuedTokenState {
  std::string name;
  std::string fingerprint;  ///< of the client certificate, SHA-256
  std::int64_t issued = 0;  ///< seconds since 1970, as `expires`
  std::int64_t expires = 0;
};
/// Ports where services are asked for by name, as LocalEndpoint::text(), with the port really bound; empty: closed.
struct ProxyState {
  std::string socks;
  std::string http;
};
struct State {
  std::optional<SiteState> site;
  std::vector<ListenerState> listeners;
  std::vector<LinkState> links;
  std::vector<ExposureState> exposures;
  std::vector<BindingState> bindings;
  ProxyState proxy;
  std::vector<IssuedTokenState> tokens;
};

/// read_state(print_state(x)) == x.
std::string print_state(const State& state);
/// The error is one line with the place. Strict: what it does not know it refuses, as saving would lose it.
Expected<State, std::string> read_state(std::string_view text);

/// "interior" or "edge".
std::string_view to_text(router::Mode mode);

/// The state file of a profile. It is one file, so that it changes as a whole; it has keys in it and mode 0600.
class StateStore {
 public:
  explicit StateStore(std::filesystem::path file);

  /// An empty state when there is no file. Errors: failed, when the file can't be read, is damaged or was written by a newer
  /// version: it says where and what to do. The file is not touched.
  [[nodiscard]] Result<State> load() const;
  /// Replaces the file at once or not at all, and keeps the one before as `FILE.bak`. Errors: failed; also for a state that
  /// could not be loaded again, which is not written.
  [[nodiscard]] Result<void> save(const State& state) const;
  /// Removes the file and its copy.
  [[nodiscard]] Result<void> remove() const;

 private:
  [[nodiscard]] std::filesystem::path copy() const;

  std::filesystem::path file_;
};

}  // namespace van::agent
