#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/base/bytes.h"

namespace van::tls {

inline constexpr std::size_t kGcmIvBytes = 12;
inline constexpr std::size_t kGcmTagBytes = 16;

/// AES-GCM by libcrypto, one object per key; the only user is gcm_seam.cpp. For one thread at a time. Wipes its keys.
class FastGcm {
 public:
  /// `key`: 16 or 32 bytes. Null when libcrypto refuses.
  static std::unique_ptr<FastGcm> create(ByteView key);
  ~FastGcm();
  FastGcm(const FastGcm&) = delete;
  FastGcm& operator=(const FastGcm&) = delete;

  /// `out`: in.size() bytes; may be `in` itself, no other overlap. False when libcrypto fails.
  bool seal(std::span<const std::uint8_t, kGcmIvBytes> iv, ByteView aad, ByteView in, std::uint8_t* out,
            std::span<std::uint8_t, kGcmTagBytes> tag);
  /// False when the tag is wrong: what is in `out` then must not be used.
  bool open(std::span<const std::uint8_t, kGcmIvBytes> iv, ByteView aad, ByteView in, std::uint8_t* out,
            std::span<const std::uint8_t, kGcmTagBytes> tag);

 private:
  struct State;
  explicit FastGcm(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

/// Records sealed and opened by all FastGcm of the process, for the self-check only.
std::uint64_t fast_gcm_operations();

}  // namespace van::tls
