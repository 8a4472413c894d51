#pragma once

#include <cstdint>
#include <optional>

#include "core/amqp/frame_decoder.h"
#include "core/amqp/performatives.h"
#include "core/base/clock.h"
#include "core/base/slice.h"

namespace van::amqp {

/// The way out: frames become slices of the output queue. Payload is passed on, not copied, but for what is short.
class Wire {
 public:
  explicit Wire(TimePoint now) : now_{now}, last_write_{now} {}

  // ---- What is before the frames of sessions: never held ----
  void write_header(ProtocolHeader header);
  void write_sasl(const Performative& performative);
  /// Our open; frames written earlier follow it.
  void write_open(const Open& open);
  void write_empty();

  // ---- Frames of sessions: held until our open is out ----
  /// False, and nothing is written, when the frame is larger than the peer takes.
  [[nodiscard]] bool try_write(std::uint16_t channel, const Performative& performative);
  /// The same, for frames that the protocol owes the peer. Errors and states lose their details if that makes them fit;
  /// what remains too large sets overflowed().
  void write(std::uint16_t channel, Performative performative);
  /// The same. Those that say the same of one delivery after the other become one frame with a range (§2.7.6), which goes out behind the
  /// transfers written meanwhile, and before any other frame.
  void write(std::uint16_t channel, Disposition disposition);
  [[nodiscard]] bool overflowed() const { return overflowed_; }

  /// Octets of payload that fit into one frame behind this transfer.
  [[nodiscard]] std::size_t transfer_room(std::uint16_t channel, const Transfer& transfer) const;
  /// Moves `count` bytes of `payload` into a transfer frame; count <= transfer_room().
  void write_transfer(std::uint16_t channel, const Transfer& transfer, SliceQueue& payload, std::size_t count);

  /// The peer's limit, once its open is known; until then ours is taken for it.
  void set_max_frame_size(std::uint32_t bytes) { max_frame_size_ = bytes; }
  [[nodiscard]] std::uint32_t max_frame_size() const { return max_frame_size_; }

  [[nodiscard]] SliceQueue& output() {
    flush_disposition();
    return output_;
  }
  [[nodiscard]] std::size_t output_bytes() const { return output_.bytes(); }  ///< without a disposition that is still collected
  void set_now(TimePoint now) { now_ = now; }
  /// Never later than the last write: writing has no time of its own, so it counts as done at the input before it.
  [[nodiscard]] TimePoint last_write() const { return last_write_; }
  [[nodiscard]] TimePoint now() const { return now_; }

 private:
  bool encode(std::uint16_t channel, std::uint8_t type, const Performative& performative);
  bool extend_disposition(std::uint16_t channel, const Disposition& disposition);
  void flush_disposition();
  void push_copy(ByteView bytes, SliceQueue& to);

  SliceQueue output_;
  SliceQueue held_;
  struct Collected {
    std::uint16_t channel;
    Disposition disposition;
  };
  std::optional<Collected> collected_;
  bool open_written_ = false;
  bool overflowed_ = false;
  std::uint32_t max_frame_size_ = limits::kMaxFrameSize;
  BlockWriter headers_{kHeaderBlockBytes};
  Bytes scratch_;
  TimePoint now_;
  TimePoint last_write_;

  static constexpr std::size_t kHeaderBlockBytes = 4096;
};

}  // namespace van::amqp
