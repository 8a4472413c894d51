#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/amqp/delivery_state.h"
#include "core/amqp/error.h"
#include "core/amqp/value.h"
#include "core/base/clock.h"
#include "core/base/id.h"
#include "core/base/limits.h"
#include "core/base/slice.h"

namespace van::amqp {

using SessionId = Id<struct SessionTag>;
using LinkId = Id<struct LinkTag>;
/// Unique within one Connection, for its whole life, over both directions.
using DeliveryId = Id<struct DeliveryTag, std::uint64_t>;

enum class LinkRole { sender, receiver };  ///< ours

/// What we need of source and target (§3.5.3, §3.5.4). A null terminus is nullopt in Attached/AttachOptions.
struct Terminus {
  std::optional<std::string> address{};
  bool dynamic = false;
  std::vector<std::string> capabilities{};  ///< written as a single symbol when there is one, else an array
  friend bool operator==(const Terminus&, const Terminus&) = default;
};

enum class SenderSettleMode : std::uint8_t { unsettled = 0, settled = 1, mixed = 2 };  ///< §2.8.2
enum class ReceiverSettleMode : std::uint8_t { first = 0, second = 1 };                ///< §2.8.3

/// The peer's open performative (§2.7.1), after its header and SASL.
struct OpenInfo {
  std::string container_id;
  std::string hostname;
  std::uint32_t max_frame_size = 0xFFFFFFFF;
  std::uint16_t channel_max = 65535;
  std::optional<Duration> idle_timeout;
  std::vector<std::string> offered_capabilities;
  std::vector<std::string> desired_capabilities;
  Map properties;
};

// ---- Events: what poll_event() gives. The order is the order of the bytes. ----
struct Opened { OpenInfo peer; };
struct SessionBegun { SessionId session; bool by_peer = false; };      ///< by_peer: already answered by the engine
struct SessionEnded { SessionId session; std::optional<Error> error; };  ///< its links are gone, without Detached events
/// by_peer: an attach to answer with accept_attach() or refuse_attach(). Otherwise the answer to ours; a null terminus
/// on the peer's side announces that Detached follows (§2.6.3).
struct Attached {
  LinkId link;
  SessionId session;
  LinkRole role = LinkRole::sender;
  bool by_peer = false;
  std::string name;
  std::optional<Terminus> source;
  std::optional<Terminus> target;
  SenderSettleMode sender_settle_mode = SenderSettleMode::mixed;
  Map properties;
};
struct Detached { LinkId link; std::optional<Error> error; };  ///< answered by the engine; the id is gone
/// Sender links. `drain`: send what there is now; what is left of the credit when poll_event() next returns nullopt is given
/// back to the receiver (§2.6.7).
struct CreditChanged { LinkId link; std::uint32_t credit = 0; bool drain = false; };
/// A transfer. `first` begins the delivery; the last one has more == false, or aborted (then payload is void and the
/// delivery is over and forgotten, §2.6.14).
struct TransferReceived {
  LinkId link;
  DeliveryId delivery;
  Slice payload;
  std::uint32_t message_format = 0;
  bool first = false;
  bool more = false;
  bool aborted = false;
  bool settled = false;  ///< settled by the sender, now or before
};
/// A disposition of the peer about one delivery; one event each for a range. `settled`: the id is gone once this delivery is
/// complete too (a settled incomplete outgoing delivery can still be sent to, and must be finished or aborted). States that
/// come before the event is taken join in it: the latest counts (data-plane 4.3).
struct DeliveryUpdated {
  LinkId link;
  DeliveryId delivery;
  std::optional<DeliveryState> state;
  bool settled = false;
};
/// Something that made send() stop may be gone: the peer's session window opened.
struct SessionWritable { SessionId session; };
/// The end, once: an answered close (no error), the peer's close, a protocol error of either side, an idle time-out.
/// Afterwards only output may be left to write; then the transport is to be closed.
struct Closed { std::optional<Error> error; bool by_peer = false; };

using Event = std::variant<Opened, SessionBegun, SessionEnded, Attached, Detached, CreditChanged, TransferReceived,
                           DeliveryUpdated, SessionWritable, Closed>;

/// One AMQP 1.0 connection: header, SASL, frames, sessions, links, deliveries (AMQP 1.0 parts 2 and 5), both roles.
/// No I/O: feed it with receive() and handle_deadline(), drain poll_event() and output().
///
/// Calls with an id that is not (or no longer) known are ignored and say so by their result; what the peer does can end a
/// session or link at any time before the event was seen. After Closed every command does nothing.
class Connection {
 public:
  enum class Side { client, server };  ///< client: opened the TCP connection; sends its headers first
  struct Config {
    Side side = Side::client;
    std::string container_id{};
    std::string hostname{};  ///< client: the host asked for; empty: absent
    std::uint32_t max_frame_size = limits::kMaxFrameSize;
    std::uint16_t channel_max = limits::kChannelMax;
    /// Silence of the peer after which we close (amqp:resource-limit-exceeded). We announce half of it (§2.4.5), and keep
    /// the peer's own time-out by empty frames at half of what it announces.
    Duration idle_timeout = std::chrono::seconds{16};
    /// Time for header, SASL and open together; then Closed.
    Duration handshake_timeout = std::chrono::seconds{10};
    /// client: use EXTERNAL if offered, else ANONYMOUS if offered and allowed here. server: what is offered.
    bool sasl_external = false;
    bool sasl_anonymous = true;
    /// server: accept a client that begins without SASL (only where ANONYMOUS is offered).
    bool sasl_optional = true;
    std::uint32_t session_window_frames = limits::kSessionWindowFrames;
    /// A link's credit comes back when a delivery is settled, not when it arrives: as many as the credit are unsettled at most.
    bool credit_by_settlement = false;
    std::vector<std::string> offered_capabilities{};
    std::vector<std::string> desired_capabilities{};
    Map properties{};
  };

