#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/io/stream.h"
#include "core/link/node.h"
#include "proxy/counters.h"

namespace van::proxy {

/// The octets' way to a connection's other end, for a protocol that does not care whether that is a local process or a stream of the
/// network. Destroying it before closed() breaks the connection.
class ByteLink {
 public:
  struct Broken {
    std::string why;
    bool untouched = false;  ///< no server has seen anything of it
  };
  /// Called on the loop, never from inside a call into the link.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_bytes(Slice bytes) = 0;
    virtual void on_end() = 0;                          ///< the other end says no more
    virtual void on_room() = 0;                         ///< room() was 0, or all is written
    virtual void on_broken(const Broken& broken) = 0;  ///< the last call
  };

  virtual ~ByteLink() = default;
  virtual void start(Handler& handler) = 0;
  /// What write() should take now; it takes more, too, but a frame is enough.
  [[nodiscard]] virtual std::size_t room() = 0;
  virtual void write(SliceQueue&& octets) = 0;
  virtual void finish() = 0;  ///< ends our direction behind what was written
  virtual void reset() = 0;   ///< breaks the connection; nothing is called any more
  [[nodiscard]] virtual bool closed() const = 0;  ///< both directions have ended and all is written
};

class SocketLink final : public ByteLink, private io::StreamHandler {
 public:
  explicit SocketLink(std::unique_ptr<io::Stream> socket);
  void start(Handler& handler) override;
  [[nodiscard]] std::size_t room() override;
  void write(SliceQueue&& octets) override { socket_->write(std::move(octets)); }
  void finish() override { socket_->shutdown(); }
  void reset() override { socket_->reset(); }
  [[nodiscard]] bool closed() const override { return socket_->shut() && socket_->ended() && socket_->queued_bytes() == 0; }

 private:
  void on_data(Slice data) override { handler_->on_bytes(std::move(data)); }
  void on_end() override { handler_->on_end(); }
  void on_drained() override { handler_->on_room(); }
  void on_closed(const io::Error& error) override { handler_->on_broken({error.message}); }

  std::unique_ptr<io::Stream> socket_;
  Handler* handler_ = nullptr;
};

/// What comes is taken at once: what holds the sender back is the windows of the protocol above.
class NetworkLink final : public ByteLink, private link::StreamHandler {
 public:
  /// To a provider of the producer's address; asked for with the first octets that are written, which go along.
  NetworkLink(link::Node& node, router::ProducerId producer, Counters& counters) : node_{node}, counters_{counters}, producer_{producer} {}
  /// The end of a stream that was requested here; accepts it.
  NetworkLink(link::Node& node, router::StreamId stream, Counters& counters) : node_{node}, counters_{counters}, stream_{stream} {}
  ~NetworkLink() override;
  void start(Handler& handler) override;
  [[nodiscard]] std::size_t room() override;
  void write(SliceQueue&& octets) override;
  void finish() override;
  void reset() override;
  [[nodiscard]] bool closed() const override { return !stream_ || (ended_ && finished_); }

 private:
  void on_stream_opened() override;
  void on_stream_readable() override;
  void on_stream_writable() override { handler_->on_room(); }
  void on_stream_failed(router::StreamFailure why) override;

  link::Node& node_;
  Counters& counters_;
  Handler* handler_ = nullptr;
  router::ProducerId producer_;
  router::StreamId stream_;
  bool open_ = false, ended_ = false, finished_ = false;
};

}  // namespace van::proxy
