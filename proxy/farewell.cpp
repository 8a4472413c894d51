#include "proxy/farewell.h"

#include <utility>

namespace van::proxy {

Farewell::Farewell(link::Node& node, io::Loop& loop, router::StreamId stream, std::function<void()> done)
    : node_{node}, stream_{stream}, done_{std::move(done)}, patience_{loop, [this] {
        reset();
        done_();
      }} {
  node_.attach_stream(stream_, *this);
  node_.finish(stream_);
  patience_.arm(kPatience);
  on_stream_readable();
}

Farewell::~Farewell() { reset(); }

void Farewell::on_stream_readable() {
  if (!stream_) return;
  if (SliceQueue* readable = node_.readable(stream_); readable != nullptr && !readable->empty()) {
    const std::size_t count = readable->bytes();
    readable->clear();
    node_.octets_taken(stream_, count);
  }
  if (!node_.finished(stream_)) return;
  const router::StreamId stream = std::exchange(stream_, {});
  node_.release_stream(stream);
  node_.fin_passed_on(stream);
  patience_.cancel();
  done_();
}

void Farewell::on_stream_failed(router::StreamFailure) {
  stream_ = {};
  patience_.cancel();
  done_();
}

void Farewell::reset() {
  if (!stream_) return;
  const router::StreamId stream = std::exchange(stream_, {});
  node_.release_stream(stream);
  node_.reset(stream);
}

}  // namespace van::proxy