  Connection(Config config, TimePoint now);
  ~Connection();
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  // ---- Inputs ----
  void receive(Slice bytes, TimePoint now);  ///< in any split; payload slices share these blocks
  void transport_closed(TimePoint now);      ///< end of file or error: Closed with framing-error unless already closed
  void handle_deadline(TimePoint now);       ///< call when next_deadline() has come; early calls do nothing

  // ---- Outputs ----
  std::optional<Event> poll_event();
  /// Encoded bytes for the transport; the caller consumes what it has written. The engine never drops from here; who
  /// sends bulk data stops at a high-water mark (limits::kOutputHighWater).
  [[nodiscard]] SliceQueue& output();
  [[nodiscard]] std::size_t output_bytes() const;  ///< that wait there, but for a short frame that output() completes
  [[nodiscard]] TimePoint next_deadline() const;

  // ---- Sessions and links ----
  /// May be used before the peer's Opened and SessionBegun; frames are sent in order. None when no channel is left.
  SessionId begin_session();
  void end_session(SessionId session, std::optional<Error> error = {});  ///< the ids of it are gone at once, no event follows
  struct AttachOptions {
    LinkRole role = LinkRole::sender;
    std::string name{};
    std::optional<Terminus> source = Terminus{};
    std::optional<Terminus> target = Terminus{};
    SenderSettleMode sender_settle_mode = SenderSettleMode::mixed;
    ReceiverSettleMode receiver_settle_mode = ReceiverSettleMode::first;
    /// receiver: credit to keep granted (0: none until set_credit); granted with the peer's answer
    std::uint32_t credit = 0;
    Map properties{};
  };
  /// None: an unknown session, no handle left, the name and role are those of an attach that waits for its answer, or the
  /// attach is larger than the peer's frames. (What we owe the peer and cannot shorten to its frames closes the connection.)
  LinkId attach(SessionId session, AttachOptions options);
  /// Answers a peer's attach: repeats its name, inverts the role, carries these termini (usually the peer's own).
  /// `credit` as in AttachOptions (we are receiver), granted at once.
  bool accept_attach(LinkId link, std::optional<Terminus> source, std::optional<Terminus> target, std::uint32_t credit = 0);
  bool refuse_attach(LinkId link, Error error);  ///< attach with our terminus null, then detach closed=true (§2.6.3)
  bool detach(LinkId link, std::optional<Error> error = {});  ///< closed=true; the id is gone at once

