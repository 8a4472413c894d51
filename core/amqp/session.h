#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/amqp/context.h"
#include "core/amqp/delivery_numbers.h"
#include "core/amqp/link.h"
#include "core/amqp/number_pool.h"
#include "core/amqp/paged_table.h"
#include "core/amqp/performatives.h"
#include "core/amqp/session_window.h"

namespace van::amqp {

/// One session with its links and deliveries: AMQP 1.0 §2.5, §2.6. An error that a frame handler returns is for the whole
/// connection; what concerns one link only ends that link here.
class Session {
 public:
  enum class State : std::uint8_t {
    begin_sent,
    mapped,
    end_sent,  ///< the id is gone; what the peer still sends on the channel is ignored until its end
  };
  /// The highest handle we take (§2.7.2); the number of links is limited over all sessions besides.
  static constexpr std::uint32_t kHandleMax = limits::kLinksPerConnection - 1;

  Session(Context& context, SessionId id, std::uint16_t channel);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] SessionId id() const { return id_; }
  [[nodiscard]] std::uint16_t channel() const { return channel_; }
  [[nodiscard]] std::optional<std::uint16_t> remote_channel() const { return remote_channel_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool by_peer() const { return by_peer_; }

  // ---- Life: session.cpp ----
  void begin();  ///< ours
  /// The answer to ours, or the peer's own, which is answered.
  void on_begin(std::uint16_t remote_channel, const Begin& begin, bool by_peer);
  void end(std::optional<Error> error);  ///< ours, or the answer to the peer's

  // ---- Windows and credit: session.cpp ----
  Result<void> on_flow(const Flow& flow);
  void set_credit(Link& link, std::uint32_t credit);
  void set_window_open(bool open);
  void answer_drain(Link& link);
  [[nodiscard]] bool can_send() const { return window_.can_send(); }

  // ---- Links: session_links.cpp ----
  /// None when the peer allows no further handle, an attach of this name and role waits for its answer, or the frame is
  /// larger than the peer takes.
  LinkId attach(Connection::AttachOptions options);
  /// Only in attach_received.
  void accept(Link& link, std::optional<Terminus> source, std::optional<Terminus> target, std::uint32_t credit);
  /// In any state but detach_sent: the id is gone. An attach that was not answered is refused with it (§2.6.3).
  void detach(Link& link, std::optional<Error> error);
  Result<void> on_attach(Attach attach);
  Result<void> on_detach(const Detach& detach);

  // ---- Incoming deliveries: session_incoming.cpp ----
  Result<void> on_transfer(const Transfer& transfer, Slice payload);

  // ---- Outgoing deliveries: session_outgoing.cpp ----
  std::optional<DeliveryId> begin_delivery(Link& link, bool settled);
  Connection::Sent send(Delivery& delivery, SliceQueue& payload, Connection::End end, std::size_t max_bytes);
  bool abort(Delivery& delivery);

  // ---- Dispositions: session_dispositions.cpp ----
  void on_disposition(const Disposition& disposition);
  bool update(Delivery& delivery, std::optional<DeliveryState> state, bool settled);

  /// Asserts what must hold between inputs.
  void check_invariants() const;

 private:

  void clear();
  void write(Performative performative) { context_.wire.write(channel_, std::move(performative)); }

  void on_link_flow(Link& link, const Flow& flow);
  void write_link_flow(const Link& link);
  void answer_echo(const Link* link);
  [[nodiscard]] std::uint32_t wanted_credit(const Link& link) const;
  void top_up(Link& link);
  void reopen_window(const Link* preferred);

  Link* add_link(LinkRole role, SenderSettleMode sender_mode, ReceiverSettleMode receiver_mode);
  [[nodiscard]] Attach attach_of(const Link& link) const;
  void answered(Link& link, Attach attach);
  Result<void> attach_by_peer(Attach attach);
  void attached(Link& link, std::uint32_t credit);
  void forget_id(Link& link);
  void free_link(Link& link);

  Result<void> take_transfer(Link& link, const Transfer& transfer, Slice payload);
  Result<Delivery*> begin_incoming(Link& link, const Transfer& transfer);
  void write_abort(Delivery& delivery);
  void flush_aborts();
  void start(Delivery& delivery);
  void finish_sending(Delivery& delivery);
  void on_update(Delivery& delivery, const Disposition& disposition);
  /// The delivery is over for both ends.
  void forget(Delivery& delivery);

  [[nodiscard]] DeliveryNumbers& numbers_of(LinkRole role) { return role == LinkRole::sender ? outgoing_ : incoming_; }
  [[nodiscard]] auto& awaiting(LinkRole role) { return awaiting_[static_cast<std::size_t>(role)]; }

  Context& context_;
  SessionId id_;
  std::uint16_t channel_;
  std::optional<std::uint16_t> remote_channel_;
  State state_ = State::begin_sent;
  bool by_peer_ = false;
  SessionWindow window_;

  std::uint32_t remote_handle_max_ = 0x7FFFFFFF;
  NumberPool handles_;
  PagedTable<std::unique_ptr<Link>> links_;  // by our handle
  PagedTable<Link*> by_remote_handle_;
  std::array<std::unordered_map<std::string, Link*>, 2> awaiting_;  // by our role: attaches without an answer
  IntrusiveList<Link, &Link::receiving> receivers_;  // attached: any of them can carry the window (data-plane 1.4)

  DeliveryNumbers incoming_;
  DeliveryNumbers outgoing_;
  std::uint32_t next_delivery_id_ = 0;
  IntrusiveList<Delivery, &Delivery::waiting> aborts_;  // for the peer's window
};

}  // namespace van::amqp
