#include "proxy/pending_streams.h"

#include <utility>

#include "core/base/limits.h"

namespace van::proxy {

struct PendingStreams::Pending final : link::StreamHandler {
  Pending(PendingStreams& owner, router::StreamId id, std::unique_ptr<Target::Connecting> connecting)
      : all{owner}, stream{id}, server{std::move(connecting)} {}
  void on_stream_opened() override {}
  void on_stream_readable() override {}
  void on_stream_writable() override {}
  void on_stream_failed(router::StreamFailure) override { all.forget(stream); }
  PendingStreams& all;
  router::StreamId stream;
  std::unique_ptr<Target::Connecting> server;
};

PendingStreams::PendingStreams(link::Node& node, io::Loop& loop) : node_{node}, reap_{loop, [this] { over_.clear(); }} {}

PendingStreams::~PendingStreams() {
  for (const router::StreamId stream : take_all()) node_.refuse_stream(stream);
}

bool PendingStreams::full() const { return pending_.size() >= limits::kConnecting; }

void PendingStreams::add(router::StreamId stream, std::unique_ptr<Target::Connecting> server) {
  auto& pending = pending_[stream];
  pending = std::make_unique<Pending>(*this, stream, std::move(server));
  node_.attach_stream(stream, *pending);
}

void PendingStreams::take(router::StreamId stream) {
  node_.release_stream(stream);
  forget(stream);
}

std::vector<router::StreamId> PendingStreams::take_all() {
  std::vector<router::StreamId> streams;
  while (!pending_.empty()) {
    streams.push_back(pending_.begin()->first);
    take(streams.back());
  }
  return streams;
}

/// Its connection, or the router, may be calling us.
void PendingStreams::forget(router::StreamId stream) {
  const auto found = pending_.find(stream);
  if (found == pending_.end()) return;
  over_.push_back(std::move(found->second));
  pending_.erase(found);
  reap_.schedule();
}

}  // namespace van::proxy
