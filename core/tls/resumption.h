#pragma once

#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/base/random.h"
#include "core/tls/library.h"

namespace van::tls {

// Private to core/tls: the abbreviated handshake of TLS 1.2 (RFC 5077), which costs a tenth of a millisecond in place of some. A
// ticket is good for an hour, and no longer than the certificate that was verified when it was made.

/// A server's: what it needs to know again is in the tickets, sealed with keys that die with this object.
class Tickets {
 public:
  Tickets() = default;
  /// Lets the configuration's handshakes give tickets and take them. Both must outlive it.
  int enable(mbedtls_ssl_config& config, SecureRandom& random);

 private:
  static int write(void* self, const mbedtls_ssl_session* session, unsigned char* start, const unsigned char* end, std::size_t* count,
                   std::uint32_t* lifetime);
  static int parse(void* self, mbedtls_ssl_session* session, unsigned char* ticket, std::size_t count);

  std::mutex mutex_;  // handshakes may be on several threads
  Owned<mbedtls_ssl_ticket_context, mbedtls_ssl_ticket_init, mbedtls_ssl_ticket_free> keys_;
};

/// A client's: the last session with a server of ours. Others are not asked: what is built on OpenSSL gives tickets and then, unless
/// it was told not to, refuses who comes with one.
class LastSession {
 public:
  /// Keeps the session of a handshake that is done.
  void keep(const mbedtls_ssl_context& ssl, std::string_view host);
  /// Offers it to the same host, once: if that goes wrong, the next handshake is a whole one.
  void offer(mbedtls_ssl_context& ssl, std::string_view host);

 private:
  using Saved = Owned<mbedtls_ssl_session, mbedtls_ssl_session_init, mbedtls_ssl_session_free>;

  std::mutex mutex_;
  std::string host_;
  std::unique_ptr<Saved> saved_;
};

}  // namespace van::tls
