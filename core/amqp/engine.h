#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "core/amqp/connection.h"
#include "core/amqp/connection_state.h"
#include "core/amqp/context.h"
#include "core/amqp/frame_decoder.h"
#include "core/amqp/idle_timer.h"
#include "core/amqp/number_pool.h"
#include "core/amqp/paged_table.h"
#include "core/amqp/sasl.h"
#include "core/amqp/session.h"

namespace van::amqp {

/// The connection itself: layers, open and close, channels, deadlines. Sessions do the rest.
class Connection::Impl {
 public:
  Impl(Config config, TimePoint now);

  // ---- Inputs: engine.cpp ----
  void receive(Slice bytes, TimePoint now);
  void transport_closed(TimePoint now);
  void handle_deadline(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;

  // ---- Commands ----
  SessionId begin_session();
  void end_session(SessionId id, std::optional<Error> error);
  void close(std::optional<Error> error);
  void answer_drains();
  /// After every command: what did not fit the peer's frames ends the connection.
  void check_overflow();

  // ---- Queries; nullptr for what is not (or no longer) known ----
  [[nodiscard]] Session* session(SessionId id) const;
  [[nodiscard]] Link* link(LinkId id) const;
  [[nodiscard]] Delivery* delivery(DeliveryId id) { return context.deliveries.find(id); }
  [[nodiscard]] bool is_open() const { return state_ == ConnectionState::opened && !is_closed(); }
  [[nodiscard]] bool is_closed() const { return closed_; }
  void check_invariants() const;

  Context context;

 private:
  enum class Layer : std::uint8_t { sasl, amqp_header, frames };

  // ---- Layers and the connection's own frames: engine.cpp ----
  void process();
  /// False: more bytes are needed.
  Result<bool> advance();
  Result<bool> advance_sasl();
  void begin_amqp();
  void on_amqp_header();
  Result<bool> advance_header();
  Result<bool> advance_frames();
  Result<void> on_frame(const Frame& frame);
  Result<void> on_open(const Open& open);
  void on_close(const Close& close);
  void send_header();
  void send_open();
  void send_close(std::optional<Error> error);
  void move(ConnectionInput input);
  [[nodiscard]] bool is_closing() const;
  [[nodiscard]] bool open_is_out() const;
  void fail(Error error);
  void finish(Closed closed);

  // ---- Channels: engine_sessions.cpp ----
  Result<void> on_session_frame(std::uint16_t channel, Performative&& performative, Slice payload);
  Result<void> on_begin(std::uint16_t channel, const Begin& begin);
  void on_end(Session& session, std::optional<Error> error);
  Session* add_session();  ///< nullptr: no channel is free
  void free_session(Session& session);
  void drop_sessions();
  [[nodiscard]] std::uint16_t channel_max() const;

  [[nodiscard]] bool is_client() const { return context.config.side == Side::client; }

  FrameDecoder decoder_;
  Sasl sasl_;
  Layer layer_ = Layer::sasl;
  ConnectionState state_ = ConnectionState::start;
  bool closed_ = false;

  IdleTimer idle_;
  TimePoint handshake_deadline_;
  TimePoint close_deadline_ = kNever;  // for the peer's answer to our close
  bool close_deadline_armed_ = false;  // else it is only a wish to be called, since close() knows no time

  std::optional<std::uint16_t> peer_channel_max_;
  NumberPool channels_;
  PagedTable<std::unique_ptr<Session>> sessions_;  // by our channel
  PagedTable<Session*> by_remote_channel_;
  std::unordered_map<SessionId, Session*> by_id_;
  std::size_t peer_sessions_ = 0;  // begun by the peer and not yet ended by both
  std::uint32_t last_session_id_ = 0;
};

}  // namespace van::amqp
