#pragma once

#include <mbedtls/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "core/tls/context.h"
#include "core/tls/library.h"
#include "core/tls/resumption.h"
#include "core/tls/secure_random.h"

namespace van::tls {

/// Private to core/tls: what a Context holds. The configuration points at the others.
struct Context::State {
  bool server = false;
  bool verify_host = true;
  std::vector<std::string> alpn;
  std::vector<const char*> alpn_list;  ///< of `alpn`, as the library wants it
  SystemRandom random;
  CertificateChain authorities;
  CertificateChain certificate;
  Key key;
  std::unique_ptr<Tickets> tickets;           ///< of a server that gives them
  std::unique_ptr<LastSession> last_session;  ///< of a client that resumes
  Owned<mbedtls_ssl_config, mbedtls_ssl_config_init, mbedtls_ssl_config_free> config;
};

}  // namespace van::tls
