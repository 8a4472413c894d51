#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/io/stream.h"
#include "core/io/timer.h"
#include "core/io/worker.h"
#include "core/router/router.h"
#include "core/tls/context.h"
#include "core/tls/session.h"

namespace van::link {

/// A data connection on its way to another worker of the site: nobody's meanwhile, on any thread.
struct MovingConnection {
  io::FileDescriptor socket;
  std::shared_ptr<tls::Context> context;
  std::shared_ptr<tls::Session> session;
  router::PeerConfig config;
  std::shared_ptr<router::Router::Moving> peer;
};

/// One transport to another site: the socket, TLS on it, and the router's peer once TLS is done. Bytes go both ways between
/// socket and router; who it belongs to is the owner's business.
class PeerConnection final : private io::StreamHandler {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    /// TLS is done: the router has `connection.peer()` from now on.
    virtual void connection_ready(PeerConnection& connection) = 0;
    /// The router may have events or output.
    virtual void router_touched() = 0;
    /// The same, after so many octets of the transport; the last that the connection does in its call.
    virtual void router_fed(std::size_t octets) = 0;
    /// The transport is over; destroy the connection, but not from inside this call. `refused`: trying again soon will not help.
    virtual void connection_over(PeerConnection& connection, const std::string& reason, bool refused) = 0;
  };

  /// `tls`: null for plain TCP. `config.hostname` is what the server's certificate must name. `worker` computes the handshake: some
  /// milliseconds for each side.
  PeerConnection(io::Loop& loop, io::Worker& worker, std::unique_ptr<io::Stream> stream, std::shared_ptr<tls::Context> tls,
                 router::Router& router, router::PeerConfig config, Owner& owner);
  /// One that comes from another worker.
  PeerConnection(io::Loop& loop, io::Worker& worker, std::unique_ptr<io::Stream> stream, MovingConnection& moving, router::Router& router,
                 Owner& owner);
  ~PeerConnection();

  void start();  ///< once; the owner may be called from inside
  void flush();  ///< router output to the socket, as far as that takes it
  /// The router's peer has ended: writes what is left, then the transport is over (connection_over is not called for it).
  void finish();
  /// Gives it up for another worker, after PeerMoves; null when that can't be done: abandon() it then. Only good for destruction
  /// afterwards, but not from inside a call of its own.
  std::shared_ptr<MovingConnection> move_away();
  /// The transport is of no use any more: over, as if it had broken.
  void abandon(const std::string& reason) { over(reason, false); }

  struct Octets {
    std::uint64_t in = 0, out = 0;
    Octets& operator+=(const Octets& more) {
      in += more.in;
      out += more.out;
      return *this;
    }
  };
  [[nodiscard]] Octets octets() const { return octets_; }  ///< of the socket
  [[nodiscard]] router::PeerId peer() const { return peer_; }
  [[nodiscard]] const router::PeerConfig& config() const { return config_; }
  [[nodiscard]] bool finished() const { return finished_; }  ///< nothing is left to write, after finish()
  [[nodiscard]] std::string remote() const { return stream_->peer_address(); }
  [[nodiscard]] std::string local() const { return stream_->local_address(); }
  [[nodiscard]] const tls::Peer* tls_peer() const;

 private:
  void on_data(Slice data) override;
  void on_end() override;
  void on_drained() override;
  void on_closed(const io::Error& error) override;

  using Plaintext = Expected<std::optional<Slice>, tls::Error>;

  void ready();
  void shake_hands();
  void shaken(const Plaintext& plaintext);
  void read_tls();
  bool take(const Plaintext& plaintext);
  void send_tls_output();
  void over(const std::string& reason, bool refused);

  io::Worker& worker_;
  std::unique_ptr<io::Stream> stream_;
  std::shared_ptr<tls::Context> context_;
  std::shared_ptr<tls::Session> session_;          ///< the worker's while shaking_
  std::shared_ptr<router::Router::Moving> adopted_;  ///< until start()
  std::unique_ptr<io::Worker::Task> shaking_;
  SliceQueue early_;                               ///< has come meanwhile
  bool early_end_ = false;
  router::Router& router_;
  router::PeerConfig config_;
  Owner& owner_;
  io::Timer handshake_timer_;
  router::PeerId peer_;
  Octets octets_;
  bool over_ = false, finishing_ = false, finished_ = false;
};

}  // namespace van::link
