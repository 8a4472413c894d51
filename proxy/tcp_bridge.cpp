#include "proxy/tcp_bridge.h"

#include <utility>

namespace van::proxy {
namespace {

/// Octets that wait for a slow local socket outside the kernel; above it the stream's window does the waiting.
constexpr std::size_t kSocketHighWater = 256 * 1024;

}  // namespace

TcpBridge::TcpBridge(link::Node& node, std::unique_ptr<io::Stream> socket, LiveCounters& counters, Owner& owner)
    : node_{node}, socket_{std::move(socket)}, counters_{counters}, owner_{owner} {
  socket_->set_handler(*this);
  socket_->set_low_water(kSocketHighWater / 2);
  ++counters_.connections;
  ++counters_.in_flight;
}

TcpBridge::~TcpBridge() {
  --counters_.in_flight;
  if (over_) return;
  node_.release_stream(stream_);
  node_.reset(stream_);
  socket_->reset();
}

void TcpBridge::start(router::StreamId stream, bool open) {
  stream_ = stream;
  open_ = open;
  // The client may send before the answer is there: data-plane 2.5.
  read_on();
  if (open_) to_socket();
}

void TcpBridge::on_stream_opened() {
  open_ = true;
  to_socket();
}

void TcpBridge::on_stream_readable() { to_socket(); }

void TcpBridge::on_stream_writable() {
  if (!over_ && !local_end_) read_on();
}

void TcpBridge::on_stream_failed(router::StreamFailure) {
  if (over_) return;
  stream_ = {};
  socket_->reset();
  over();
}

void TcpBridge::on_data(Slice data) {
  counters_.bytes_out += data.size();
  node_.write(stream_, std::move(data));
  read_on();
}

/// As far as the stream's window lets us.
void TcpBridge::read_on() {
  const std::size_t room = node_.writable(stream_);
  if (room == 0) return socket_->read_stop();
  socket_->set_read_limit(room);
  socket_->read_start();
}

void TcpBridge::on_end() {
  local_end_ = true;
  node_.finish(stream_);
  if (fin_written_ && socket_->queued_bytes() == 0) over();
}

void TcpBridge::on_drained() {
  if (!over_) to_socket();
}

void TcpBridge::on_closed(const io::Error&) {
  if (over_) return;
  const router::StreamId stream = std::exchange(stream_, {});
  node_.release_stream(stream);
  node_.reset(stream);
  over();
}

void TcpBridge::to_socket() {
  if (over_ || !open_) return;
  SliceQueue* readable = node_.readable(stream_);
  std::size_t moved = 0;
  if (readable != nullptr && !readable->empty() && socket_->queued_bytes() < kSocketHighWater) {
    moved = readable->bytes();
    socket_->write(std::move(*readable));
    readable->clear();
    counters_.bytes_in += moved;
    unreported_ += moved;
  }
  // What waits for the socket is bounded by one window; it is reported once the socket has room again.
  if (unreported_ > 0 && socket_->queued_bytes() < kSocketHighWater) node_.octets_taken(stream_, std::exchange(unreported_, 0));
  if (!fin_written_ && node_.finished(stream_)) {
    fin_written_ = true;
    socket_->shutdown();
  }
  if (fin_written_ && socket_->queued_bytes() == 0 && stream_) {
    const bool both = local_end_;
    node_.fin_passed_on(stream_);
    if (both) over();
  }
}

void TcpBridge::over() {
  if (std::exchange(over_, true)) return;
  if (stream_) node_.release_stream(stream_);
  owner_.bridge_over(*this);
}

}  // namespace van::proxy
