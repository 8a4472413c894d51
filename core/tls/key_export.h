#pragma once

#include <mbedtls/ssl.h>

#include <array>
#include <cstdint>
#include <optional>

#include "core/tls/library.h"
#include "core/tls/record_layer.h"

namespace van::tls {

/// Private to core/tls: what protects the records of a TLS 1.2 connection, as the library tells it during the handshake
/// (tls-records B1). Nothing of it may be used before the handshake is done.
class KeyExport {
 public:
  KeyExport() = default;
  KeyExport(const KeyExport&) = delete;
  KeyExport& operator=(const KeyExport&) = delete;
  ~KeyExport();

  /// Sees to it that a configuration's (2.28) or a connection's (3.x) handshakes tell.
  static void enable(mbedtls_ssl_config& config);
  void watch(mbedtls_ssl_context& ssl);
  /// mbedtls_ssl_handshake().
  int handshake(mbedtls_ssl_context& ssl);

  /// Nullopt: the library did not tell exactly once.
  [[nodiscard]] std::optional<TrafficKeys> traffic_keys(Aead::Kind kind) const;

 private:
  static constexpr std::size_t kBlockMax = 2 * (32 + 12);

  unsigned told_ = 0;
#if MBEDTLS_VERSION_MAJOR >= 3
  static void on_secret(void* self, mbedtls_ssl_key_export_type type, const unsigned char* secret, std::size_t count,
                        const unsigned char client_random[32], const unsigned char server_random[32], mbedtls_tls_prf_types prf);
  std::array<std::uint8_t, 48> master_secret_{};
  std::array<std::uint8_t, 64> randoms_{};  // server's, client's
  mbedtls_tls_prf_types prf_ = MBEDTLS_SSL_TLS_PRF_NONE;
#else
  static int on_key_block(void*, const unsigned char* master_secret, const unsigned char* block, std::size_t mac, std::size_t key, std::size_t iv,
                          const unsigned char client_random[32], const unsigned char server_random[32], mbedtls_tls_prf_types prf);
  std::array<std::uint8_t, kBlockMax> block_{};
  std::size_t block_bytes_ = 0;
#endif
};

}  // namespace van::tls
