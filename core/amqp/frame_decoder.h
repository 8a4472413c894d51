#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/amqp/error.h"
#include "core/base/slice.h"

namespace van::amqp {

/// The 8 bytes that begin a layer: AMQP 1.0 §2.2, §5.3.2.
struct ProtocolHeader {
  static constexpr std::size_t kSize = 8;
  std::uint8_t id = 0;  ///< 0: AMQP, 2: TLS, 3: SASL
  std::uint8_t major = 1;
  std::uint8_t minor = 0;
  std::uint8_t revision = 0;
  [[nodiscard]] std::array<std::uint8_t, kSize> encode() const;
  friend bool operator==(const ProtocolHeader&, const ProtocolHeader&) = default;
};
inline constexpr ProtocolHeader kAmqpHeader{.id = 0};
inline constexpr ProtocolHeader kSaslHeader{.id = 3};

/// A frame: AMQP 1.0 §2.3. Its body is what follows the extended header; it may be empty.
struct Frame {
  static constexpr std::uint8_t kAmqp = 0, kSasl = 1;
  std::uint8_t type = kAmqp;
  std::uint16_t channel = 0;  ///< of no meaning in SASL frames
  Slice body;
};

/// Cuts a byte stream into protocol headers and frames: AMQP 1.0 §2.2, §2.3.1. Knows framing only, not what is in the
/// body.
///
/// Feed it with push() in any split, then call next() (or next_header() where a header is due) until it returns
/// nullopt. A frame inside one slice shares its block; one that spans slices is copied. After an error the stream has
/// no boundary any more: close the connection with that error, push nothing else. What is buffered is what was pushed
/// and not taken; a frame that is not whole is at most `max_frame_bytes` of it.
class FrameDecoder {
 public:
  /// `max_frame_bytes`: the max-frame-size we announced, header included; 512 or more (§2.7.1).
  explicit FrameDecoder(std::uint32_t max_frame_bytes);
  /// Takes effect with the next frame: SASL frames are at most 512 bytes (§5.3.1).
  void set_max_frame_bytes(std::uint32_t max_frame_bytes);

  void push(Slice bytes);
  /// The protocol header that is due. Which id and version are welcome is the caller's to judge.
  /// Errors: framing_error as soon as the bytes are no beginning of "AMQP".
  Result<std::optional<ProtocolHeader>> next_header();
  /// The next whole frame. Errors: framing_error when size < 8, size > max_frame_bytes, or the data offset is outside
  /// it, said before the body has come.
  Result<std::optional<Frame>> next();
  [[nodiscard]] std::size_t buffered_bytes() const { return input_.bytes(); }

 private:
  Slice take(std::size_t count);

  SliceQueue input_;
  std::uint32_t max_frame_bytes_;
};

}  // namespace van::amqp
