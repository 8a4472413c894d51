#include "proxy/http_client.h"

#include <utility>

#include "proxy/http_pages.h"

namespace van::proxy {
namespace {

using State = HttpConversation::State;

constexpr std::size_t kSocketHighWater = 256 * 1024;  ///< octets that wait for a slow client; above it the service waits

int status_of(NameRefusal::Kind kind) {
  switch (kind) {
    case NameRefusal::Kind::address:
    case NameRefusal::Kind::port: return 403;
    case NameRefusal::Kind::unknown:
    case NameRefusal::Kind::ambiguous:
    case NameRefusal::Kind::protocol: return 502;
    case NameRefusal::Kind::full: return 503;
  }
  return 502;
}

}  // namespace

HttpClient::HttpClient(const NameClient::Parts& parts, std::unique_ptr<io::Stream> socket)
    : parts_{parts},
      node_{parts.routes.parts().node},
      loop_{parts.routes.parts().loop},
      socket_{std::move(socket)},
      limit_{loop_, [this] {
               if (conversation_.state() != State::reading) return over();
               conversation_.timed_out();
               pump();
             }},
      reap_{loop_, [this] { farewells_.remove_if([](const Farewell& each) { return each.over(); }); }} {
  socket_->set_handler(*this);
  socket_->set_low_water(kSocketHighWater / 2);
  watch_client();
}

HttpClient::~HttpClient() {
  if (!stream_) return;
  --parts_.counters.in_flight;
  node_.release_stream(stream_);
  node_.reset(stream_);
}

void HttpClient::on_data(Slice data) {
  conversation_.from_client(std::move(data));
  pump();
}

void HttpClient::on_end() {
  conversation_.client_ended();
  if (conversation_.state() == State::closing && socket_->shut()) return over();
  pump();
}

void HttpClient::on_drained() { pump(); }
void HttpClient::on_closed(const io::Error&) { over(); }
void HttpClient::bridge_over(TcpBridge&) { over(); }
void HttpClient::on_stream_readable() { pump(); }
void HttpClient::on_stream_writable() { pump(); }

void HttpClient::on_stream_failed(router::StreamFailure) {
  stream_ = {};
  --parts_.counters.in_flight;
  conversation_.service_failed(502, "the connection to the service broke");
  pump();
}

void HttpClient::stream_opened(router::StreamId stream) {
  opening_.reset();
  stream_ = stream;
  fin_sent_ = false;
  unreported_ = 0;
  ++parts_.counters.connections;
  ++parts_.counters.in_flight;
  node_.attach_stream(stream, *this);
  conversation_.opened();
  pump();
}

void HttpClient::stream_not_opened(NamedStream::Failure why) {
  opening_.reset();
  service_ = {};
  switch (why) {
    case NamedStream::Failure::no_provider: conversation_.refuse(503, "nobody provides this service now; see: vanctl services"); break;
    case NamedStream::Failure::refused: conversation_.refuse(502, "the service's target can't be connected"); break;
    case NamedStream::Failure::lost: conversation_.refuse(502, "the way to the service broke"); break;
  }
  pump();
}

void HttpClient::pump() {
  while (step()) continue;
}

/// A client that does not read its answers gets no more of them.
bool HttpClient::may_find() const {
  return conversation_.state() == State::asking && opening_ == nullptr && !stream_ && socket_->queued_bytes() < kSocketHighWater;
}

/// Whether the next request was there already.
bool HttpClient::step() {
  if (over_ || bridge_ != nullptr) return false;
  if (may_find()) find_what_is_asked();
  to_service();
  while (from_service()) to_client();
  to_client();
  const State state = conversation_.state();
  if (stream_ && state != State::exchanging && state != State::tunnel) drop_stream();
  if (state == State::tunnel) hand_over();
  else if (state == State::closing || state == State::broken) end_client();
  else watch_client();
  return !over_ && bridge_ == nullptr && may_find();
}

void HttpClient::find_what_is_asked() {
  limit_.cancel();
  switch (conversation_.ask().kind) {
    case HttpAsk::Kind::tunnel:
    case HttpAsk::Kind::forward: return open_service();
    case HttpAsk::Kind::start_page:
    case HttpAsk::Kind::pac: return answer_own_page();
    case HttpAsk::Kind::refuse: return;  // the conversation does it itself
  }
}

void HttpClient::open_service() {
  const HttpAsk& ask = conversation_.ask();
  auto service = parts_.routes.find(ask.host, ask.port);
  if (!service) return conversation_.refuse(status_of(service.error().kind), service.error().why);
  if (ask.kind == HttpAsk::Kind::forward && service->protocol() == Protocol::http2)
    return conversation_.refuse(502, "this service speaks HTTP/2, and the request is HTTP/1: reach it through CONNECT, SOCKS or vanctl bind");
  service_ = *std::move(service);
  Slice first = conversation_.to_service().pop(router::kFirstOctets);
  parts_.counters.bytes_out += first.size();
  opening_ = std::make_unique<NamedStream>(parts_.routes, service_, std::move(first), *this);
}

void HttpClient::answer_own_page() {
  const std::string& authority = conversation_.ask().authority;
  if (conversation_.ask().kind == HttpAsk::Kind::pac)
    return conversation_.answer({.type = "application/x-ns-proxy-autoconfig", .body = pac_file(parts_.routes.known(), authority)});
  conversation_.answer({.type = "text/html; charset=utf-8", .body = start_page(parts_.routes.known(), authority)});
}

void HttpClient::to_service() {
  SliceQueue& waiting = conversation_.to_service();
  while (stream_ && !waiting.empty()) {
    const std::size_t room = node_.writable(stream_);
    if (room == 0) return;
    Slice part = waiting.pop(room);
    parts_.counters.bytes_out += part.size();
    node_.write(stream_, std::move(part));
    if (waiting.empty()) conversation_.service_took();
  }
  // A client that ends after its request is one that has ended for the service, as without us between them.
  if (stream_ && !fin_sent_ && conversation_.client_has_ended() && conversation_.request_complete()) {
    fin_sent_ = true;
    node_.finish(stream_);
  }
}

/// Whether it stopped for the client's sake, who may have room once it got what there is.
bool HttpClient::from_service() {
  while (stream_ && conversation_.state() == State::exchanging && socket_->queued_bytes() + conversation_.to_client().bytes() < kSocketHighWater) {
    SliceQueue* readable = node_.readable(stream_);
    if (readable == nullptr || readable->empty()) {
      if (node_.finished(stream_)) conversation_.service_ended();
      return false;
    }
    Slice part = readable->pop(kSocketHighWater);
    unreported_ += part.size();
    parts_.counters.bytes_in += part.size();
    conversation_.from_service(std::move(part));
  }
  return stream_ && conversation_.state() == State::exchanging && socket_->queued_bytes() < kSocketHighWater;
}

void HttpClient::to_client() {
  if (conversation_.state() == State::broken) return;
  if (!conversation_.to_client().empty()) {
    socket_->write(std::move(conversation_.to_client()));
    conversation_.to_client().clear();
  }
  if (stream_ && unreported_ > 0 && socket_->queued_bytes() < kSocketHighWater) node_.octets_taken(stream_, std::exchange(unreported_, 0));
}

void HttpClient::drop_stream() {
  --parts_.counters.in_flight;
  const router::StreamId stream = std::exchange(stream_, {});
  node_.release_stream(stream);
  service_ = {};
  if (unreported_ > 0) node_.octets_taken(stream, std::exchange(unreported_, 0));
  if (farewells_.size() >= limits::kNameFarewells) farewells_.pop_front();
  farewells_.emplace_back(node_, loop_, stream, [this] { reap_.schedule(); });
}

/// The conversation is over: from now on client and service talk as they like.
void HttpClient::hand_over() {
  limit_.cancel();
  if (!stream_ || conversation_.client_has_ended()) return over();
  const router::StreamId stream = std::exchange(stream_, {});
  --parts_.counters.in_flight;  // the bridge counts it
  --parts_.counters.connections;
  SliceQueue& behind = conversation_.from_client_behind();
  bridge_ = std::make_unique<TcpBridge>(node_, std::move(socket_), parts_.counters, *this);
  node_.attach_stream(stream, *bridge_);
  if (unreported_ > 0) node_.octets_taken(stream, std::exchange(unreported_, 0));
  for (SliceQueue* queue : {&conversation_.to_service(), &behind}) {
    while (!queue->empty()) {
      Slice part = queue->pop(queue->bytes());
      parts_.counters.bytes_out += part.size();
      node_.write(stream, std::move(part));
    }
  }
  bridge_->start(stream, true);
}

void HttpClient::end_client() {
  if (conversation_.state() == State::broken) {
    socket_->reset();
    return over();
  }
  if (!socket_->shut()) limit_.cancel();
  socket_->shutdown();
  if (conversation_.client_has_ended() && socket_->queued_bytes() == 0) return over();
  socket_->read_start();  // what it still says must not reset the connection before it has read the answer
  if (socket_->queued_bytes() == 0 && !limit_.armed()) limit_.arm(parts_.linger);
}

void HttpClient::watch_client() {
  if (conversation_.state() != State::reading) limit_.cancel();
  else if (!limit_.armed()) limit_.arm(parts_.word_time);
  if (conversation_.wants_client()) socket_->read_start();
  else socket_->read_stop();
}

void HttpClient::over() {
  if (std::exchange(over_, true)) return;
  limit_.cancel();
  parts_.owner.client_over(*this);
}

}  // namespace van::proxy
