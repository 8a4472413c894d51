#include "core/io/socket_stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "core/base/assert.h"
#include "core/io/socket_text.h"

namespace van::io {
namespace {

// Parts of one gathered write. At 16 KiB a frame this is a megabyte, more than sockets take at once.
constexpr std::size_t kWriteParts = 64;
// What one queued request covers: its callback is when a writer that waits for the low-water mark hears of progress.
constexpr std::size_t kRequestBytes = 128 * 1024;

struct Gathered {
  std::array<uv_buf_t, kWriteParts> parts;
  unsigned count = 0;
  std::size_t bytes = 0;
};

/// The front of `queue`; slices that lie side by side in one block become one part.
void gather(const SliceQueue& queue, std::size_t limit, Gathered& out) {
  for (const Slice& slice : queue.slices()) {
    if (out.bytes >= limit) return;
    // libuv's buffers are not const, but are only read from.
    char* data = const_cast<char*>(reinterpret_cast<const char*>(slice.data()));
    uv_buf_t* last = out.count > 0 ? &out.parts[out.count - 1] : nullptr;
    if (last != nullptr && last->base + last->len == data) {
      last->len += slice.size();
    } else if (out.count == kWriteParts) {
      return;
    } else {
      out.parts[out.count++] = uv_buf_t{.base = data, .len = slice.size()};
    }
    out.bytes += slice.size();
  }
}

int socket_family(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return AF_UNSPEC;
  return address.ss_family;
}

}  // namespace

SocketStream::Node::Node(Loop& on_loop, bool tcp) : loop{on_loop}, is_tcp{tcp} {
  const int status = tcp ? uv_tcp_init(loop.uv(), &uv.tcp) : uv_pipe_init(loop.uv(), &uv.pipe, 0);
  VAN_ASSERT(status == 0);
  uv.handle.data = this;
}

Result<void> SocketStream::Node::open(int fd) {
  const int status = is_tcp ? uv_tcp_open(&uv.tcp, fd) : uv_pipe_open(&uv.pipe, fd);
  if (status < 0) {
    ::close(fd);
    return Unexpected{error_from_status(status, "take over a socket")};
  }
  connected();
  return {};
}

void SocketStream::Node::connected() {
  if (is_tcp) uv_tcp_nodelay(&uv.tcp, 1);
}

void SocketStream::Node::close() {
  reading = false;
  closing = true;
  uv_close(handle(), [](uv_handle_t* handle) noexcept {
    auto* node = static_cast<Node*>(handle->data);
    node->closed = true;
    node->free_if_unused();
  });
}

void SocketStream::Node::free_if_unused() {
  if (released && closed) delete this;
}

std::size_t SocketStream::Node::queued_bytes() const {
  if (!usable()) return 0;
  const std::size_t taken = in_flight - std::min(in_flight, uv_stream_get_write_queue_size(&uv.stream));
  return queue.bytes() - taken;
}

void SocketStream::Node::pushed(bool was_empty) {
  if (was_empty) {
    try_write();
    start_write();
  }
  above_low_water = above_low_water || queued_bytes() > low_water;
}

void SocketStream::Node::try_write() {
  while (!queue.empty()) {
    Gathered front;
    gather(queue, queue.bytes(), front);
    const int written = uv_try_write(stream(), front.parts.data(), front.count);
    if (written == UV_EAGAIN) return;
    if (written < 0) return fail_write(written);
    queue.consume(static_cast<std::size_t>(written));
    if (static_cast<std::size_t>(written) < front.bytes) return;  // the socket is full
  }
}

void SocketStream::Node::start_write() {
  if (queue.empty()) return;
  Gathered front;
  gather(queue, kRequestBytes, front);
  write_request.data = this;
  const auto done = [](uv_write_t* request, int status) noexcept {
    static_cast<Node*>(request->data)->on_written(status);
  };
  const int status = uv_write(&write_request, stream(), front.parts.data(), front.count, done);
  if (status < 0) return fail_write(status);
  in_flight = front.bytes;
}

void SocketStream::Node::on_written(int status) {
  queue.consume(std::exchange(in_flight, 0));
  if (!usable()) return queue.clear();
  if (status < 0) return fail_write(status);
  try_write();
  start_write();
  if (!usable()) return;
  if (queue.empty() && shut) start_shutdown();
  const std::size_t left = queued_bytes();
  const bool fell = above_low_water && left <= low_water;
  if (fell) above_low_water = false;
  if (fell || left == 0) handler->on_drained();
}

void SocketStream::Node::start_shutdown() {
  // A failure here is one of the connection, of which reading tells.
  uv_shutdown(&shutdown_request, stream(), [](uv_shutdown_t*, int) noexcept {});
}

void SocketStream::Node::on_alloc(uv_buf_t* buffer) {
  // libuv goes on reading while reads are full, as if there were no other socket.
  if (std::exchange(read_turn, loop.turns()) != loop.turns()) read_in_turn = 0;
  if (read_in_turn >= loop.read_share(this, read_limit != kNoLimit)) {
    read_space = 0;
    *buffer = uv_buf_init(nullptr, 0);
    return;
  }
  const auto space = blocks().space(loop.read_space_min());
  read_space = std::min(space.size(), read_limit);
  *buffer = uv_buf_init(reinterpret_cast<char*>(space.data()), static_cast<unsigned>(read_space));
}

void SocketStream::Node::on_read(ssize_t count) {
  if (count == 0 || closing || read_space == 0) return;
  if (count > 0) {
    const auto bytes = static_cast<std::size_t>(count);
    read_in_turn += bytes;
    Slice data = blocks().commit(bytes);
    bulk = bytes == read_space || (bulk && bytes >= loop.read_space_min());
    return handler->on_data(std::move(data));
  }
  reading = false;
  uv_read_stop(stream());
  if (count == UV_EOF) count = end_status();
  if (count == UV_EOF && !failure) {
    ended = true;
    return handler->on_end();
  }
  if (!failure) failure = error_from_status(static_cast<int>(count), "read");
  handler->on_closed(*failure);
}

// libuv reports the end, without asking the socket again, when a short read and a hang-up come together; behind octets
// that a reset follows at once that would make a broken stream a whole one.
int SocketStream::Node::end_status() const {
  uv_os_fd_t fd = -1;
  if (uv_fileno(&uv.handle, &fd) != 0) return UV_EOF;
  char octet = 0;
  if (::recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno == EAGAIN || errno == EINTR) return UV_EOF;
  return uv_translate_sys_error(errno);
}

// A peer may answer, close, and so refuse the rest of what we write (an early HTTP response). Its answer is still
// in the socket: who is reading gets it first, and hears of the failure where the stream ends.
void SocketStream::Node::fail_write(int status) {
  failure = error_from_status(status, "write");
  queue.clear();
  if (!reading) report_later();
}

void SocketStream::Node::report_later() {  // and not now: the caller may be the handler
  failure_report.emplace(loop, [this] { handler->on_closed(*failure); });
  failure_report->schedule();
}

void SocketStream::Close::operator()(Node* node) const noexcept {
  node->handler = nullptr;
  node->failure_report.reset();
  node->released = true;
  if (node->closing) {
    node->free_if_unused();
  } else {
    node->close();
  }
}

Result<std::unique_ptr<Stream>> Stream::adopt(Loop& loop, int fd) {
  const int family = socket_family(fd);
  const bool is_tcp = family == AF_INET || family == AF_INET6;
  if (!is_tcp && family != AF_UNIX) {
    ::close(fd);
    return Unexpected{Error{Error::Code::other, "take over a socket: not TCP and not local"}};
  }
  SocketStream::NodePtr node{new SocketStream::Node{loop, is_tcp}};
  const auto opened = node->open(fd);
  if (!opened) return Unexpected{opened.error()};
  return std::make_unique<SocketStream>(std::move(node));
}

void SocketStream::set_handler(StreamHandler& handler) { node_->handler = &handler; }

void SocketStream::read_start() {
  Node& node = *node_;
  VAN_ASSERT(node.handler != nullptr);
  if (node.reading || node.ended || !node.usable()) return;
  const auto alloc = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) noexcept {
    static_cast<Node*>(handle->data)->on_alloc(buffer);
  };
  const auto read = [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) noexcept {
    static_cast<Node*>(stream->data)->on_read(count);
  };
  node.reading = uv_read_start(node.stream(), alloc, read) == 0;
}

