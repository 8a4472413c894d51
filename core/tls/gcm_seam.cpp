// mbedTLS reaches AES-GCM only through the functions of mbedtls/gcm.h. Defined here, in an object on the link line of
// every program, they take the place of the library's own, for TLS 1.2 and 1.3 alike (tls-records part A). Every
// function of the module must be here: the library's share a structure that ours don't have.
#include <mbedtls/cipher.h>
#include <mbedtls/gcm.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/version.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <optional>

#include "core/tls/aead.h"
#include "core/tls/self_check.h"

static_assert(MBEDTLS_VERSION_MAJOR == 2 || MBEDTLS_VERSION_MAJOR == 3, "compare with the functions of mbedtls/gcm.h");
static_assert(sizeof(mbedtls_gcm_context) >= sizeof(void*));

// Visible although the project hides its symbols: a shared mbedTLS must find them.
#define VAN_SEAM extern "C" __attribute__((visibility("default"), used))

namespace {

using van::tls::Aead;

// The library uses a key in one direction and does not say in which: the other one is never made.
struct Gcm {
  std::array<std::uint8_t, 32> key{};
  std::size_t key_bytes = 0;
  std::optional<Aead> sealing, opening;
  ~Gcm() { mbedtls_platform_zeroize(key.data(), key.size()); }

  Aead* get(std::optional<Aead>& aead, Aead::Direction direction) {
    const Aead::Kind kind = key_bytes == 16 ? Aead::Kind::aes_128_gcm : Aead::Kind::aes_256_gcm;
    if (!aead) aead = Aead::create(kind, direction, van::ByteView{key}.first(key_bytes));
    return aead ? &*aead : nullptr;
  }
};

// The caller's structure begins with our pointer, and we use nothing else of it.
Gcm* gcm_of(const mbedtls_gcm_context* context) {
  Gcm* gcm = nullptr;
  std::memcpy(&gcm, context, sizeof gcm);
  return gcm;
}

void put(mbedtls_gcm_context* context, Gcm* gcm) { std::memcpy(static_cast<void*>(context), &gcm, sizeof gcm); }

bool is_record_form(std::size_t iv_len, std::size_t tag_len) {
  return iv_len == van::tls::kAeadIvBytes && tag_len == van::tls::kAeadTagBytes;
}

}  // namespace

VAN_SEAM void mbedtls_gcm_init(mbedtls_gcm_context* ctx) { put(ctx, nullptr); }

VAN_SEAM void mbedtls_gcm_free(mbedtls_gcm_context* ctx) {
  if (ctx == nullptr) return;
  delete gcm_of(ctx);
  put(ctx, nullptr);
}

VAN_SEAM int mbedtls_gcm_setkey(mbedtls_gcm_context* ctx, mbedtls_cipher_id_t cipher, const unsigned char* key, unsigned int keybits) {
  if (cipher != MBEDTLS_CIPHER_ID_AES || (keybits != 128 && keybits != 256)) return MBEDTLS_ERR_GCM_BAD_INPUT;
  mbedtls_gcm_free(ctx);  // a context may get a second key
  auto* gcm = new (std::nothrow) Gcm;
  if (gcm == nullptr) return MBEDTLS_ERR_GCM_BAD_INPUT;
  gcm->key_bytes = keybits / 8;
  std::copy_n(key, gcm->key_bytes, gcm->key.begin());
  put(ctx, gcm);
  return 0;
}

VAN_SEAM int mbedtls_gcm_crypt_and_tag(mbedtls_gcm_context* ctx, int mode, size_t length, const unsigned char* iv, size_t iv_len,
                                       const unsigned char* add, size_t add_len, const unsigned char* input,
                                       unsigned char* output, size_t tag_len, unsigned char* tag) {
  Gcm* gcm = gcm_of(ctx);
  // Decrypting without a look at the tag is what this function would do in the other mode.
  if (gcm == nullptr || mode != MBEDTLS_GCM_ENCRYPT || !is_record_form(iv_len, tag_len)) return MBEDTLS_ERR_GCM_BAD_INPUT;
  Aead* aead = gcm->get(gcm->sealing, Aead::Direction::seal);
  const std::span<std::uint8_t, van::tls::kAeadTagBytes> tag_out{tag, tag_len};
  const bool sealed = aead != nullptr && aead->begin(Aead::Iv{iv, iv_len}, {add, add_len}) && aead->update({input, length}, output) && aead->end(tag_out);
  return sealed ? 0 : MBEDTLS_ERR_GCM_BAD_INPUT;
}

VAN_SEAM int mbedtls_gcm_auth_decrypt(mbedtls_gcm_context* ctx, size_t length, const unsigned char* iv, size_t iv_len,
                                      const unsigned char* add, size_t add_len, const unsigned char* tag, size_t tag_len,
                                      const unsigned char* input, unsigned char* output) {
  Gcm* gcm = gcm_of(ctx);
  if (gcm == nullptr || !is_record_form(iv_len, tag_len)) return MBEDTLS_ERR_GCM_BAD_INPUT;
  Aead* aead = gcm->get(gcm->opening, Aead::Direction::open);
  const std::span<const std::uint8_t, van::tls::kAeadTagBytes> tag_in{tag, tag_len};
  if (aead != nullptr && aead->begin(Aead::Iv{iv, iv_len}, {add, add_len}) && aead->update({input, length}, output) && aead->end_if(tag_in)) return 0;
  if (length > 0) mbedtls_platform_zeroize(output, length);
  return MBEDTLS_ERR_GCM_AUTH_FAILED;
}

// Piece by piece nobody encrypts here: neither TLS nor its tickets do.
#if MBEDTLS_VERSION_MAJOR >= 3
VAN_SEAM int mbedtls_gcm_starts(mbedtls_gcm_context*, int, const unsigned char*, size_t) { return MBEDTLS_ERR_GCM_BAD_INPUT; }
VAN_SEAM int mbedtls_gcm_update_ad(mbedtls_gcm_context*, const unsigned char*, size_t) { return MBEDTLS_ERR_GCM_BAD_INPUT; }
VAN_SEAM int mbedtls_gcm_update(mbedtls_gcm_context*, const unsigned char*, size_t, unsigned char*, size_t, size_t*) {
  return MBEDTLS_ERR_GCM_BAD_INPUT;
}
VAN_SEAM int mbedtls_gcm_finish(mbedtls_gcm_context*, unsigned char*, size_t, size_t*, unsigned char*, size_t) {
  return MBEDTLS_ERR_GCM_BAD_INPUT;
}
#else
VAN_SEAM int mbedtls_gcm_starts(mbedtls_gcm_context*, int, const unsigned char*, size_t, const unsigned char*, size_t) {
  return MBEDTLS_ERR_GCM_BAD_INPUT;
}
VAN_SEAM int mbedtls_gcm_update(mbedtls_gcm_context*, size_t, const unsigned char*, unsigned char*) { return MBEDTLS_ERR_GCM_BAD_INPUT; }
VAN_SEAM int mbedtls_gcm_finish(mbedtls_gcm_context*, unsigned char*, size_t) { return MBEDTLS_ERR_GCM_BAD_INPUT; }
#endif

#if defined(MBEDTLS_SELF_TEST)
VAN_SEAM int mbedtls_gcm_self_test(int) { return van::tls::run_self_check().vector_ok ? 0 : 1; }
#endif
