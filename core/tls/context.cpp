#include "core/tls/context.h"

#include <mbedtls/oid.h>
#include <mbedtls/ssl_ciphersuites.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include <cstdint>

#include "core/tls/context_state.h"
#include "core/tls/key_export.h"
#include "core/tls/pem.h"

namespace van::tls {
namespace {

bool has_aes_instructions() {
#if defined(__x86_64__) || defined(__i386__)
  return __builtin_cpu_supports("aes") != 0;
#elif defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long kAes = 1ul << 3;  // HWCAP_AES
  return (getauxval(AT_HWCAP) & kAes) != 0;
#elif defined(__aarch64__)
  return true;
#else
  return false;
#endif
}

// Forward secrecy and AEAD only (tls-records 0); the library's lists end with 0.
#if MBEDTLS_VERSION_MAJOR >= 3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
#define VAN_TLS13_AES MBEDTLS_TLS1_3_AES_128_GCM_SHA256, MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
#define VAN_TLS13_CHACHA MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#else
#define VAN_TLS13_AES
#define VAN_TLS13_CHACHA
#endif
constexpr int kAesFirst[] = {VAN_TLS13_AES VAN_TLS13_CHACHA MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                             0};
constexpr int kChachaFirst[] = {VAN_TLS13_CHACHA VAN_TLS13_AES MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                                MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                                MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                                0};

// P-256 first: the library's own order begins with the largest, which costs ten times as much.
void set_groups(mbedtls_ssl_config* config) {
#if MBEDTLS_VERSION_MAJOR >= 3
  static constexpr std::uint16_t kGroups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                              MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
                                              MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
  mbedtls_ssl_conf_groups(config, kGroups);
#else
  static constexpr mbedtls_ecp_group_id kGroups[] = {MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP384R1,
                                                     MBEDTLS_ECP_DP_SECP521R1, MBEDTLS_ECP_DP_NONE};
  mbedtls_ssl_conf_curves(config, kGroups);
#endif
}

void set_versions(mbedtls_ssl_config* config, [[maybe_unused]] bool tls13) {
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
  mbedtls_ssl_conf_max_tls_version(config, tls13 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
#endif
#else
  mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

void refuse_renegotiation([[maybe_unused]] mbedtls_ssl_config* config) {
#if defined(MBEDTLS_SSL_RENEGOTIATION)
  mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
}

/// Tickets of TLS 1.3 come among the data, and would count as records (tls-records B3): none where it may be spoken.
int set_tickets(Context::State& state, bool tls13) {
  mbedtls_ssl_config* config = state.config.get();
#if MBEDTLS_VERSION_MAJOR >= 3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
  if (state.server) mbedtls_ssl_conf_new_session_tickets(config, 0);
  const bool resumes = !tls13;
#else
  static_cast<void>(tls13);
  const bool resumes = true;
#endif
  if (state.server) {
    if (!resumes) return 0;
    state.tickets = std::make_unique<Tickets>();
    return state.tickets->enable(*config, state.random);
  }
  mbedtls_ssl_conf_session_tickets(config, resumes ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED : MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
  if (resumes) state.last_session = std::make_unique<LastSession>();
  return 0;
}

Expected<void, Error> read_identity(Context::State& state, std::string_view certificate_pem, std::string_view key_pem) {
  if (const auto read = read_certificates(certificate_pem, state.certificate); !read) return Unexpected{read.error()};
  if (const auto read = read_key(key_pem, state.key, state.random); !read) return Unexpected{read.error()};
  return check_match(state.certificate, state.key, state.random);
}

/// With another certificate the library would find no cipher suite for any client, and not say why.
Expected<void, Error> check_serves(const CertificateChain& certificate) {
  if (mbedtls_x509_crt_check_extended_key_usage(certificate.get(), MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0) {
    return Unexpected{Error{Error::Code::bad_certificate_file, "the certificate is not made for a server"}};
  }
  return {};
}

struct Roles {
  bool server = false;
  bool tls13 = true;
  bool verify = true;    // the peer's certificate
  bool identity = true;  // we present one
};

Expected<void, Error> configure(Context::State& state, const Roles& roles) {
  mbedtls_ssl_config* config = state.config.get();
  const int role = roles.server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT;
  int result = mbedtls_ssl_config_defaults(config, role, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  if (result == 0 && roles.identity) result = mbedtls_ssl_conf_own_cert(config, state.certificate.get(), state.key.get());
  if (result == 0) result = set_tickets(state, roles.tls13);
  if (result != 0) return Unexpected{Error{Error::Code::internal, "setting up TLS: " + library_error(result)}};
  set_versions(config, roles.tls13);
  set_groups(config);
  refuse_renegotiation(config);
  KeyExport::enable(*config);
  mbedtls_ssl_conf_ciphersuites(config, has_aes_instructions() ? kAesFirst : kChachaFirst);
  mbedtls_ssl_conf_rng(config, fill_random, static_cast<SecureRandom*>(&state.random));
  mbedtls_ssl_conf_authmode(config, roles.verify ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
  if (roles.verify) mbedtls_ssl_conf_ca_chain(config, state.authorities.get(), nullptr);
  return {};
}

Expected<void, Error> set_alpn(Context::State& state, const std::vector<std::string>& protocols) {
  if (protocols.empty()) return {};
  state.alpn = protocols;
  for (const std::string& protocol : state.alpn) state.alpn_list.push_back(protocol.c_str());
  state.alpn_list.push_back(nullptr);
  const int result = mbedtls_ssl_conf_alpn_protocols(state.config.get(), state.alpn_list.data());
  if (result != 0) return Unexpected{Error{Error::Code::internal, "setting up TLS: " + library_error(result)}};
  return {};
}

Error of_authorities(Error error) {
  error.message = "trusted authorities: " + error.message;
  return error;
}

}  // namespace

Context::Context(std::unique_ptr<State> state) : state_{std::move(state)} {}
Context::~Context() = default;

bool Context::is_server() const { return state_->server; }

Expected<std::unique_ptr<Context>, Error> Context::client(const ClientOptions& options) {
  if (const auto started = start_library(); !started) return Unexpected{started.error()};
  auto state = std::make_unique<State>();
  const bool identity = !options.certificate_pem.empty();
  if (const auto read = read_authorities(options.ca_pem, state->authorities); !read) return Unexpected{of_authorities(read.error())};
  if (identity) {
    if (const auto read = read_identity(*state, options.certificate_pem, options.key_pem); !read) return Unexpected{read.error()};
  }
  const Roles roles{.server = false, .tls13 = options.tls13, .verify = true, .identity = identity};
  if (const auto configured = configure(*state, roles); !configured) return Unexpected{configured.error()};
  if (const auto set = set_alpn(*state, options.alpn); !set) return Unexpected{set.error()};
  state->verify_host = options.verify_host;
  return std::unique_ptr<Context>{new Context{std::move(state)}};
}

Expected<std::unique_ptr<Context>, Error> Context::server(const ServerOptions& options) {
  if (const auto started = start_library(); !started) return Unexpected{started.error()};
  auto state = std::make_unique<State>();
  state->server = true;
  const bool verify = !options.anonymous_clients;
  if (verify) {
    if (const auto read = read_authorities(options.ca_pem, state->authorities); !read) return Unexpected{of_authorities(read.error())};
  }
  if (const auto read = read_identity(*state, options.certificate_pem, options.key_pem); !read) return Unexpected{read.error()};
  if (const auto serves = check_serves(state->certificate); !serves) return Unexpected{serves.error()};
  const Roles roles{.server = true, .tls13 = options.tls13, .verify = verify, .identity = true};
  if (const auto configured = configure(*state, roles); !configured) return Unexpected{configured.error()};
  if (const auto set = set_alpn(*state, options.alpn); !set) return Unexpected{set.error()};
  return std::unique_ptr<Context>{new Context{std::move(state)}};
}

}  // namespace van::tls