void SocketStream::read_stop() {
  if (!node_->reading) return;
  node_->reading = false;
  uv_read_stop(node_->stream());
  if (node_->failure) node_->report_later();  // nothing else would come that tells of it
}

bool SocketStream::reading() const { return node_->reading; }

Slice SocketStream::read_at_once(std::size_t most) {
  Node& node = *node_;
  VAN_ASSERT(!node.reading);
  uv_os_fd_t fd = -1;
  if (node.ended || !node.usable() || uv_fileno(node.handle(), &fd) != 0) return {};
  BlockWriter& blocks = node.loop.read_blocks();
  const auto space = blocks.space(1);
  const ssize_t count = ::recv(fd, space.data(), std::min(space.size(), most), MSG_DONTWAIT);
  return count > 0 ? blocks.commit(static_cast<std::size_t>(count)) : Slice{};
}

void SocketStream::set_read_limit(std::size_t bytes) {
  VAN_ASSERT(bytes > 0);
  node_->read_limit = bytes;
}

void SocketStream::write(SliceQueue&& data) {
  VAN_ASSERT(!node_->shut);
  if (!node_->usable() || data.empty()) return data.clear();
  const bool was_empty = node_->queue.empty();
  node_->queue.append(std::move(data));
  node_->pushed(was_empty);
}

