#include "proxy/socket_channel.h"

#include <utility>

namespace van::proxy {
namespace {

constexpr std::size_t kOutputHighWater = 256 * 1024;  ///< octets that wait for a slow socket outside the kernel
constexpr std::size_t kInputHighWater = 64 * 1024;    ///< read and not yet taken: above it the socket does the waiting

}  // namespace

SocketChannel::SocketChannel(std::unique_ptr<io::Stream> socket) : socket_{std::move(socket)} {
  socket_->set_handler(*this);
  socket_->set_low_water(kOutputHighWater / 2);
}

/// What was written and can still go out does; a connection that has not ended is broken.
SocketChannel::~SocketChannel() {
  if (!broken_ && !(socket_->shut() && socket_->queued_bytes() == 0)) socket_->reset();
}

void SocketChannel::start(Slice first) {
  if (!first.empty()) input_.push(std::move(first));
  socket_->read_start();
}

void SocketChannel::taken(std::size_t octets) {
  if (octets > 0 && !broken_ && !ended_ && input_.bytes() < kInputHighWater) socket_->read_start();
}

std::size_t SocketChannel::room() {
  const std::size_t waiting = socket_->queued_bytes();
  return broken_ || waiting >= kOutputHighWater ? 0 : kOutputHighWater - waiting;
}

void SocketChannel::write(SliceQueue&& octets, bool last) {
  if (!broken_ && !octets.empty()) socket_->write(std::move(octets));
  octets.clear();
  if (last && !broken_) socket_->shutdown();
}

void SocketChannel::reset() {
  if (!std::exchange(broken_, true)) socket_->reset();
  input_.clear();
}

void SocketChannel::on_data(Slice data) {
  input_.push(std::move(data));
  if (input_.bytes() >= kInputHighWater) socket_->read_stop();
  user_->channel_moved();
}

void SocketChannel::on_end() {
  ended_ = true;
  user_->channel_moved();
}

void SocketChannel::on_drained() { user_->channel_moved(); }

void SocketChannel::on_closed(const io::Error&) {
  broken_ = true;
  user_->channel_moved();
}

}  // namespace van::proxy
