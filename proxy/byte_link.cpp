#include "proxy/byte_link.h"

#include <utility>

namespace van::proxy {
namespace {

/// Octets that wait for a local socket outside the kernel.
constexpr std::size_t kSocketHighWater = 256 * 1024;

std::string_view in_words(router::StreamFailure why) {
  switch (why) {
    case router::StreamFailure::no_provider: return "nobody provides it now";
    case router::StreamFailure::refused: return "no provider can reach its server";
    case router::StreamFailure::reset: return "the other end broke the connection";
    case router::StreamFailure::lost: return "a link on the way broke";
  }
  return {};
}

}  // namespace

SocketLink::SocketLink(std::unique_ptr<io::Stream> socket) : socket_{std::move(socket)} { socket_->set_low_water(kSocketHighWater / 2); }

void SocketLink::start(Handler& handler) {
  handler_ = &handler;
  socket_->set_handler(*this);
  socket_->read_start();
}

std::size_t SocketLink::room() {
  const std::size_t queued = socket_->queued_bytes();
  return queued >= kSocketHighWater ? 0 : kSocketHighWater - queued;
}

NetworkLink::~NetworkLink() { reset(); }

void NetworkLink::start(Handler& handler) {
  handler_ = &handler;
  if (!stream_) return;
  node_.attach_stream(stream_, *this);
  open_ = node_.accept_stream(stream_);  // else it is told by on_stream_failed()
}

std::size_t NetworkLink::room() {
  if (finished_) return 0;
  return stream_ ? node_.writable(stream_) : router::kFirstOctets;
}

void NetworkLink::write(SliceQueue&& octets) {
  SliceQueue queue = std::move(octets);
  octets.clear();
  counters_.bytes_out += queue.bytes();
  if (!stream_) {
    const Bytes first = queue.peek(router::kFirstOctets);
    queue.consume(first.size());
    stream_ = node_.open_stream(producer_, *this, Slice::copy_of(first));
  }
  while (!queue.empty()) node_.write(stream_, queue.pop(queue.bytes()));
}

void NetworkLink::finish() {
  if (std::exchange(finished_, true) || !stream_) return;
  node_.finish(stream_);
}

void NetworkLink::reset() {
  const router::StreamId stream = std::exchange(stream_, {});
  if (!stream) return;
  node_.release_stream(stream);
  if (!ended_ || !finished_) node_.reset(stream);
}

void NetworkLink::on_stream_opened() {
  open_ = true;
  handler_->on_room();
}

void NetworkLink::on_stream_readable() {
  if (!open_ || ended_) return;
  SliceQueue* readable = node_.readable(stream_);
  if (readable == nullptr) return;
  SliceQueue octets = std::move(*readable);
  readable->clear();
  counters_.bytes_in += octets.bytes();
  if (!octets.empty()) node_.octets_taken(stream_, octets.bytes());
  while (!octets.empty()) handler_->on_bytes(octets.pop(octets.bytes()));
  if (!stream_ || !node_.finished(stream_)) return;
  ended_ = true;
  node_.fin_passed_on(stream_);
  handler_->on_end();
}

void NetworkLink::on_stream_failed(router::StreamFailure why) {
  stream_ = {};
  const bool untouched = why == router::StreamFailure::no_provider || why == router::StreamFailure::refused;
  handler_->on_broken({std::string{in_words(why)}, untouched});
}

}  // namespace van::proxy
