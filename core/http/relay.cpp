#include "core/http/relay.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "core/base/limits.h"
#include "core/http/head_writer.h"

namespace van::http {
namespace {

constexpr std::array<std::string_view, 6> kIdempotent{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"};  // RFC 9110 §9.2.2

std::string chunk_size(std::size_t octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (; octets > 0; octets /= 16) text.insert(text.begin(), kDigits[octets % 16]);
  return text + "\r\n";
}

/// Moves octets as they are; true when some moved.
bool move(SliceQueue* from, Gathered& to, std::size_t room) {
  if (from == nullptr || from->empty() || room == 0) return false;
  for (; !from->empty() && room > 0;) {
    Slice slice = from->pop(room);
    room -= slice.size();
    to.add(std::move(slice));
  }
  return true;
}

bool none_left(const SliceQueue* queue) { return queue == nullptr || queue->empty(); }

}  // namespace

std::optional<Relay::Event> Relay::poll_event() {
  if (events_.empty()) return std::nullopt;
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

void Relay::advance(const Ends& given) {
  Ends ends = given;
  bool moved = true;
  while (moved) {
    ends.client_room = given.client_room - std::min(given.client_room, to_client_.bytes());
    ends.server_room = given.server_room - std::min(given.server_room, to_server_.bytes());
    moved = false;
    switch (step_) {
      case Step::request:
        moved = read_request(ends);
        break;
      case Step::exchange: {
        const bool sent = pass_request(ends);
        moved = step_ == Step::exchange && read_response(ends);
        moved = moved || sent;
        break;
      }
      case Step::tunnel:
        moved = tunnel(ends);
        break;
      case Step::closing:
        if (ends.client != nullptr) ends.client->clear();
        break;
    }
  }
}

// ---- Request ----

bool Relay::read_request(const Ends& ends) {
  if (ends.client_room == 0) return false;  // who does not take answers gets no more
  if (none_left(ends.client)) {
    if (ends.client_ended) close();
    return false;
  }
  const auto used = request_.feed(ends.client->slices().front().view());
  if (!used) {
    keep_alive_ = false;
    answer(used.error().status, used.error().what, false);
    return true;
  }
  ends.client->consume(*used);
  return !request_.whole() || begin_exchange();
}

bool Relay::begin_exchange() {
  const RequestHead& head = request_.head();
  keep_alive_ = head.keep_alive;
  request_body_ = BodyReader{head.body};
  response_.reset();
  continued_ = answered_ = heard_ = false;
  if (head.is_connect()) {
    answer(501, "CONNECT is not for services", false);
    return true;
  }
  const Field* hops = head.method == "OPTIONS" || head.method == "TRACE" ? find(request_.fields(), FieldName::max_forwards) : nullptr;
  if (hops != nullptr && hops->value == "0") {  // RFC 9110 §7.6.2: we are the last recipient
    answer(head.method == "OPTIONS" ? 200 : 501, "this is a gateway", keep_alive_ && sent_whole());
    return true;
  }
  step_ = Step::exchange;
  server_ = Server::wanted;
  repeatable_ = std::ranges::find(kIdempotent, head.method) != kIdempotent.end();
  sent_.clear();
  const std::size_t before = to_server_.bytes();
  write_request(to_server_.text(), head, request_.fields(), forwarding_);
  sent_head_bytes_ = to_server_.bytes() - before;
  events_.push_back(Event::connect);
  return true;
}

bool Relay::pass_request(const Ends& ends) {
  if (sent_whole()) return false;
  if (none_left(ends.client)) {
    if (!ends.client_ended) return false;
    let_go(Event::drop);  // half a request is none
    close();
    return true;
  }
  if (ends.server_room == 0) return false;
  const Slice& front = ends.client->slices().front();
  const auto used = request_body_.skip(front.view().first(std::min(front.size(), ends.server_room)));
  if (!used) {
    let_go(Event::drop);
    if (answered_) reset();
    else answer(used.error().status, used.error().what, false);
    return true;
  }
  to_server(front.part(0, *used));
  ends.client->consume(*used);
  return true;
}

void Relay::to_server(Slice octets) {
  if (repeatable_ && !heard_) {
    repeatable_ = sent_head_bytes_ + sent_.bytes() + octets.size() <= limits::kHttpRepeatBytes;
    if (repeatable_) sent_.push(octets);
    else sent_.clear();
  }
  to_server_.add(std::move(octets));
}

void Relay::attach(bool reused) {
  server_ = Server::attached;
  reused_ = reused;
}

// ---- Response ----

bool Relay::read_response(const Ends& ends) {
  if (server_ != Server::attached) return false;
  if (answered_) return pass_response(ends);
  if (none_left(ends.server)) {
    if (!ends.server_ended) return false;
    fail(502, "the server ended the connection without an answer");
    return true;
  }
  if (ends.client_room == 0) return false;
  heard_ = true;
  sent_.clear();
  const RequestHead& head = request_.head();
  const auto used = response_.feed(ends.server->slices().front().view(), {.is_head = head.is_head()});
  if (!used) {
    fail(502, used.error().what);
    return true;
  }
  ends.server->consume(*used);
  return !response_.whole() || begin_response(ends);
}

bool Relay::begin_response(const Ends& ends) {
  const ResponseHead& head = response_.head();
  const int minor = request_.head().minor;
  if (head.interim()) {
    continued_ = continued_ || head.status == 100;
    if (minor > 0) write_response(to_client_.text(), head, response_.fields(), minor, true);  // RFC 9110 §15.2
    response_.reset();
    return true;
  }
  if (head.body.kind == Framing::Kind::tunnel && request_.head().connection.upgrade.empty()) {
    fail(502, "the server switched to a protocol that nobody asked for");
    return true;
  }
  coding_ = coding_for(head, minor);
  response_body_ = BodyReader{head.body};
  const bool until_close = minor == 0 && (head.body.kind == Framing::Kind::until_close || coding_ == Coding::out_of_chunks);
  // A client that was not told to go on need not send the content that it announced: nobody knows where its next request begins.
  unsure_ = request_.head().expects_continue && !continued_ && !sent_whole();
  keep_alive_ = keep_alive_ && !draining_ && !until_close && !unsure_ && !(ends.client_ended && none_left(ends.client));
  answered_ = true;
  write_response(to_client_.text(), head, response_.fields(), minor, keep_alive_);
  if (head.body.kind == Framing::Kind::tunnel) {
    step_ = Step::tunnel;
    server_finished_ = client_finished_ = false;
  }
  return true;
}

bool Relay::pass_response(const Ends& ends) {
  if (response_body_.complete()) return end_response(ends);
  if (!none_left(ends.server)) return ends.client_room > 0 && pass_piece(*ends.server, ends.client_room);
  if (!ends.server_ended) return false;
  if (!response_body_.end()) {
    fail(502, "the server ended the connection in the middle of its answer");
    return true;
  }
  if (coding_ == Coding::into_chunks) to_client_.text() += "0\r\n\r\n";
  return true;
}

bool Relay::pass_piece(SliceQueue& from, std::size_t room) {
  const Slice& front = from.slices().front();
  const ByteView octets = front.view().first(std::min(front.size(), room));
  BodyReader::Piece piece;
  if (coding_ == Coding::as_it_came) {
    const auto used = response_body_.skip(octets);
    if (used) piece = {*used, octets.first(*used)};
    else fail(502, used.error().what);
  } else {
    const auto read = response_body_.read(octets);
    if (read) piece = *read;
    else fail(502, read.error().what);
  }
  if (step_ != Step::exchange || server_ != Server::attached) return true;
  if (!piece.content.empty()) {
    const bool chunk = coding_ == Coding::into_chunks;
    if (chunk) to_client_.text() += chunk_size(piece.content.size());
    to_client_.add(front.part(static_cast<std::size_t>(piece.content.data() - front.data()), piece.content.size()));
    if (chunk) to_client_.text() += "\r\n";
  }
  from.consume(piece.used);
  return true;
}

bool Relay::end_response(const Ends& ends) {
  // A server may have said all before it has heard all.
  const bool whole = sent_whole() && to_server_.bytes() == 0;
  if (!whole && !unsure_ && !ends.server_ended) return false;
  const bool clean = whole && none_left(ends.server) && !ends.server_ended && !forwarding_.close_server && response_.head().keep_alive;
  let_go(clean ? Event::release : whole ? Event::done : Event::drop);
  if (!keep_alive_ || draining_ || !sent_whole()) {
    close();
    return true;
  }
  request_.reset();
  step_ = Step::request;
  return true;
}

bool Relay::tunnel(const Ends& ends) {
  const bool sent = move(ends.client, to_server_, ends.server_room);
  const bool received = move(ends.server, to_client_, ends.client_room);
  if (ends.client_ended && none_left(ends.client) && !std::exchange(server_finished_, true)) events_.push_back(Event::finish_server);
  if (ends.server_ended && none_left(ends.server) && !std::exchange(client_finished_, true)) events_.push_back(Event::finish_client);
  if (server_finished_ && client_finished_ && !sent && !received) {
    let_go(Event::done);
    close();
  }
  return sent || received;
}

// ---- Ends ----

void Relay::fail(int status, std::string_view why) {
  if (step_ != Step::exchange && step_ != Step::tunnel) return;
  const bool again = server_ == Server::attached && reused_ && !heard_ && repeatable_;
  let_go(Event::drop);
  if (again) {
    // What has come of the request goes out once more; the rest of it follows as it comes.
    write_request(to_server_.text(), request_.head(), request_.fields(), forwarding_);
    for (const Slice& slice : sent_.slices()) to_server_.add(slice);
    server_ = Server::wanted;
    events_.push_back(Event::connect_again);
    return;
  }
  if (answered_ && step_ == Step::exchange && response_body_.complete()) return close();
  if (answered_) return reset();
  answer(status, why, keep_alive_ && sent_whole());
}

void Relay::time_out() {
  if (reading_head()) answer(408, "the request took too long", false);
}

void Relay::close_idle() {
  if (idle()) close();
}

void Relay::drain() {
  draining_ = true;
  close_idle();
}

void Relay::let_go(Event how) {
  to_server_.clear();
  if (std::exchange(server_, Server::none) != Server::none) events_.push_back(how);
}

void Relay::answer(int status, std::string_view why, bool keep_alive) {
  std::string body = std::to_string(status) + " " + std::string{status == 200 ? "OK" : reason_of(status)} + ": " + std::string{why} + "\n";
  HeadWriter writer{to_client_.text()};
  writer.status_line(status, status == 200 ? "OK" : reason_of(status));
  writer.field("Content-Type", "text/plain; charset=utf-8");
  writer.field("Content-Length", std::to_string(body.size()));
  if (!keep_alive) writer.field("Connection", "close");
  else if (request_.head().minor == 0) writer.field("Connection", "keep-alive");
  writer.end();
  if (!request_.whole() || !request_.head().is_head()) to_client_.text() += body;
  if (!keep_alive) return close();
  request_.reset();
  step_ = Step::request;
}

void Relay::reset() {
  step_ = Step::closing;
  events_.push_back(Event::reset_client);
}

void Relay::close() {
  if (std::exchange(step_, Step::closing) != Step::closing) events_.push_back(Event::close_client);
}

}  // namespace van::http
