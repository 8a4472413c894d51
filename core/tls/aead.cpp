#include "core/tls/aead.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <atomic>
#include <limits>
#include <utility>

#include "core/base/assert.h"

namespace van::tls {
namespace {

std::atomic<std::uint64_t> operations{0};

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }  // wipes the key
};

bool fits(std::size_t count) { return count <= static_cast<std::size_t>(std::numeric_limits<int>::max()); }

const EVP_CIPHER* cipher_of(Aead::Kind kind) {
  switch (kind) {
    case Aead::Kind::aes_128_gcm:
      return EVP_aes_128_gcm();
    case Aead::Kind::aes_256_gcm:
      return EVP_aes_256_gcm();
    case Aead::Kind::chacha20_poly1305:
      return EVP_chacha20_poly1305();
  }
  return nullptr;
}

}  // namespace

struct Aead::Context {
  std::unique_ptr<EVP_CIPHER_CTX, FreeContext> cipher;
};

Aead::Aead(std::unique_ptr<Context> context) : context_{std::move(context)} {}
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;
Aead::~Aead() = default;

std::size_t Aead::key_bytes(Kind kind) { return kind == Kind::aes_128_gcm ? 16 : 32; }

std::optional<Aead> Aead::create(Kind kind, Direction direction, ByteView key) {
  VAN_ASSERT(key.size() == key_bytes(kind));
  // No configuration file: it could replace the cipher below us.
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1) return std::nullopt;
  auto context = std::make_unique<Context>();
  context->cipher.reset(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* cipher = context->cipher.get();
  if (cipher == nullptr || EVP_CipherInit_ex(cipher, cipher_of(kind), nullptr, key.data(), nullptr, static_cast<int>(direction)) != 1) {
    return std::nullopt;
  }
  return Aead{std::move(context)};
}

bool Aead::begin(Iv iv, ByteView aad) {
  operations.fetch_add(1, std::memory_order_relaxed);
  EVP_CIPHER_CTX* cipher = context_->cipher.get();
  int count = 0;
  if (!fits(aad.size()) || EVP_CipherInit_ex(cipher, nullptr, nullptr, nullptr, iv.data(), -1) != 1) return false;
  return aad.empty() || EVP_CipherUpdate(cipher, nullptr, &count, aad.data(), static_cast<int>(aad.size())) == 1;
}

bool Aead::update(ByteView in, std::uint8_t* out) {
  int count = 0;
  if (!fits(in.size())) return false;
  return in.empty() || EVP_CipherUpdate(context_->cipher.get(), out, &count, in.data(), static_cast<int>(in.size())) == 1;
}

bool Aead::end(std::span<std::uint8_t, kAeadTagBytes> tag) {
  std::uint8_t rest[kAeadTagBytes];
  int count = 0;
  return EVP_CipherFinal_ex(context_->cipher.get(), rest, &count) == 1 &&
         EVP_CIPHER_CTX_ctrl(context_->cipher.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) == 1;
}

bool Aead::end_if(std::span<const std::uint8_t, kAeadTagBytes> tag) {
  auto* expected = const_cast<std::uint8_t*>(tag.data());  // libcrypto only reads it
  if (EVP_CIPHER_CTX_ctrl(context_->cipher.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()), expected) != 1) return false;
  std::uint8_t rest[kAeadTagBytes];
  int count = 0;
  return EVP_CipherFinal_ex(context_->cipher.get(), rest, &count) > 0;
}

std::uint64_t aead_operations() { return operations.load(std::memory_order_relaxed); }

}  // namespace van::tls