void SocketStream::write(Slice data) {
  VAN_ASSERT(!node_->shut);
  if (!node_->usable() || data.empty()) return;
  const bool was_empty = node_->queue.empty();
  node_->queue.push(std::move(data));
  node_->pushed(was_empty);
}

std::size_t SocketStream::queued_bytes() const { return node_->queued_bytes(); }
void SocketStream::set_low_water(std::size_t bytes) { node_->low_water = bytes; }
std::size_t SocketStream::low_water() const { return node_->low_water; }

void SocketStream::shutdown() {
  if (std::exchange(node_->shut, true)) return;
  if (node_->usable() && node_->queue.empty()) node_->start_shutdown();
}

bool SocketStream::shut() const { return node_->shut; }
bool SocketStream::ended() const { return node_->ended; }

void SocketStream::reset() {
  Node& node = *node_;
  if (node.closing) return;
  uv_os_fd_t fd = -1;
  if (node.is_tcp && uv_fileno(node.handle(), &fd) == 0) {
    // What uv_tcp_close_reset() does, which refuses once a shutdown has begun.
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  node.failure_report.reset();
  node.close();
}

Result<FileDescriptor> SocketStream::detach() {
  Node& node = *node_;
  VAN_ASSERT(node.queued_bytes() == 0);
  uv_os_fd_t fd = -1;
  if (!node.usable() || uv_fileno(node.handle(), &fd) != 0) return Unexpected{Error{Error::Code::reset, "hand a socket over: it is closed"}};
  FileDescriptor socket{::fcntl(fd, F_DUPFD_CLOEXEC, 0)};
  if (!socket) return Unexpected{error_from_errno(errno, "hand a socket over")};
  node.failure_report.reset();
  node.close();
  return socket;
}

void SocketStream::set_keepalive(Duration idle) {
  if (!node_->is_tcp || node_->closing) return;
  const auto seconds = std::max<std::chrono::seconds::rep>(std::chrono::ceil<std::chrono::seconds>(idle).count(), 1);
  uv_tcp_keepalive(&node_->uv.tcp, 1, static_cast<unsigned>(seconds));
}

void SocketStream::set_nodelay(bool on) {
  if (node_->is_tcp && !node_->closing) uv_tcp_nodelay(&node_->uv.tcp, on ? 1 : 0);
}

bool SocketStream::is_tcp() const { return node_->is_tcp; }

std::string SocketStream::local_address() const {
  uv_os_fd_t fd = -1;
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (uv_fileno(node_->handle(), &fd) != 0) return {};
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return socket_text(address, size);
}

std::string SocketStream::peer_address() const {
  uv_os_fd_t fd = -1;
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (uv_fileno(node_->handle(), &fd) != 0) return {};
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return socket_text(address, size);
}

}  // namespace van::io
