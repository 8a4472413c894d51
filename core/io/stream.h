#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/slice.h"
#include "core/io/error.h"
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

/// A connected byte stream: TCP or a local (Unix) socket. Comes from a Dialer, a listener or adopt().
///
/// Destroying it closes the socket: what is still in queued_bytes() is dropped, what the kernel has is still
/// delivered (but a TCP close with received bytes unread resets the connection). There is no callback after
/// destruction.
class Stream {
 public:
  /// A connected stream socket; takes `fd` over, also on failure.
  static Result<std::unique_ptr<Stream>> adopt(Loop& loop, int fd);

  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  /// Must be set before the first read_start() or write(), and outlive the stream; may be replaced any time.
  void set_handler(StreamHandler& handler);

  /// Starts or goes on calling on_data(); does nothing after the end or a failure. A new stream does not read,
  /// and a stream that does not read does not notice that the peer is gone.
  void read_start();
  /// No on_data() or on_end() until read_start(): back-pressure.
  void read_stop();
  [[nodiscard]] bool reading() const;
  /// What the socket has now, at most so much, in place of on_data(); empty when there is nothing, or when it has ended or
  /// failed, of which reading tells. For a stream that is not reading.
  [[nodiscard]] Slice read_at_once(std::size_t most);
  /// The most that one on_data() brings from now on; without it, as much as a block of the loop holds.
  void set_read_limit(std::size_t bytes);

  /// Takes all of `data`, which is empty afterwards. Hands the socket at once what it takes, by one gathered
  /// write, and queues the rest, sharing the slices' blocks. There is no limit here: whoever writes looks at
  /// queued_bytes(), stops at its own mark and goes on in on_drained(). After a failure data is dropped;
  /// after shutdown() it may not be called (asserted).
  void write(SliceQueue&& data);
  void write(Slice data);
  /// Bytes written but not yet taken by the kernel.
  [[nodiscard]] std::size_t queued_bytes() const;
  /// The level at which on_drained() asks for more before the queue runs empty; 0 at first.
  void set_low_water(std::size_t bytes);
  [[nodiscard]] std::size_t low_water() const;

  /// Ends our direction (FIN) after all queued bytes. Once more is harmless. Reading goes on until the peer
  /// ends its own.
  void shutdown();
  [[nodiscard]] bool shut() const;   ///< shutdown() was called
  [[nodiscard]] bool ended() const;  ///< on_end() was called

  /// Breaks the connection: RST on TCP, a plain close on a local socket. Drops what is queued; no callback
  /// comes after it. The object is only good for destruction then.
  void reset();

  /// TCP keep-alive probes after `idle` (whole seconds, 1 or more) of silence; nothing on a local socket.
  void set_keepalive(Duration idle);
  /// TCP_NODELAY, on from the start; nothing on a local socket.
  void set_nodelay(bool on);

  [[nodiscard]] bool is_tcp() const;
  /// "127.0.0.1:80", "[::1]:80"; "unix:PATH" or "unix:" on a local socket.
  [[nodiscard]] std::string local_address() const;
  [[nodiscard]] std::string peer_address() const;

  /// For core/io only.
  struct Node;
  struct Close {
    void operator()(Node* node) const noexcept;
  };
  using NodePtr = std::unique_ptr<Node, Close>;
  explicit Stream(NodePtr node);

 private:
  NodePtr node_;
};

}  // namespace van::io
