#include "proxy/http_conversation.h"

#include <string>
#include <utility>

#include "core/base/assert.h"

namespace van::proxy {
namespace {

using Kind = http::Framing::Kind;

void push_text(SliceQueue& queue, std::string_view text) { queue.push_copy(as_bytes(text)); }

}  // namespace

void HttpConversation::from_client(Slice octets) {
  if (state_ == State::closing || state_ == State::broken) return;
  input_.push(std::move(octets));
  advance();
}

void HttpConversation::client_ended() {
  client_ended_ = true;
  advance();
}

void HttpConversation::timed_out() {
  if (state_ != State::reading) return;
  if (request_.begun()) refuse_for_good(408, "the request did not come in time");
  else close(State::closing);
}

void HttpConversation::advance() {
  for (bool more = true; more;) {
    switch (state_) {
      case State::reading: more = read_head(); break;
      case State::skipping: more = skip_content(); break;
      case State::exchanging: more = pass_content(); break;
      case State::asking:
      case State::tunnel:
      case State::closing:
      case State::broken: more = false; break;
    }
  }
}

/// Whether there is more to do.
bool HttpConversation::read_head() {
  if (input_.empty()) {
    if (client_ended_) close(State::closing);
    return false;
  }
  const auto used = request_.feed(input_.slices().front().view());
  if (!used) {
    client_.keep_alive = false;
    is_head_ = false;
    refuse_for_good(used.error().status, used.error().what);
    return false;
  }
  input_.consume(*used);
  if (request_.whole()) begin();
  return true;
}

void HttpConversation::begin() {
  const http::RequestHead& head = request_.head();
  ask_ = read_ask(head);
  body_ = http::BodyReader{head.body};
  client_ = {.minor = head.minor, .keep_alive = head.keep_alive, .chunks = head.minor > 0};
  is_head_ = head.is_head();
  expects_continue_ = head.expects_continue;
  upgrade_asked_ = !head.connection.upgrade.empty();
  response_begun_ = false;
  response_.reset();
  state_ = State::asking;
  if (ask_.kind == HttpAsk::Kind::forward) push_text(to_service_, forwarded_request(head, request_.fields(), ask_));
  if (ask_.kind == HttpAsk::Kind::refuse) refuse(ask_.status, ask_.why);
}

void HttpConversation::opened() {
  VAN_ASSERT(state_ == State::asking);
  if (ask_.kind == HttpAsk::Kind::tunnel) {
    push_text(to_client_, "HTTP/1.1 200 Connection established\r\n\r\n");
    state_ = State::tunnel;
    return;
  }
  state_ = State::exchanging;
  advance();
}

void HttpConversation::answer(const HttpAnswer& answer) {
  to_service_.clear();
  // Who waits for "100 Continue" may send its content or not: nobody could tell where the next request begins.
  if (expects_continue_ && !body_.complete()) client_.keep_alive = false;
  push_text(to_client_, answer_head(answer, client_));
  if (!is_head_) push_text(to_client_, answer.body);
  skipped_ = 0;
  if (!client_.keep_alive) return close(State::closing);
  state_ = State::skipping;
  advance();
}

void HttpConversation::refuse(int status, std::string_view why) { answer({.status = status, .body = std::string{why} + "\n"}); }

void HttpConversation::refuse_for_good(int status, std::string_view why) {
  client_.keep_alive = false;
  refuse(status, why);
}

bool HttpConversation::skip_content() {
  while (!body_.complete()) {
    if (input_.empty() && client_ended_) close(State::closing);
    if (input_.empty()) return false;
    const auto used = body_.skip(input_.slices().front().view());
    if (!used || (skipped_ += *used) > kSkippedMax) {
      close(State::closing);
      return false;
    }
    input_.consume(*used);
  }
  next();
  return true;
}

bool HttpConversation::pass_content() {
  while (!body_.complete() && !input_.empty() && to_service_.bytes() < kBacklog) {
    const Slice& front = input_.slices().front();
    const auto used = body_.skip(front.view());
    if (!used) {
      if (response_begun_) close(State::broken);
      else refuse_for_good(used.error().status, used.error().what);
      return false;
    }
    to_service_.push(front.part(0, *used));
    input_.consume(*used);
  }
  return false;
}

void HttpConversation::from_service(Slice octets) {
  while (state_ == State::exchanging && !response_begun_ && !octets.empty()) read_response_head(octets);
  if (octets.empty()) return;
  if (state_ == State::tunnel) to_client_.push(std::move(octets));
  if (state_ == State::exchanging) pass_response(std::move(octets));
}

void HttpConversation::read_response_head(Slice& octets) {
  const auto used = response_.feed(octets.view(), {.is_head = is_head_});
  if (!used) return refuse_for_good(502, "the service's answer is no HTTP: " + std::string{used.error().what});
  octets.remove_prefix(*used);
  if (response_.whole()) take_response_head();
}

void HttpConversation::take_response_head() {
  const http::ResponseHead& head = response_.head();
  if (head.interim()) {  // HTTP/1.0 knows none (RFC 9110 §15.2)
    if (client_.minor > 0) push_text(to_client_, forwarded_response(head, response_.fields(), client_));
    return response_.reset();
  }
  const bool tunnel = head.body.kind == Kind::tunnel;
  if (tunnel && !upgrade_asked_) return refuse_for_good(502, "the service changes the protocol, and nobody has asked for that");
  response_body_ = http::BodyReader{tunnel ? http::Framing{} : head.body};
  // To a client that knows no chunks, the end of the connection is the end of the response.
  if (head.body.kind == Kind::until_close || (head.body.kind == Kind::chunked && !client_.chunks)) client_.keep_alive = false;
  push_text(to_client_, forwarded_response(head, response_.fields(), client_));
  response_begun_ = true;
  if (tunnel) state_ = State::tunnel;
  else if (response_body_.complete()) finish();
}

void HttpConversation::pass_response(Slice octets) {
  while (!octets.empty() && !response_body_.complete()) {
    const auto piece = response_body_.read(octets.view());
    if (!piece) return close(State::broken);
    const bool as_it_is = client_.chunks || response_.head().body.kind != Kind::chunked;
    if (as_it_is) to_client_.push(octets.part(0, piece->used));
    else to_client_.push_copy(piece->content);
    octets.remove_prefix(piece->used);
  }
  if (response_body_.complete()) finish();
}

void HttpConversation::service_ended() {
  if (state_ != State::exchanging) return;
  if (!response_begun_) return refuse_for_good(502, "the service ended the connection without an answer");
  if (!response_body_.end()) return close(State::broken);
  finish();
}

void HttpConversation::service_failed(int status, std::string_view why) {
  if (state_ != State::exchanging && state_ != State::asking) return;
  if (response_begun_) close(State::broken);
  else refuse_for_good(status, why);
}

/// The response is with the client. A request that is not whole by then leaves no place where the next one could begin.
void HttpConversation::finish() {
  if (!client_.keep_alive || !body_.complete()) return close(State::closing);
  next();
  advance();
}

void HttpConversation::next() {
  to_service_.clear();
  request_.reset();
  state_ = State::reading;
}

void HttpConversation::close(State how) {
  input_.clear();
  to_service_.clear();
  state_ = how;
}

}  // namespace van::proxy
