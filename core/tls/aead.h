#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/base/bytes.h"

namespace van::tls {

inline constexpr std::size_t kAeadIvBytes = 12;
inline constexpr std::size_t kAeadTagBytes = 16;

/// Authenticated encryption by libcrypto, one object per key and direction. For one thread at a time. Wipes its key.
class Aead {
 public:
  enum class Kind { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };
  enum class Direction { open = 0, seal = 1 };
  using Iv = std::span<const std::uint8_t, kAeadIvBytes>;

  [[nodiscard]] static std::size_t key_bytes(Kind kind);
  /// `key`: key_bytes(kind) of them. Nullopt when libcrypto refuses.
  static std::optional<Aead> create(Kind kind, Direction direction, ByteView key);
  Aead(Aead&&) noexcept;
  Aead& operator=(Aead&&) noexcept;
  ~Aead();

  /// A text in as many parts as one likes: begin(), update() for each, then end(). All of them: false when libcrypto fails.
  bool begin(Iv iv, ByteView aad);
  /// `out`: in.size() bytes; may be `in` itself, no other overlap.
  bool update(ByteView in, std::uint8_t* out);
  /// To seal: writes the tag.
  bool end(std::span<std::uint8_t, kAeadTagBytes> tag);
  /// To open: false when the tag is wrong; what update() wrote must then not be used.
  bool end_if(std::span<const std::uint8_t, kAeadTagBytes> tag);

 private:
  struct Context;
  explicit Aead(std::unique_ptr<Context> context);

  std::unique_ptr<Context> context_;
};

/// Texts begun by all Aead of the process, for the self-check only.
std::uint64_t aead_operations();

}  // namespace van::tls
