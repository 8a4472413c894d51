#include "core/tls/resumption.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/tls/secure_random.h"

#if !defined(MBEDTLS_SSL_SESSION_TICKETS) || !defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
#error "mbedTLS must have session tickets, and keep the certificates of peers: a resumed link is known by them"
#endif

namespace van::tls {
namespace {

constexpr std::uint32_t kLifetime = 3600;  // seconds
constexpr std::array<unsigned char, 8> kMark{'v', 'a', 'n', 'c', 't', 'l', 0, 1};  // before the library's ticket

bool expired(const mbedtls_ssl_session& session) {
  const mbedtls_x509_crt* certificate = session.MBEDTLS_PRIVATE(peer_cert);
  return certificate != nullptr && mbedtls_x509_time_is_past(&certificate->valid_to) != 0;
}

bool is_ours(const mbedtls_ssl_session& session) {
  const unsigned char* ticket = session.MBEDTLS_PRIVATE(ticket);
  return ticket != nullptr && session.MBEDTLS_PRIVATE(ticket_len) > kMark.size() && std::equal(kMark.begin(), kMark.end(), ticket);
}

}  // namespace

int Tickets::enable(mbedtls_ssl_config& config, SecureRandom& random) {
  const int result = mbedtls_ssl_ticket_setup(keys_.get(), fill_random, &random, MBEDTLS_CIPHER_AES_256_GCM, kLifetime);
  if (result == 0) mbedtls_ssl_conf_session_tickets_cb(&config, write, parse, this);
  return result;
}

int Tickets::write(void* self, const mbedtls_ssl_session* session, unsigned char* start, const unsigned char* end, std::size_t* count,
                   std::uint32_t* lifetime) {
  Tickets& tickets = *static_cast<Tickets*>(self);
  if (static_cast<std::size_t>(end - start) < kMark.size()) return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
  const std::lock_guard lock{tickets.mutex_};
  const int result = mbedtls_ssl_ticket_write(tickets.keys_.get(), session, start + kMark.size(), end, count, lifetime);
  if (result != 0) return result;
  std::copy(kMark.begin(), kMark.end(), start);
  *count += kMark.size();
  return 0;
}

int Tickets::parse(void* self, mbedtls_ssl_session* session, unsigned char* ticket, std::size_t count) {
  Tickets& tickets = *static_cast<Tickets*>(self);
  if (count <= kMark.size() || !std::equal(kMark.begin(), kMark.end(), ticket)) return MBEDTLS_ERR_SSL_INVALID_MAC;
  const std::lock_guard lock{tickets.mutex_};
  const int result = mbedtls_ssl_ticket_parse(tickets.keys_.get(), session, ticket + kMark.size(), count - kMark.size());
  if (result != 0) return result;
  return expired(*session) ? MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED : 0;
}

void LastSession::keep(const mbedtls_ssl_context& ssl, std::string_view host) {
  auto session = std::make_unique<Saved>();
  if (mbedtls_ssl_get_session(&ssl, session->get()) != 0 || !is_ours(*session->get())) return;
  const std::lock_guard lock{mutex_};
  host_ = host;
  saved_ = std::move(session);
}

void LastSession::offer(mbedtls_ssl_context& ssl, std::string_view host) {
  std::unique_ptr<Saved> session;
  {
    const std::lock_guard lock{mutex_};
    if (host != host_) return;
    session = std::move(saved_);
  }
  // If the library can't take it, the handshake is a whole one.
  if (session != nullptr && !expired(*session->get())) mbedtls_ssl_set_session(&ssl, session->get());
}

}  // namespace van::tls