  /// Receiver: keep `credit` deliveries granted; topped up as deliveries arrive (their first transfer) or are settled
  /// (Config::credit_by_settlement), in batches. 0 stops.
  /// Deliveries that the peer began before it heard of less credit still arrive. Nothing is granted while
  /// limits::kUnsettledPerLink deliveries of the link are unsettled.
  bool set_credit(LinkId link, std::uint32_t credit);
  /// Whether credit is topped up at once when a delivery begins that is not whole, instead of in batches (false at first): real
  /// routers do so, and may leave the first octets of a stream behind until they see that flow (docs/protocol.md).
  void set_flow_for_each_stream(bool at_once);
  [[nodiscard]] std::uint32_t credit(LinkId link) const;  ///< sender: deliveries that may begin now
  /// For status, either role; zeros for an unknown link.
  struct LinkCounts {
    std::uint32_t credit = 0;      ///< deliveries that may begin now
    std::uint32_t deliveries = 0;  ///< begun so far: the delivery-count of §2.6.7, which wraps
    std::size_t unsettled = 0;     ///< or not complete
  };
  [[nodiscard]] LinkCounts link_counts(LinkId link) const;
  /// While false, the session's incoming window is not re-opened: the peer stops after what it already may send.
  bool set_window_open(SessionId session, bool open);

  // ---- Sending ----
  /// Begins a delivery on a sender link with credit and no other delivery incomplete (§2.6.7). nullopt otherwise, and while
  /// limits::kUnsettledPerLink deliveries of the link are unsettled (CreditChanged tells when that is over). Nothing is
  /// on the wire before send(); the delivery-id is taken by the first transfer, so ids stay consecutive per session.
  std::optional<DeliveryId> begin_delivery(LinkId link, bool settled);
  enum class End { more, last };  ///< last: the delivery is complete when `payload` is all sent
  struct Sent {
    std::size_t bytes = 0;   ///< taken from `payload`
    bool complete = false;   ///< the transfer without `more` is out
  };
  /// Cuts `payload` into transfers of at most the peer's frame size and removes them from it, as far as the peer's session
  /// window goes and not more than `max_bytes`. With End::last and an empty payload sends the final empty transfer.
  /// An unknown (or already complete) delivery takes nothing.
  Sent send(DeliveryId delivery, SliceQueue& payload, End end, std::size_t max_bytes = SIZE_MAX);
  /// Final transfer with aborted and settled; the id is gone. While the session window is shut the transfer waits for it, and
  /// the link begins no other delivery.
  bool abort(DeliveryId delivery);
  [[nodiscard]] bool session_window_open(DeliveryId delivery) const;

  // ---- Dispositions (either role) ----
  /// disposition with this state; settled forgets a complete delivery; a receiver's settlement of an incomplete one takes
  /// effect at its end (transfers still arrive). Unknown ids are ignored.
  bool update(DeliveryId delivery, std::optional<DeliveryState> state, bool settled);

  // ---- Connection ----
  void close(std::optional<Error> error = {});
  [[nodiscard]] bool is_open() const;    ///< Opened was seen and nothing has ended it
  [[nodiscard]] bool is_closed() const;  ///< Closed has happened
  /// Bytes of the frames we send: what the peer announced, but not more than limits::kMaxFrameSizeSent.
  [[nodiscard]] std::uint32_t peer_max_frame_size() const;
  /// For tests: asserts what must hold between calls. Costs a walk over everything alive.
  void check_invariants() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::amqp
