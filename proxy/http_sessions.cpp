#include "proxy/http_sessions.h"

#include <utility>

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kTick{1};

}  // namespace

HttpSessions::HttpSessions(io::Loop& loop) : timer_{loop, [this] { tick(); }}, reap_{loop, [this] { reap_all(); }} {}

HttpSession& HttpSessions::add(std::unique_ptr<Channel> client, HttpSession::Config config, Counters& counters, HttpSession::Owner& owner) {
  auto session = std::make_unique<HttpSession>(std::move(client), std::move(config), counters, owner, io::Loop::now());
  HttpSession& added = *session;
  sessions_[&added] = std::move(session);
  if (!timer_.armed()) timer_.arm(kTick);
  return added;
}

void HttpSessions::reap(HttpSession& session) {
  over_.push_back(&session);
  reap_.schedule();
}

void HttpSessions::reap(std::unique_ptr<Channel> channel) {
  channels_.push_back(std::move(channel));
  reap_.schedule();
}

void HttpSessions::drain() {
  for (const auto& [key, session] : sessions_) session->drain();
}

void HttpSessions::clear() {
  over_.clear();
  channels_.clear();
  sessions_.clear();
}

void HttpSessions::tick() {
  const TimePoint now = io::Loop::now();
  for (const auto& [key, session] : sessions_) session->tick(now);  // who is over is reaped later
  if (!sessions_.empty()) timer_.arm(kTick);
}

void HttpSessions::reap_all() {
  for (HttpSession* session : std::exchange(over_, {})) sessions_.erase(session);
  channels_.clear();
}

}  // namespace van::proxy
