#pragma once

#include <uv.h>

#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "core/io/deferred.h"
#include "core/io/stream.h"

namespace van::io {

/// A Stream that is a socket.
class SocketStream final : public Stream {
 public:
  struct Node;
  struct Close {
    void operator()(Node* node) const noexcept;
  };
  using NodePtr = std::unique_ptr<Node, Close>;
  explicit SocketStream(NodePtr node) : node_{std::move(node)} {}

  void set_handler(StreamHandler& handler) override;
  void read_start() override;
  void read_stop() override;
  [[nodiscard]] bool reading() const override;
  [[nodiscard]] Slice read_at_once(std::size_t most) override;
  void set_read_limit(std::size_t bytes) override;
  void write(SliceQueue&& data) override;
  void write(Slice data) override;
  [[nodiscard]] std::size_t queued_bytes() const override;
  void set_low_water(std::size_t bytes) override;
  [[nodiscard]] std::size_t low_water() const override;
  void shutdown() override;
  [[nodiscard]] bool shut() const override;
  [[nodiscard]] bool ended() const override;
  Result<FileDescriptor> detach() override;
  void reset() override;
  void set_keepalive(Duration idle) override;
  void set_nodelay(bool on) override;
  [[nodiscard]] bool is_tcp() const override;
  [[nodiscard]] std::string local_address() const override;
  [[nodiscard]] std::string peer_address() const override;

 private:
  NodePtr node_;
};

/// What libuv points at. Freed when both the owner has let go and the close callback has run.
struct SocketStream::Node {
  Node(Loop& on_loop, bool tcp);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Takes a connected socket over; on failure it is closed.
  Result<void> open(int fd);
  /// To be called once the socket is connected.
  void connected();

  uv_handle_t* handle() { return &uv.handle; }
  uv_stream_t* stream() { return &uv.stream; }
  [[nodiscard]] bool usable() const { return !failure && !closing; }
  [[nodiscard]] std::size_t queued_bytes() const;

  /// After something was pushed: gives the socket what it takes at once if nothing waited, queues the rest.
  void pushed(bool was_empty);
  void try_write();
  void start_write();
  void start_shutdown();
  void close();

  BlockWriter& blocks() { return bulk ? loop.bulk_blocks() : loop.read_blocks(); }
  void on_alloc(uv_buf_t* buffer);
  void on_read(ssize_t count);
  [[nodiscard]] int end_status() const;  ///< UV_EOF, or the error that it hides
  void on_written(int status);
  void fail_write(int status);
  void report_later();
  void free_if_unused();

  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } uv{};
  Loop& loop;
  StreamHandler* handler = nullptr;
  std::size_t read_space = 0;  // what the next read was given; 0: it has to wait for the next turn of the loop
  std::size_t read_turn = 0;   // the turn of the last read, and what was read in it
  std::size_t read_in_turn = 0;
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
  std::size_t read_limit = kNoLimit;
  SliceQueue queue;  // its first in_flight bytes belong to write_request until its callback
  std::size_t in_flight = 0;
  std::size_t low_water = 0;
  uv_write_t write_request{};
  uv_shutdown_t shutdown_request{};
  std::optional<Error> failure;  // while `reading`: writing failed, and what the peer sent before is still read
  std::optional<Deferred> failure_report;
  const bool is_tcp;
  bool reading = false;
  bool bulk = false;  // a read filled what it was given, and none was small since
  bool ended = false;
  bool shut = false;
  bool above_low_water = false;
  bool released = false;  // the owner has let go
  bool closing = false;   // uv_close was called
  bool closed = false;    // its callback has run
};

}  // namespace van::io
