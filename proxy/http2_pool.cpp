#include "proxy/http2_pool.h"

#include <algorithm>
#include <utility>

#include "core/base/limits.h"

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kConnectTimeout{10};

}  // namespace

Http2Pool::Http2Pool(io::Loop& loop, Target& target, Owner& owner, const Times& times)
    : loop_{loop},
      target_{target},
      owner_{owner},
      serve_later_{loop, [this] { serve_waiting(); }},
      reap_{loop, [this] { reap(); }},
      idle_{loop, [this] { close_idle(); }},
      times_{times},
      silence_{loop, [this] { drop_silent(); }} {}

bool Http2Pool::ready() const {
  return std::ranges::any_of(connections_, [](const Held& held) { return held.connection->can_open() || held.connection->streams() > 0; });
}

bool Http2Pool::full() const { return waiting_.size() >= limits::kHttp2Waiting; }

void Http2Pool::prepare() {
  if (!ready()) dial();
}

void Http2Pool::serve(Http2Exchange& exchange) {
  if (waiting_.empty() && place(exchange)) return;
  if (full()) return exchange.answer("503", "too many requests wait for the server");
  waiting_.push_back(&exchange);
  dial();
}

/// The connection with the fewest streams; one whose server takes no data now would hold the request up.
bool Http2Pool::place(Http2Exchange& exchange) {
  Held* best = nullptr;
  const auto rank = [](const Held& held) { return std::pair{held.connection->sends_stopped(), held.connection->streams()}; };
  for (Held& held : connections_) {
    if (held.connection->can_open() && (best == nullptr || rank(held) < rank(*best))) best = &held;
  }
  if (best == nullptr || !exchange.start(*best->connection)) return false;
  best->idle_since = kNever;
  return true;
}

void Http2Pool::serve_waiting() {
  while (!waiting_.empty() && place(*waiting_.front())) waiting_.erase(waiting_.begin());
  if (!waiting_.empty()) dial();
  for (Held& held : connections_) {
    if (held.connection->streams() == 0 && held.idle_since == kNever) held.idle_since = io::Loop::now();
  }
  if (!connections_.empty() && !idle_.armed()) idle_.arm(times_.idle);
}

void Http2Pool::dial() {
  if (connecting_ != nullptr || connections_.size() >= limits::kHttp2PoolConnections) return;
  if (std::ranges::any_of(connections_, [](const Held& held) { return !held.connection->greeted(); })) return;  // it may take them all
  connecting_ = target_.connect({.alpn = "h2"}, kConnectTimeout, [this](io::Result<std::unique_ptr<io::Stream>> result) { connected(std::move(result)); });
}

void Http2Pool::connected(io::Result<std::unique_ptr<io::Stream>> result) {
  connecting_over_ = std::move(connecting_);
  reap_.schedule();
  if (!result) {
    if (ready()) return;
    for (Http2Exchange* exchange : std::exchange(waiting_, {})) exchange->answer("503", "the server can't be reached: " + result.error().message);
    return owner_.pool_failed(result.error());
  }
  const http2::Session::Config config{http2::Session::Side::client, limits::kHttp2LocalWindow};
  Http2Connection::Owner& self = *this;
  connections_.push_back({std::make_unique<Http2Connection>(loop_, std::make_unique<SocketLink>(*std::move(result)), config, self), kNever});
  silence_.arm(times_.greeting);
  serve_waiting();
  owner_.pool_ready();
}

void Http2Pool::connection_over(Http2Connection& connection) {
  const auto found = std::ranges::find_if(connections_, [&](const Held& held) { return held.connection.get() == &connection; });
  over_.splice(over_.end(), connections_, found);
  reap_.schedule();
  serve_later_.schedule();
  if (!connection.trouble().empty()) owner_.pool_noticed(connection.trouble());
}

void Http2Pool::close_idle() {
  const TimePoint now = io::Loop::now();
  for (Held& held : connections_) {
    if (held.connection->streams() == 0 && held.idle_since != kNever && now - held.idle_since >= times_.idle) held.connection->close();
  }
  if (!connections_.empty()) idle_.arm(times_.idle);
}

/// At most one is without a greeting: dial() waits for it.
void Http2Pool::drop_silent() {
  const auto silent = std::ranges::find_if(connections_, [](const Held& held) { return !held.connection->greeted(); });
  if (silent == connections_.end()) return;
  const std::string why = "the server does not greet: it speaks no HTTP/2";
  owner_.pool_noticed(why);
  silent->connection->abort();
  for (Http2Exchange* exchange : std::exchange(waiting_, {})) exchange->answer("502", why);
}

void Http2Pool::reap() {
  over_.clear();
  connecting_over_.reset();
}

}  // namespace van::proxy
