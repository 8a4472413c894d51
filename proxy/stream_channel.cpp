#include "proxy/stream_channel.h"

#include <algorithm>
#include <utility>

namespace van::proxy {
namespace {

/// At most `limit` octets off the front, in one piece.
Slice take_front(SliceQueue& queue, std::size_t limit) {
  const std::size_t count = std::min(limit, queue.bytes());
  if (count == 0 || queue.slices().front().size() >= count) return queue.pop(count);
  Slice slice = Slice::copy_of(queue.peek(count));
  queue.consume(count);
  return slice;
}

}  // namespace

StreamChannel::StreamChannel(link::Node& node, router::StreamId requested) : node_{node}, stream_{requested} { node_.attach_stream(stream_, *this); }

StreamChannel::~StreamChannel() {
  if (finished_ && ended_ && !broken_) node_.release_stream(stream_);
  else reset();
}

void StreamChannel::accept() {
  SliceQueue none;
  if (!begun_ && !broken_) begin(none, false);
}

void StreamChannel::refuse() {
  node_.release_stream(stream_);
  if (!std::exchange(broken_, true)) node_.refuse_stream(stream_);
}

SliceQueue* StreamChannel::input() { return broken_ || !stream_ ? nullptr : node_.readable(stream_); }

void StreamChannel::taken(std::size_t octets) {
  if (octets > 0 && !broken_) node_.octets_taken(stream_, octets);
}

bool StreamChannel::ended() {
  if (ended_ || broken_ || !stream_ || !node_.finished(stream_)) return ended_;
  ended_ = true;
  node_.fin_passed_on(stream_);
  return true;
}

std::size_t StreamChannel::room() {
  if (broken_ || finished_) return 0;
  return begun_ ? node_.writable(stream_) : router::kFirstOctets;
}

void StreamChannel::write(SliceQueue&& octets, bool last) {
  last = last && !finished_;
  if (!broken_ && !begun_ && !producer_ && octets.empty() && last) return refuse();  // no answer is none: another provider may have one
  if (!broken_ && !begun_ && (!octets.empty() || last)) begin(octets, last);
  while (!broken_ && !octets.empty()) node_.write(stream_, octets.pop(octets.bytes()));
  octets.clear();
  if (last && !broken_ && !std::exchange(finished_, true)) node_.finish(stream_);
}

void StreamChannel::begin(SliceQueue& octets, bool last) {
  begun_ = true;
  const bool whole = last && octets.bytes() <= router::kFirstOctets;
  Slice first = take_front(octets, router::kFirstOctets);
  if (producer_) {
    stream_ = node_.open_stream(producer_, *this, std::move(first), {}, one_request_ && octets.empty());
    return;
  }
  finished_ = whole;
  node_.accept_stream(stream_, std::move(first), whole);  // when it fails we are told
}

void StreamChannel::reset() {
  if (std::exchange(broken_, true) || !stream_) return;
  node_.release_stream(stream_);
  if (!begun_) node_.refuse_stream(stream_);
  else node_.reset(stream_);
}

void StreamChannel::on_stream_failed(router::StreamFailure why) {
  broken_ = true;
  switch (why) {
    case router::StreamFailure::no_provider: failure_ = {503, "nobody provides the service"}; break;
    case router::StreamFailure::refused: failure_ = {502, "the service's server can't be reached"}; break;
    case router::StreamFailure::reset: failure_ = {502, "the service's server broke the connection"}; break;
    case router::StreamFailure::lost: failure_ = {502, "the connection to the service's site was lost"}; break;
  }
  user_->channel_moved();
}

}  // namespace van::proxy
