#pragma once

#include <memory>
#include <optional>

#include "core/io/deferred.h"
#include "core/io/stream.h"
#include "core/tls/context.h"
#include "core/tls/session.h"

namespace van::proxy {

/// TLS on a stream, as a stream: what is read and written is plaintext. Made by a TlsHandshake.
///
/// shutdown() sends close_notify, then FIN; reading goes on. A peer's close_notify is its end, and so is a FIN without it, as on a
/// plain connection: many servers send none, and what the octets mean tells whether they are all there. A record that was changed
/// on its way, or is none, is a failure. queued_bytes() counts what was sealed.
class TlsStream final : public io::Stream, private io::StreamHandler {
 public:
  /// The handshake of `session` is done, and `inner` does not read. `plaintext` was read from the session already; `inner_ended`:
  /// nothing will come from `inner` any more.
  struct Parts {
    std::unique_ptr<io::Stream> inner;
    std::shared_ptr<const tls::Context> context;
    std::shared_ptr<tls::Session> session;
    Slice plaintext = {};
    bool inner_ended = false;
  };
  TlsStream(io::Loop& loop, Parts parts);
  ~TlsStream() override;

  void set_handler(io::StreamHandler& handler) override { handler_ = &handler; }
  void read_start() override;
  void read_stop() override;
  [[nodiscard]] bool reading() const override { return reading_; }
  [[nodiscard]] Slice read_at_once(std::size_t most) override;
  void set_read_limit(std::size_t bytes) override;
  void write(SliceQueue&& data) override;
  void write(Slice data) override;
  [[nodiscard]] std::size_t queued_bytes() const override { return parts_.inner->queued_bytes(); }
  void set_low_water(std::size_t bytes) override { parts_.inner->set_low_water(bytes); }
  [[nodiscard]] std::size_t low_water() const override { return parts_.inner->low_water(); }
  void shutdown() override;
  [[nodiscard]] bool shut() const override { return parts_.inner->shut(); }
  [[nodiscard]] bool ended() const override { return ended_; }
  io::Result<io::FileDescriptor> detach() override;
  void reset() override;
  void set_keepalive(Duration idle) override { parts_.inner->set_keepalive(idle); }
  void set_nodelay(bool on) override { parts_.inner->set_nodelay(on); }
  [[nodiscard]] bool is_tcp() const override { return parts_.inner->is_tcp(); }
  [[nodiscard]] std::string local_address() const override { return parts_.inner->local_address(); }
  [[nodiscard]] std::string peer_address() const override { return parts_.inner->peer_address(); }

 private:
  void on_data(Slice data) override;
  void on_end() override;
  void on_drained() override;
  void on_closed(const io::Error& error) override;

  void deliver();
  void decrypt();
  void tell_end();
  void fail(const tls::Error& error);
  void send_output();

  Parts parts_;
  io::StreamHandler* handler_ = nullptr;
  SliceQueue plaintext_;  ///< not handed on yet
  std::size_t read_limit_;
  std::optional<io::Error> failure_;
  bool reading_ = false, ended_ = false, closed_ = false;
  bool* gone_ = nullptr;  ///< where a deliver() on the stack hears that its handler has destroyed us
  io::Deferred deliver_;  ///< what is there already is not handed on from inside a call
};

}  // namespace van::proxy
