#include "proxy/server_pool.h"

#include <algorithm>
#include <utility>

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kUnused{30};

}  // namespace

ServerPool::ServerPool(io::Loop& loop, std::size_t most) : most_{most}, timer_{loop, [this] { expire(); }}, reap_{loop, [this] { gone_.clear(); }} {}

std::unique_ptr<SocketChannel> ServerPool::take(Duration most) {
  if (waiting_.empty() || io::Loop::now() - waiting_.back().since > most) return nullptr;
  auto channel = std::move(waiting_.back().channel);
  waiting_.pop_back();
  return channel;
}

void ServerPool::give(std::unique_ptr<SocketChannel> channel) {
  const bool usable = !channel->broken() && !channel->ended() && channel->input()->empty();
  if (usable && waiting_.size() >= most_) leave(waiting_.front());
  waiting_.emplace_back(*this, std::move(channel), io::Loop::now());
  waiting_.back().channel->set_user(waiting_.back());
  if (!usable) leave(waiting_.back());
  if (!timer_.armed()) timer_.arm(kUnused);
}

void ServerPool::leave(const Waiting& waiting) {
  const auto found = std::ranges::find_if(waiting_, [&](const Waiting& each) { return &each == &waiting; });
  if (found == waiting_.end()) return;  // it has left
  gone_.splice(gone_.end(), waiting_, found);
  reap_.schedule();
}

void ServerPool::expire() {
  const TimePoint now = io::Loop::now();
  while (!waiting_.empty() && now - waiting_.front().since >= kUnused) leave(waiting_.front());
  if (!waiting_.empty()) timer_.arm(waiting_.front().since + kUnused - now);
}

}  // namespace van::proxy
