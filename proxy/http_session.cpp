#include "proxy/http_session.h"

#include <utility>

#include "core/router/router.h"

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kHeadTime{30};    ///< for a request's head, once it has begun
constexpr std::chrono::seconds kIdleTime{120};   ///< between requests
constexpr std::chrono::seconds kLingerTime{5};   ///< for a client to end its connection when we have; what it says is dropped
constexpr std::chrono::seconds kHalfTime{30};    ///< without an octet, for a client that has ended its direction and waits for an answer

std::size_t bytes(const SliceQueue* input) { return input == nullptr ? 0 : input->bytes(); }

}  // namespace

HttpSession::HttpSession(std::unique_ptr<Channel> client, Config config, Counters& counters, Owner& owner, TimePoint now)
    : client_{std::move(client)},
      relay_{std::move(config.forwarding)},
      counters_{counters},
      from_client_{config.to_network ? counters.bytes_out : counters.bytes_in},
      to_client_{config.to_network ? counters.bytes_in : counters.bytes_out},
      owner_{owner},
      since_{now} {
  client_->set_user(*this);
}

HttpSession::~HttpSession() { end_exchange(); }

void HttpSession::attach(std::unique_ptr<Channel> server, bool reused) {
  server_ = std::move(server);
  server_->set_user(*this);
  server_last_ = false;
  relay_.attach(reused);
  pump();
}

void HttpSession::fail(int status, std::string_view why) {
  relay_.fail(status, why);
  pump();
}

void HttpSession::drain() {
  relay_.drain();
  pump();
}

void HttpSession::pump() {
  stirred_ = true;
  if (std::exchange(pumping_, true)) {
    again_ = true;
    return;
  }
  do {
    again_ = false;
    if (over_) break;
    const bool moved = step();
    again_ = again_ || moved;
  } while (again_);
  pumping_ = false;
}

/// True when something moved, so that more may.
bool HttpSession::step() {
  if (client_->broken()) {
    over();
    return false;
  }
  const bool client_ended = client_->ended(), server_ended = server_ && server_->ended();  // their inputs may be gone with that
  SliceQueue* client_input = client_->input();
  SliceQueue* server_input = server_ ? server_->input() : nullptr;
  const std::size_t client_had = bytes(client_input);
  const std::size_t server_had = bytes(server_input);
  if (server_ && server_->broken() && server_had == 0) {
    const Channel::Failure failure = server_->failure();
    relay_.fail(failure.status, failure.why);
  }
  relay_.advance({.client = client_input,
                  .client_ended = client_ended,
                  .client_room = client_->room(),
                  .server = server_input,
                  .server_ended = server_ended,
                  .server_room = server_ ? server_->room() : router::kFirstOctets});
  const std::size_t from_client = client_had - bytes(client_input);
  const std::size_t from_server = server_had - bytes(server_input);
  if (from_client > 0) client_->taken(from_client);
  if (from_server > 0) server_->taken(from_server);
  bool moved = from_client + from_server > 0;
  while (const auto event = relay_.poll_event()) {
    handle(*event);
    moved = true;
    if (over_) return false;
  }
  moved = write() || moved;
  return check_ends() && moved;
}

void HttpSession::handle(http::Relay::Event event) {
  switch (event) {
    case http::Relay::Event::connect:
      return begin_exchange(false);
    case http::Relay::Event::connect_again:
      return begin_exchange(true);
    case http::Relay::Event::release:
      end_exchange();
      return owner_.server_released(std::move(server_));
    case http::Relay::Event::done:
      end_exchange();
      return owner_.server_done(std::move(server_));
    case http::Relay::Event::drop:
      end_exchange();
      if (!server_) return owner_.server_not_wanted(*this);
      server_->reset();
      return owner_.bury(std::move(server_));
    case http::Relay::Event::finish_server:
      server_last_ = true;
      return;
    case http::Relay::Event::finish_client:
    case http::Relay::Event::close_client:
      client_last_ = true;
      return;
    case http::Relay::Event::reset_client:
      client_->reset();
      return over();
  }
}

void HttpSession::begin_exchange(bool fresh) {
  if (!fresh) ++counters_.connections;
  ++exchanges_;
  if (!std::exchange(in_exchange_, true)) ++counters_.in_flight;
  owner_.server_wanted(*this, fresh);
}

void HttpSession::end_exchange() {
  if (std::exchange(in_exchange_, false)) --counters_.in_flight;
}

bool HttpSession::write() {
  SliceQueue& to_client = relay_.to_client();
  const bool client_last = std::exchange(client_last_, false);
  const bool some = !to_client.empty() || client_last;
  to_client_ += to_client.bytes();
  if (some) client_->write(std::move(to_client), client_last);
  if (!server_) return some;
  SliceQueue& to_server = relay_.to_server();
  const bool server_last = std::exchange(server_last_, false);
  const bool more = !to_server.empty() || server_last;
  from_client_ += to_server.bytes();
  if (more) server_->write(std::move(to_server), server_last);
  return some || more;
}

/// False when there is nothing left to do.
bool HttpSession::check_ends() {
  if (!relay_.closing() || !client_->ended() || !client_->flushed()) return true;
  over();
  return false;
}

void HttpSession::tick(TimePoint now) {
  if (std::exchange(stirred_, false)) since_ = now;
  const Duration silent = now - since_;
  if (over_) return;
  if (relay_.closing() ? silent >= kLingerTime : relay_.exchanging() && client_->ended() && silent >= kHalfTime) return over();
  if (relay_.reading_head()) {
    if (std::exchange(head_of_, exchanges_ + 1) != exchanges_ + 1) head_since_ = now;
    if (now - head_since_ < kHeadTime) return;
    relay_.time_out();
    pump();
  } else if (relay_.idle() && silent >= kIdleTime) {
    relay_.close_idle();
    pump();
  }
}

void HttpSession::over() {
  if (!std::exchange(over_, true)) owner_.session_over(*this);
}

}  // namespace van::proxy
