#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/slice.h"
#include "core/io/error.h"
#include "core/io/file_descriptor.h"
#include "core/io/loop.h"

namespace van::io {

/// What a stream tells its owner, on the loop thread and never from inside a call into the stream. Any of
/// them may destroy the stream.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  /// Bytes as they came, never empty; they share the block they were read into.
  virtual void on_data(Slice data) = 0;
  /// The peer has sent all it will (FIN). Writing is still possible: a half-closed stream is not closed.
  virtual void on_end() = 0;
  /// queued_bytes() fell to low_water() after having been above it, and again when it fell to zero.
  virtual void on_drained() {}
  /// The connection failed (Code::reset, timed_out, ...): nothing more comes, nothing more is sent, what was
  /// queued is dropped. The last call. A stream that both sides end in order is never reported here.
  virtual void on_closed(const Error& error) = 0;
};

/// A connected byte stream: a TCP or local (Unix) socket, from a Dialer, a listener or adopt(); or what a layer makes of one, which
/// keeps the same contract.
///
/// Destroying it closes the socket: what is still in queued_bytes() is dropped, what the kernel has is still
/// delivered (but a TCP close with received bytes unread resets the connection). There is no callback after
/// destruction.
class Stream {
 public:
  /// A connected stream socket; takes `fd` over, also on failure.
  static Result<std::unique_ptr<Stream>> adopt(Loop& loop, int fd);

  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  /// Must be set before the first read_start() or write(), and outlive the stream; may be replaced any time.
  virtual void set_handler(StreamHandler& handler) = 0;

  /// Starts or goes on calling on_data(); does nothing after the end or a failure. A new stream does not read,
  /// and a stream that does not read does not notice that the peer is gone.
  virtual void read_start() = 0;
  /// No on_data() or on_end() until read_start(): back-pressure.
  virtual void read_stop() = 0;
  [[nodiscard]] virtual bool reading() const = 0;
  /// What the socket has now, at most so much, in place of on_data(); empty when there is nothing, or when it has ended or
  /// failed, of which reading tells. For a stream that is not reading.
  [[nodiscard]] virtual Slice read_at_once(std::size_t most) = 0;
  /// The most that one on_data() brings from now on; without it, as much as a block of the loop holds.
  virtual void set_read_limit(std::size_t bytes) = 0;

  /// Takes all of `data`, which is empty afterwards. Hands the socket at once what it takes, by one gathered
  /// write, and queues the rest, sharing the slices' blocks. There is no limit here: whoever writes looks at
  /// queued_bytes(), stops at its own mark and goes on in on_drained(). After a failure data is dropped;
  /// after shutdown() it may not be called (asserted).
  virtual void write(SliceQueue&& data) = 0;
  virtual void write(Slice data) = 0;
  /// Bytes written but not yet taken by the kernel.
  [[nodiscard]] virtual std::size_t queued_bytes() const = 0;
  /// The level at which on_drained() asks for more before the queue runs empty; 0 at first.
  virtual void set_low_water(std::size_t bytes) = 0;
  [[nodiscard]] virtual std::size_t low_water() const = 0;

  /// Ends our direction (FIN) after all queued bytes. Once more is harmless. Reading goes on until the peer
  /// ends its own.
  virtual void shutdown() = 0;
  [[nodiscard]] virtual bool shut() const = 0;   ///< shutdown() was called
  [[nodiscard]] virtual bool ended() const = 0;  ///< on_end() was called

  /// The socket, for a Stream of another loop to adopt; what was received and not handed over yet stays in it. Only with nothing in
  /// queued_bytes(), which is asserted. No callback comes after it, and the object is only good for destruction then. Fails when it
  /// is closed, or is no socket but a layer over one.
  virtual Result<FileDescriptor> detach() = 0;

  /// Breaks the connection: RST on TCP, a plain close on a local socket. Drops what is queued; no callback
  /// comes after it. The object is only good for destruction then.
  virtual void reset() = 0;

  /// TCP keep-alive probes after `idle` (whole seconds, 1 or more) of silence; nothing on a local socket.
  virtual void set_keepalive(Duration idle) = 0;
  /// TCP_NODELAY, on from the start; nothing on a local socket.
  virtual void set_nodelay(bool on) = 0;

  [[nodiscard]] virtual bool is_tcp() const = 0;
  /// "127.0.0.1:80", "[::1]:80"; "unix:PATH" or "unix:" on a local socket.
  [[nodiscard]] virtual std::string local_address() const = 0;
  [[nodiscard]] virtual std::string peer_address() const = 0;
};

}  // namespace van::io
