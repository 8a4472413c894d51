#include <mbedtls/platform.h>

#include <array>
#include <cstring>
#include <ctime>

#include "core/tls/resumption.h"
#include "core/tls/secure_random.h"
#include "tests/core/tls/session_pair.h"
#include "tests/support/catch.h"

using namespace van;

namespace {

using SslSession = tls::Owned<mbedtls_ssl_session, mbedtls_ssl_session_init, mbedtls_ssl_session_free>;

constexpr std::string_view kTicket{"vanctl\0\1 and more", 17};

/// What an end remembers of a handshake: with a peer that has this certificate, and a ticket of ours.
class Remembered {
 public:
  explicit Remembered(const std::string& certificate_pem) {
    auto* certificate = static_cast<mbedtls_x509_crt*>(mbedtls_calloc(1, sizeof(mbedtls_x509_crt)));
    REQUIRE(certificate != nullptr);
    mbedtls_x509_crt_init(certificate);
    session_->MBEDTLS_PRIVATE(peer_cert) = certificate;
    REQUIRE(mbedtls_x509_crt_parse(certificate, reinterpret_cast<const unsigned char*>(certificate_pem.c_str()), certificate_pem.size() + 1) == 0);
    auto* ticket = static_cast<unsigned char*>(mbedtls_calloc(1, kTicket.size()));
    REQUIRE(ticket != nullptr);
    std::memcpy(ticket, kTicket.data(), kTicket.size());
    session_->MBEDTLS_PRIVATE(ticket) = ticket;
    session_->MBEDTLS_PRIVATE(ticket_len) = kTicket.size();
    session_->MBEDTLS_PRIVATE(start) = std::time(nullptr);
#if MBEDTLS_VERSION_MAJOR >= 3
    session_->MBEDTLS_PRIVATE(tls_version) = MBEDTLS_SSL_VERSION_TLS1_2;
#endif
#if MBEDTLS_VERSION_NUMBER >= 0x03060000
    session_->MBEDTLS_PRIVATE(endpoint) = MBEDTLS_SSL_IS_SERVER;
    session_->MBEDTLS_PRIVATE(ticket_creation_time) = mbedtls_ms_time();
#endif
  }
  mbedtls_ssl_session* get() { return session_.get(); }

 private:
  SslSession session_;
};

struct Ends {
  tls::SystemRandom random;
  tls::Issued authority = test::make_authority(random);
  /// Of a client whose certificate is good for so much longer than now.
  Remembered remembered(std::chrono::seconds left) {
    return Remembered{test::make_client(authority, random, {.now = test::today() - std::chrono::hours{2}, .validity = std::chrono::hours{2} + left}).certificate_pem};
  }
};

class Config {
 public:
  Config(int endpoint, SecureRandom& random) {
    REQUIRE(mbedtls_ssl_config_defaults(config_.get(), endpoint, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) == 0);
    mbedtls_ssl_conf_rng(config_.get(), tls::fill_random, &random);
  }
  mbedtls_ssl_config& get() { return *config_.get(); }

 private:
  tls::Owned<mbedtls_ssl_config, mbedtls_ssl_config_init, mbedtls_ssl_config_free> config_;
};

}  // namespace

TEST_CASE("a server's ticket is good as long as the certificate of its client", "[tls][resumption][limits]") {
  Ends ends;
  Config config{MBEDTLS_SSL_IS_SERVER, ends.random};
  tls::Tickets tickets;
  REQUIRE(tickets.enable(config.get(), ends.random) == 0);
  const auto parsed = [&](std::chrono::seconds left) {
    Remembered client = ends.remembered(left);
    std::array<unsigned char, 4096> ticket{};
    std::size_t count = 0;
    std::uint32_t lifetime = 0;
    void* self = config.get().MBEDTLS_PRIVATE(p_ticket);
    REQUIRE(config.get().MBEDTLS_PRIVATE(f_ticket_write)(self, client.get(), ticket.data(), ticket.data() + ticket.size(), &count, &lifetime) == 0);
    CHECK(lifetime == 3600);
    SslSession again;
    return config.get().MBEDTLS_PRIVATE(f_ticket_parse)(self, again.get(), ticket.data(), count);
  };
  CHECK(parsed(std::chrono::hours{1}) == 0);
  CHECK(parsed(-std::chrono::hours{1}) == MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED);
}

TEST_CASE("a client offers its last session as long as the certificate of its server is good", "[tls][resumption][limits]") {
  Ends ends;
  Config config{MBEDTLS_SSL_IS_CLIENT, ends.random};
  const auto offered = [&](std::chrono::seconds left) {
    Remembered server = ends.remembered(left);
    tls::LastSession last;
    using Ssl = tls::Owned<mbedtls_ssl_context, mbedtls_ssl_init, mbedtls_ssl_free>;
    {
      Ssl done;
      REQUIRE(mbedtls_ssl_setup(done.get(), &config.get()) == 0);
      done->MBEDTLS_PRIVATE(session) = server.get();
      last.keep(*done.get(), "a.example");
      done->MBEDTLS_PRIVATE(session) = nullptr;
    }
    Ssl next;
    REQUIRE(mbedtls_ssl_setup(next.get(), &config.get()) == 0);
    last.offer(*next.get(), "a.example");
    return next->MBEDTLS_PRIVATE(session_negotiate)->MBEDTLS_PRIVATE(ticket_len) == kTicket.size();
  };
  CHECK(offered(std::chrono::hours{1}));
  CHECK_FALSE(offered(-std::chrono::hours{1}));
}
