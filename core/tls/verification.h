#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/tls/library.h"

namespace van::tls {

/// What came out of verifying a peer's certificate chain, in words. Private to core/tls; a session gives it every
/// certificate that the library looks at, with the library's findings.
class Verification {
 public:
  /// `peer`: "server" or "client". `host`: what we dialled; empty when names don't matter.
  Verification(std::string_view peer, std::string_view host);

  /// `depth` 0 is the peer's own certificate. Clears the finding "wrong host" when an IP entry names the host:
  /// mbedTLS 2.28 looks only at DNS entries (tokens 9.3).
  void judge(const mbedtls_x509_crt& certificate, int depth, std::uint32_t& findings);

  /// The worst that was found: of several findings the one that a user must put right first. `findings` are the
  /// library's for the whole chain, with those that it adds after judge(); 0 when it has none.
  [[nodiscard]] std::optional<Error> verdict(std::uint32_t findings) const;
  [[nodiscard]] bool asked() const { return asked_; }  ///< the library had a certificate to look at

 private:
  void note(Error::Code code, std::string message);

  std::string peer_;
  std::string host_;
  std::optional<Bytes> address_;
  std::optional<Error> worst_;
  bool asked_ = false;
};

}  // namespace van::tls
