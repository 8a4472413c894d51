#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/amqp/connection.h"
#include "core/amqp/delivery_state.h"
#include "core/amqp/error.h"
#include "core/amqp/value.h"
#include "core/base/bytes.h"

namespace van::amqp {

// The frame bodies of AMQP 1.0 §2.7 and §5.3.3, with the standard's names and defaults; std::optional where absent
// means something. A list field with multiple="true" is empty when absent. `role` is that of the sender of the
// performative.

struct Open {  ///< §2.7.1
  std::string container_id{};
  std::optional<std::string> hostname{};
  std::uint32_t max_frame_size = 0xFFFFFFFF;
  std::uint16_t channel_max = 65535;
  std::optional<std::uint32_t> idle_time_out{};  ///< milliseconds
  std::vector<std::string> outgoing_locales{};
  std::vector<std::string> incoming_locales{};
  std::vector<std::string> offered_capabilities{};
  std::vector<std::string> desired_capabilities{};
  Map properties{};
  friend bool operator==(const Open&, const Open&) = default;
};

struct Begin {  ///< §2.7.2
  std::optional<std::uint16_t> remote_channel{};
  std::uint32_t next_outgoing_id = 0;
  std::uint32_t incoming_window = 0;
  std::uint32_t outgoing_window = 0;
  std::uint32_t handle_max = 0xFFFFFFFF;
  std::vector<std::string> offered_capabilities{};
  std::vector<std::string> desired_capabilities{};
  Map properties{};
  friend bool operator==(const Begin&, const Begin&) = default;
};

struct Attach {  ///< §2.7.3
  std::string name{};
  std::uint32_t handle = 0;
  LinkRole role = LinkRole::sender;
  SenderSettleMode snd_settle_mode = SenderSettleMode::mixed;
  ReceiverSettleMode rcv_settle_mode = ReceiverSettleMode::first;
  std::optional<Terminus> source{};
  std::optional<Terminus> target{};
  /// Descriptor of a target that is no target of §3.5.4 (a transaction coordinator: 0x30); then `target` is nullopt,
  /// and the link is to be refused. Never written.
  std::optional<std::uint64_t> other_target{};
  Map unsettled{};
  bool incomplete_unsettled = false;
  std::optional<std::uint32_t> initial_delivery_count{};  ///< present whenever role is sender: checked on decoding
  std::optional<std::uint64_t> max_message_size{};
  std::vector<std::string> offered_capabilities{};
  std::vector<std::string> desired_capabilities{};
  Map properties{};
  friend bool operator==(const Attach&, const Attach&) = default;
};

struct Flow {  ///< §2.7.4; with a handle, delivery_count, link_credit, available, drain are the link's
  std::optional<std::uint32_t> next_incoming_id{};
  std::uint32_t incoming_window = 0;
  std::uint32_t next_outgoing_id = 0;
  std::uint32_t outgoing_window = 0;
  std::optional<std::uint32_t> handle{};
  std::optional<std::uint32_t> delivery_count{};
  std::optional<std::uint32_t> link_credit{};
  std::optional<std::uint32_t> available{};
  bool drain = false;
  bool echo = false;
  Map properties{};
  friend bool operator==(const Flow&, const Flow&) = default;
};

/// A delivery-tag (§2.8.7): 0 to 32 octets, kept in place.
struct TagOctets {
  static constexpr std::size_t kMax = 32;
  std::array<std::uint8_t, kMax> octets{};
  std::uint8_t size = 0;
  /// Asserts that `tag` has at most kMax octets.
  static TagOctets of(ByteView tag);
  [[nodiscard]] ByteView view() const { return ByteView{octets}.first(size); }
  friend bool operator==(const TagOctets&, const TagOctets&) = default;
};

struct Transfer {  ///< §2.7.5; its payload follows the performative in the frame
  std::uint32_t handle = 0;
  std::optional<std::uint32_t> delivery_id{};
  std::optional<TagOctets> delivery_tag{};
  std::optional<std::uint32_t> message_format{};
  std::optional<bool> settled{};
  bool more = false;
  std::optional<ReceiverSettleMode> rcv_settle_mode{};
  std::optional<DeliveryState> state{};
  bool resume = false;
  bool aborted = false;
  bool batchable = false;
  friend bool operator==(const Transfer&, const Transfer&) = default;
};

struct Disposition {  ///< §2.7.6
  LinkRole role = LinkRole::sender;
  std::uint32_t first = 0;
  std::optional<std::uint32_t> last{};  ///< absent: the same as first
  bool settled = false;
  std::optional<DeliveryState> state{};
  bool batchable = false;
  friend bool operator==(const Disposition&, const Disposition&) = default;
};

struct Detach {  ///< §2.7.7
  std::uint32_t handle = 0;
  bool closed = false;
  std::optional<Error> error{};
  friend bool operator==(const Detach&, const Detach&) = default;
};

struct End {  ///< §2.7.8
  std::optional<Error> error{};
  friend bool operator==(const End&, const End&) = default;
};

struct Close {  ///< §2.7.9
  std::optional<Error> error{};
  friend bool operator==(const Close&, const Close&) = default;
};

struct SaslMechanisms {  ///< §5.3.3.1; written as an array whatever the number
  std::vector<std::string> mechanisms{};
  friend bool operator==(const SaslMechanisms&, const SaslMechanisms&) = default;
};

struct SaslInit {  ///< §5.3.3.2
  std::string mechanism{};
  std::optional<Binary> initial_response{};
  std::optional<std::string> hostname{};
  friend bool operator==(const SaslInit&, const SaslInit&) = default;
};

struct SaslChallenge {  ///< §5.3.3.3
  Binary challenge{};
  friend bool operator==(const SaslChallenge&, const SaslChallenge&) = default;
};

struct SaslResponse {  ///< §5.3.3.4
  Binary response{};
  friend bool operator==(const SaslResponse&, const SaslResponse&) = default;
};

enum class SaslCode : std::uint8_t { ok = 0, auth = 1, sys = 2, sys_perm = 3, sys_temp = 4 };  ///< §5.3.3.6

struct SaslOutcome {  ///< §5.3.3.5
  SaslCode code = SaslCode::ok;
  std::optional<Binary> additional_data{};
  friend bool operator==(const SaslOutcome&, const SaslOutcome&) = default;
};

using Performative = std::variant<Open, Begin, Attach, Flow, Transfer, Disposition, Detach, End, Close, SaslMechanisms,
                                  SaslInit, SaslChallenge, SaslResponse, SaslOutcome>;

struct DecodedPerformative {
  Performative performative;
  std::size_t bytes = 0;  ///< taken from the body: a transfer's payload is the rest
};
/// The performative at the beginning of a frame body. Whether its kind is legal in a SASL or AMQP frame is the caller's
/// to judge, and so are bytes left over behind anything but a transfer.
/// Errors: decode_error for a missing mandatory field, a wrong type or what decode_value() refuses; invalid_field for a
/// value outside its enumeration, a tag above 32 octets, a max-frame-size below 512, an attach of a sender without
/// initial-delivery-count, link fields in a flow without handle, a non-text address; not_implemented for an unknown
/// performative.
Result<DecodedPerformative> decode_performative(ByteView body);

/// Appends the performative's described list to `out`, without a frame header.
void encode_performative(const Performative& performative, Bytes& out);

/// A whole frame (§2.3.1): type 1 for SASL performatives (the channel is then 0), else type 0.
Bytes encode_frame(std::uint16_t channel, const Performative& performative);

/// Enough for every transfer header of encode_transfer_header().
inline constexpr std::size_t kTransferHeaderMax = 80;
/// The data path's way to write a transfer frame: frame header and performative into `out`, as if `payload_size` octets
/// followed. Returns the bytes written. Asserts that `out` has kTransferHeaderMax bytes and that there is no state.
std::size_t encode_transfer_header(std::span<std::uint8_t> out, std::uint16_t channel, const Transfer& transfer,
                                   std::size_t payload_size);

/// The frame that only keeps a connection alive (§2.4.5).
inline constexpr std::array<std::uint8_t, 8> kEmptyFrame{0, 0, 0, 8, 2, 0, 0, 0};

}  // namespace van::amqp
