#include "proxy/http2_connection.h"

#include <utility>
#include <variant>

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kLinger{2};

}  // namespace

Http2Connection::Http2Connection(io::Loop& loop, std::unique_ptr<ByteLink> link, const http2::Session::Config& config, Owner& owner)
    : loop_{loop}, owner_{owner}, session_{config}, link_{std::move(link)}, linger_{loop, [this] { abort(); }}, pump_{loop, [this] { pump(); }} {
  link_->start(*this);  // a client's first words go with its first request, and a server's are an answer
}

std::optional<http2::StreamNo> Http2Connection::request(const http2::Headers& headers, bool end, StreamHandler& handler) {
  const auto stream = session_.request(headers, end);
  if (stream) attach(*stream, handler);
  pump_.schedule();
  return stream;
}

void Http2Connection::interim(http2::StreamNo stream, const http2::Headers& headers) {
  session_.interim(stream, headers);
  pump_.schedule();
}

void Http2Connection::respond(http2::StreamNo stream, const http2::Headers& headers, bool end) {
  session_.respond(stream, headers, end);
  pump_.schedule();
}

void Http2Connection::send(http2::StreamNo stream, Slice octets) {
  session_.send(stream, std::move(octets));
  pump_.schedule();
}

void Http2Connection::finish(http2::StreamNo stream, http2::Headers trailers) {
  session_.finish(stream, std::move(trailers));
  pump_.schedule();
}

void Http2Connection::reset(http2::StreamNo stream, http2::ErrorCode code) {
  session_.reset(stream, code);
  pump_.schedule();
}

void Http2Connection::want_no_more(http2::StreamNo stream) {
  session_.want_no_more(stream);
  pump_.schedule();
}

void Http2Connection::taken(http2::StreamNo stream, std::size_t octets) {
  session_.taken(stream, octets);
  pump_.schedule();
}

void Http2Connection::close() {
  session_.go_away();
  pump_.schedule();
}

void Http2Connection::abort() {
  if (over_) return;
  link_->reset();
  over();
}

void Http2Connection::goodbye() {
  session_.go_away();
  if (!closing_) flush();
}

void Http2Connection::on_bytes(Slice bytes) {
  if (closing_) return;
  session_.receive(bytes, io::Loop::now());
  dispatch();
  pump_.schedule();
}

void Http2Connection::on_end() {
  if (!closing_) begin_close("the other end closed the connection");
  pump_.schedule();
}

void Http2Connection::on_broken(const ByteLink::Broken& broken) {
  lose_streams({.code = http2::ErrorCode::internal_error, .lost = true, .untouched = broken.untouched, .why = broken.why});
  over();
}

void Http2Connection::pump() {
  if (over_) return;
  dispatch();
  if (!closing_) {
    flush();
    dispatch();
  }
  if (!closing_ && session_.over() && !session_.wants_output()) {
    begin_close(session_.trouble().empty() ? "the connection has ended" : session_.trouble());
  }
  if (closing_ && link_->closed()) over();
}

void Http2Connection::flush() {
  for (std::size_t room = link_->room(); room > 0 && session_.wants_output(); room = link_->room()) {
    SliceQueue output;
    session_.take_output(output, room);
    if (output.empty()) return;
    link_->write(std::move(output));
  }
  if (session_.over() && !linger_.armed()) linger_.arm(kLinger);
}

void Http2Connection::dispatch() {
  while (auto event = session_.poll_event()) std::visit([this](auto& value) { handle(value); }, *event);
}

Http2Connection::StreamHandler* Http2Connection::handler_of(http2::StreamNo stream) {
  const auto found = handlers_.find(stream);
  return found == handlers_.end() ? nullptr : found->second;
}

void Http2Connection::handle(http2::HeadReceived& head) {
  if (head.kind == http2::Head::request) return owner_.request_came(*this, head);
  if (StreamHandler* handler = handler_of(head.stream)) handler->on_head(head);
}

void Http2Connection::handle(http2::DataReceived& data) {
  if (StreamHandler* handler = handler_of(data.stream)) handler->on_data(std::move(data.octets));
}

void Http2Connection::handle(const http2::EndReceived& end) {
  if (StreamHandler* handler = handler_of(end.stream)) handler->on_end();
}

void Http2Connection::handle(const http2::DataSent& sent) {
  if (StreamHandler* handler = handler_of(sent.stream)) handler->on_sent(sent.octets);
}

void Http2Connection::handle(const http2::StreamClosed& closed) {
  StreamHandler* handler = handler_of(closed.stream);
  detach(closed.stream);
  if (handler != nullptr) handler->on_closed({.code = closed.code});
  owner_.room_changed(*this);
}

void Http2Connection::handle(const http2::PeerChanged&) { owner_.room_changed(*this); }

void Http2Connection::lose_streams(const StreamEnd& end) {
  for (const auto& [stream, handler] : std::exchange(handlers_, {})) handler->on_closed(end);
}

void Http2Connection::begin_close(const std::string& why) {
  closing_ = true;
  link_->finish();
  linger_.arm(kLinger);
  pump_.schedule();
  lose_streams({.code = http2::ErrorCode::internal_error, .lost = true, .why = why});
}

void Http2Connection::over() {
  if (std::exchange(over_, true)) return;
  closing_ = true;
  linger_.cancel();
  pump_.cancel();
  lose_streams({.code = http2::ErrorCode::internal_error, .lost = true, .why = "the connection was broken off"});
  owner_.connection_over(*this);
}

}  // namespace van::proxy
