#include "core/tls/key_export.h"

#include <mbedtls/platform_util.h>

#include <algorithm>

namespace van::tls {

#if MBEDTLS_VERSION_MAJOR >= 3

KeyExport::~KeyExport() { mbedtls_platform_zeroize(master_secret_.data(), master_secret_.size()); }

void KeyExport::enable(mbedtls_ssl_config&) {}

void KeyExport::watch(mbedtls_ssl_context& ssl) { mbedtls_ssl_set_export_keys_cb(&ssl, on_secret, this); }

int KeyExport::handshake(mbedtls_ssl_context& ssl) { return mbedtls_ssl_handshake(&ssl); }

void KeyExport::on_secret(void* self, mbedtls_ssl_key_export_type type, const unsigned char* secret, std::size_t count,
                          const unsigned char client_random[32], const unsigned char server_random[32], mbedtls_tls_prf_types prf) {
  KeyExport& keys = *static_cast<KeyExport*>(self);
  if (type != MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET || count != keys.master_secret_.size()) return;
  ++keys.told_;
  std::copy_n(secret, count, keys.master_secret_.begin());
  std::copy_n(server_random, 32, keys.randoms_.begin());
  std::copy_n(client_random, 32, keys.randoms_.begin() + 32);
  keys.prf_ = prf;
}

std::optional<TrafficKeys> KeyExport::traffic_keys(Aead::Kind kind) const {
  if (told_ != 1) return std::nullopt;
  std::array<std::uint8_t, kBlockMax> block{};
  const int result = mbedtls_ssl_tls_prf(prf_, master_secret_.data(), master_secret_.size(), "key expansion", randoms_.data(), randoms_.size(),
                                         block.data(), TrafficKeys::block_bytes(kind));
  std::optional<TrafficKeys> keys;
  if (result == 0) keys = TrafficKeys::from_block(kind, block);
  mbedtls_platform_zeroize(block.data(), block.size());
  return keys;
}

#else

namespace {

// The library calls back by configuration, which connections share: who shakes hands on this thread now.
thread_local KeyExport* shaking = nullptr;

}  // namespace

KeyExport::~KeyExport() { mbedtls_platform_zeroize(block_.data(), block_.size()); }

void KeyExport::enable(mbedtls_ssl_config& config) { mbedtls_ssl_conf_export_keys_ext_cb(&config, on_key_block, nullptr); }

void KeyExport::watch(mbedtls_ssl_context&) {}

int KeyExport::handshake(mbedtls_ssl_context& ssl) {
  shaking = this;
  const int result = mbedtls_ssl_handshake(&ssl);
  shaking = nullptr;
  return result;
}

int KeyExport::on_key_block(void*, const unsigned char*, const unsigned char* block, std::size_t mac, std::size_t key, std::size_t iv,
                            const unsigned char*, const unsigned char*, mbedtls_tls_prf_types) {
  const std::size_t count = 2 * (key + iv);
  if (shaking == nullptr || mac != 0 || count > kBlockMax) return 0;
  ++shaking->told_;
  shaking->block_bytes_ = count;
  std::copy_n(block, count, shaking->block_.begin());
  return 0;
}

std::optional<TrafficKeys> KeyExport::traffic_keys(Aead::Kind kind) const {
  if (told_ != 1 || block_bytes_ != TrafficKeys::block_bytes(kind)) return std::nullopt;
  return TrafficKeys::from_block(kind, block_);
}

#endif

}  // namespace van::tls
