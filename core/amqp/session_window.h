#pragma once

#include <cstdint>
#include <optional>

#include "core/amqp/performatives.h"

namespace van::amqp {

/// The transfer numbers and windows of one session, both directions: AMQP 1.0 §2.5.6, data-plane 1.4. Windows count frames,
/// numbers are serial (§2.8.10).
class SessionWindow {
 public:
  static constexpr std::uint32_t kOutgoingWindow = 0x7FFFFFFF;  ///< constant: never a limit, as in real routers

  /// `frames`: the incoming window we keep open; at least 1 (data-plane 8, pitfall 8).
  explicit SessionWindow(std::uint32_t frames) : size_{frames == 0 ? 1 : frames}, incoming_window_{size_} {}

  // ---- Incoming ----
  /// Counts one transfer frame of the peer. False: it was beyond our window.
  [[nodiscard]] bool take_incoming() {
    if (incoming_window_ == 0) return false;
    --incoming_window_;
    ++next_incoming_id_;
    return true;
  }
  void set_open(bool open) { open_ = open; }
  /// Below half, so that it is to be opened again by a flow with a handle.
  [[nodiscard]] bool is_due() const { return open_ && incoming_window_ < size_ - incoming_window_; }

  // ---- Outgoing ----
  [[nodiscard]] bool can_send() const { return remote_incoming_window_ > 0; }
  void count_outgoing() {
    --remote_incoming_window_;
    ++next_outgoing_id_;
  }

  // ---- Frames ----
  [[nodiscard]] Begin begin(std::optional<std::uint16_t> remote_channel) const {
    Begin begin;
    begin.remote_channel = remote_channel;
    begin.next_outgoing_id = next_outgoing_id_;
    begin.incoming_window = incoming_window_;
    begin.outgoing_window = kOutgoingWindow;
    return begin;
  }
  void on_begin(const Begin& begin) {
    begun_ = true;
    next_incoming_id_ = begin.next_outgoing_id;
    remote_incoming_window_ = begin.incoming_window;
  }
  /// The session's part of a flow. `opens`: the flow names a link, so that it may carry the whole window again.
  [[nodiscard]] Flow flow(bool opens) {
    if (opens && open_) incoming_window_ = size_;
    Flow flow;
    if (begun_) flow.next_incoming_id = next_incoming_id_;
    flow.incoming_window = incoming_window_;
    flow.next_outgoing_id = next_outgoing_id_;
    flow.outgoing_window = kOutgoingWindow;
    return flow;
  }
  /// False: the peer says that it has received what was never sent.
  [[nodiscard]] bool on_flow(const Flow& flow) {
    const std::uint32_t in_flight = next_outgoing_id_ - flow.next_incoming_id.value_or(0);  // we begin at 0 (§2.7.4)
    if (in_flight > 0x7FFFFFFF) return false;
    remote_incoming_window_ = flow.incoming_window > in_flight ? flow.incoming_window - in_flight : 0;
    return true;
  }

  [[nodiscard]] std::uint32_t incoming_window() const { return incoming_window_; }

 private:
  std::uint32_t size_;
  std::uint32_t incoming_window_;  // what we have announced and the peer has not used
  std::uint32_t next_incoming_id_ = 0;
  std::uint32_t next_outgoing_id_ = 0;
  std::uint32_t remote_incoming_window_ = 0;
  bool open_ = true;
  bool begun_ = false;  // the peer's begin is known
};

}  // namespace van::amqp
