#include "core/tls/fast_gcm.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>

#include "core/base/assert.h"

namespace van::tls {
namespace {

std::atomic<std::uint64_t> operations{0};

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }  // wipes the key
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

constexpr bool fits(std::size_t count) { return count <= static_cast<std::size_t>(std::numeric_limits<int>::max()); }

enum class Direction { open = 0, seal = 1 };

/// One record through a context that has its key: the additional data, then the text.
bool run(EVP_CIPHER_CTX* context, Direction direction, const std::uint8_t* iv, ByteView aad, ByteView in, std::uint8_t* out) {
  if (!fits(aad.size()) || !fits(in.size())) return false;
  int count = 0;
  if (EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv, static_cast<int>(direction)) != 1) return false;
  if (!aad.empty() && EVP_CipherUpdate(context, nullptr, &count, aad.data(), static_cast<int>(aad.size())) != 1) return false;
  return in.empty() || EVP_CipherUpdate(context, out, &count, in.data(), static_cast<int>(in.size())) == 1;
}

}  // namespace

struct FastGcm::State {
  std::array<std::uint8_t, 32> key{};
  std::size_t key_bytes = 0;
  CipherContext contexts[2];  // made when a direction is first used: a connection's key has only one

  ~State() { OPENSSL_cleanse(key.data(), key.size()); }

  EVP_CIPHER_CTX* context(Direction direction) {
    CipherContext& context = contexts[static_cast<int>(direction)];
    if (context != nullptr) return context.get();
    CipherContext fresh{EVP_CIPHER_CTX_new()};
    const EVP_CIPHER* cipher = key_bytes == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    if (fresh == nullptr || EVP_CipherInit_ex(fresh.get(), cipher, nullptr, key.data(), nullptr, static_cast<int>(direction)) != 1) {
      return nullptr;
    }
    context = std::move(fresh);
    return context.get();
  }
};

FastGcm::FastGcm(std::unique_ptr<State> state) : state_{std::move(state)} {}
FastGcm::~FastGcm() = default;

std::unique_ptr<FastGcm> FastGcm::create(ByteView key) {
  VAN_ASSERT(key.size() == 16 || key.size() == 32);
  // No configuration file: it could replace the cipher below us.
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1) return nullptr;
  auto state = std::make_unique<State>();
  std::copy(key.begin(), key.end(), state->key.begin());
  state->key_bytes = key.size();
  return std::unique_ptr<FastGcm>{new FastGcm{std::move(state)}};
}

bool FastGcm::seal(std::span<const std::uint8_t, kGcmIvBytes> iv, ByteView aad, ByteView in, std::uint8_t* out,
                   std::span<std::uint8_t, kGcmTagBytes> tag) {
  operations.fetch_add(1, std::memory_order_relaxed);
  EVP_CIPHER_CTX* context = state_->context(Direction::seal);
  if (context == nullptr || !run(context, Direction::seal, iv.data(), aad, in, out)) return false;
  std::uint8_t rest[16];
  int count = 0;
  return EVP_CipherFinal_ex(context, rest, &count) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) == 1;
}

bool FastGcm::open(std::span<const std::uint8_t, kGcmIvBytes> iv, ByteView aad, ByteView in, std::uint8_t* out,
                   std::span<const std::uint8_t, kGcmTagBytes> tag) {
  operations.fetch_add(1, std::memory_order_relaxed);
  EVP_CIPHER_CTX* context = state_->context(Direction::open);
  if (context == nullptr || !run(context, Direction::open, iv.data(), aad, in, out)) return false;
  auto* expected = const_cast<std::uint8_t*>(tag.data());  // libcrypto only reads it
  if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()), expected) != 1) return false;
  std::uint8_t rest[16];
  int count = 0;
  return EVP_CipherFinal_ex(context, rest, &count) > 0;
}

std::uint64_t fast_gcm_operations() { return operations.load(std::memory_order_relaxed); }

}  // namespace van::tls
