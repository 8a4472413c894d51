#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "core/base/slice.h"
#include "core/tls/aead.h"

namespace van::tls {

/// What both ends of a TLS 1.2 connection with an AEAD suite protect their records with (RFC 5246 §6.3). Wiped at the end.
struct TrafficKeys {
  struct Side {
    std::array<std::uint8_t, 32> key{};
    std::array<std::uint8_t, kAeadIvBytes> iv{};  ///< AES-GCM uses the first four bytes (RFC 5288 §3)
  };
  Aead::Kind kind = Aead::Kind::aes_128_gcm;
  Side client, server;

  /// From the key block of RFC 5246 §6.3, of which there must be block_bytes(kind).
  static TrafficKeys from_block(Aead::Kind kind, ByteView block);
  [[nodiscard]] static std::size_t block_bytes(Aead::Kind kind);
  /// The kind that a suite of ours has, by the library's name of it.
  [[nodiscard]] static std::optional<Aead::Kind> kind_of(std::string_view suite);

  TrafficKeys() = default;
  TrafficKeys(const TrafficKeys&) = default;
  TrafficKeys& operator=(const TrafficKeys&) = default;
  ~TrafficKeys();
};

/// The records of one TLS 1.2 connection from the first one after both Finished on (tls-records part B): RFC 5246 §6.2.3.3
/// with RFC 5288 or RFC 7905. No I/O. After a failure or a fatal alert nothing is sealed or opened any more.
class RecordLayer {
 public:
  /// Plaintext of one record, at most; RFC 5246 §6.2.1.
  static constexpr std::size_t kPlaintextMax = 16384;

  /// `server`: which side we are. `plaintext_max`: of the records that we seal, what the peer asked for. Null when libcrypto refuses.
  static std::unique_ptr<RecordLayer> create(const TrafficKeys& keys, bool server, std::size_t plaintext_max);

  /// Seals from the front of `plaintext`, in records that gather small slices, until it is empty or `out` holds `limit` bytes.
  /// False: libcrypto failed, or kRecordsMax is reached.
  bool seal(SliceQueue& plaintext, SliceQueue& out, std::size_t limit);
  void close_notify(SliceQueue& out);

  struct Incomplete {};  ///< there is no whole record in the input
  struct Closed {};      ///< the peer's close_notify
  /// The connection is over. `alert`: that the peer has sent, or that `out` has for it.
  struct Failed {
    std::uint8_t alert = 0;
    bool by_peer = false;
  };
  using Opened = std::variant<Incomplete, Slice, Closed, Failed>;
  /// Takes the next record with data off `in`, whose octets are overwritten: they must be nobody else's. Alerts in answer to what
  /// came go to `out`.
  Opened open(SliceQueue& in, SliceQueue& out);

  [[nodiscard]] std::uint64_t sealed() const { return sealing_.sequence; }
  [[nodiscard]] std::uint64_t opened() const { return opening_.sequence; }

  /// A key seals no more than 2^24.5 records, rounded down (tls-records B5).
  static constexpr std::uint64_t kRecordsMax = 23'726'566;

 private:
  struct Direction {
    Aead aead;
    std::array<std::uint8_t, kAeadIvBytes> iv;
    std::uint64_t sequence = 1;  // Finished was 0
  };
  struct Header {
    std::uint8_t type = 0;
    std::size_t length = 0;
  };

  RecordLayer(Direction sealing, Direction opening, bool explicit_nonce, std::size_t plaintext_max);

  bool seal_record(std::uint8_t type, SliceQueue& plaintext, std::size_t count, std::uint8_t* record);
  void send_alert(std::uint8_t level, std::uint8_t description, SliceQueue& out);
  Failed fail(std::uint8_t alert, SliceQueue& out);
  [[nodiscard]] std::optional<std::uint8_t> judge(const Header& header, ByteView version) const;
  std::optional<Slice> open_body(const Header& header, SliceQueue& in);
  std::optional<Opened> on_alert(ByteView alert, SliceQueue& out);
  [[nodiscard]] std::size_t overhead() const { return explicit_bytes_ + kAeadTagBytes; }
  [[nodiscard]] std::array<std::uint8_t, kAeadIvBytes> nonce(const Direction& direction, const std::uint8_t* explicit_part) const;

  Direction sealing_, opening_;
  std::size_t explicit_bytes_;
  std::size_t plaintext_max_;
  BlockWriter blocks_;
  BlockWriter joined_;
  bool over_ = false, close_sent_ = false, renegotiation_refused_ = false;
  unsigned empty_records_ = 0, warnings_ = 0;
};

}  // namespace van::tls
