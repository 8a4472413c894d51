#include "proxy/http2_exchange.h"

#include <utility>

#include "core/base/limits.h"

namespace van::proxy {

using http2::ErrorCode;
using http2::Headers;

namespace {

constexpr int kTries = 2;

/// As gRPC writes grpc-message: what is printable stays, but '%'.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet <= 0x7e && c != '%') {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[octet >> 4];
      encoded += kDigits[octet & 15];
    }
  }
  return encoded;
}

}  // namespace

Http2Exchange::Http2Exchange(Http2Connection& front, http2::HeadReceived& request, Counters& counters, Owner& owner)
    : counters_{counters}, owner_{owner}, front_{&front}, front_stream_{request.stream}, request_{std::move(request.headers)}, request_ended_{request.end} {
  head_only_ = value_of(request_, ":method") == "HEAD";
  front.attach(front_stream_, from_front_);
  ++counters_.connections;
  ++counters_.in_flight;
}

Http2Exchange::~Http2Exchange() {
  --counters_.in_flight;
  if (front_ != nullptr) front_->detach(front_stream_);
  if (back_ != nullptr) back_->detach(back_stream_);
}

bool Http2Exchange::start(Http2Connection& back) {
  ++tries_;
  const auto stream = back.request(request_, request_ended_ && body_given_ == 0 && trailers_.empty(), from_back_);
  if (!stream) return false;
  back_ = &back;
  back_stream_ = *stream;
  body_sent_ = 0;
  for (const Slice& octets : body_.slices()) back.send(back_stream_, octets);
  if (body_given_ > limits::kHttp2ReplayBytes) body_.clear();
  if (request_ended_) back.finish(back_stream_, trailers_);
  return true;
}

// ---- From the client ----

void Http2Exchange::request_data(Slice octets) {
  body_given_ += octets.size();
  if (response_begun_ && back_ == nullptr) return front_->taken(front_stream_, octets.size());  // nobody wants it any more
  if (back_ == nullptr) return body_.push(std::move(octets));
  // What may have to be said again is kept; its octets are shared.
  if (!response_begun_ && body_given_ <= limits::kHttp2ReplayBytes) body_.push(octets);
  else body_.clear();
  back_->send(back_stream_, std::move(octets));
}

void Http2Exchange::request_ended(bool too_large, Headers trailers) {
  if (too_large) {
    leave_back(ErrorCode::cancel);
    return front_->reset(front_stream_, ErrorCode::enhance_your_calm);
  }
  request_ended_ = true;
  trailers_ = std::move(trailers);
  if (back_ != nullptr) back_->finish(back_stream_, trailers_);
}

void Http2Exchange::request_sent(std::size_t octets) {
  body_sent_ += octets;
  if (body_sent_ <= body_taken_ || front_ == nullptr) return;
  front_->taken(front_stream_, body_sent_ - body_taken_);
  body_taken_ = body_sent_;
}

void Http2Exchange::front_closed(const Http2Connection::StreamEnd& end) {
  front_ = nullptr;
  leave_back(end.lost || end.code == ErrorCode::no_error ? ErrorCode::cancel : end.code);
  over();
}

// ---- From the server ----

void Http2Exchange::response_head(http2::HeadReceived& head) {
  if (head.too_large) {
    leave_back(ErrorCode::enhance_your_calm);
    return response_begun_ ? fail(ErrorCode::internal_error) : answer("502", "the header of the service's response is too large");
  }
  if (head.kind == http2::Head::interim) return front_->interim(front_stream_, head.headers);
  if (head.kind == http2::Head::trailers) return response_ended(std::move(head.headers));
  response_begins();
  response_ended_ = head.end;
  front_->respond(front_stream_, head.headers, head.end);
}

void Http2Exchange::response_data(Slice octets) { front_->send(front_stream_, std::move(octets)); }

void Http2Exchange::response_ended(Headers trailers) {
  response_ended_ = true;
  front_->finish(front_stream_, std::move(trailers));
}

void Http2Exchange::response_sent(std::size_t octets) {
  if (back_ != nullptr) back_->taken(back_stream_, octets);
}

void Http2Exchange::back_closed(const Http2Connection::StreamEnd& end) {
  if (back_ == nullptr) return;
  Http2Connection& back = *std::exchange(back_, nullptr);
  owner_.let_go(back, end.lost);
  if (!response_ended_) return failed(end);
  if (!request_ended_) front_->want_no_more(front_stream_);
}

// ---- Failures ----

void Http2Exchange::failed(const Http2Connection::StreamEnd& end) {
  const bool refused = !end.lost && end.code == ErrorCode::refused_stream;
  const bool whole = body_.bytes() == body_given_;
  if (refused && !response_begun_ && whole && tries_ < kTries && owner_.try_again(*this)) return;
  if (end.lost && !response_begun_) return answer(end.untouched ? "503" : "502", end.why);
  fail(end.lost || end.code == ErrorCode::no_error ? ErrorCode::internal_error : end.code);
}

/// The back end is not there any more, and the response not whole.
void Http2Exchange::fail(ErrorCode code) {
  response_begins();
  front_->reset(front_stream_, code);
}

void Http2Exchange::answer(std::string_view status, std::string_view why) {
  const bool grpc = is_grpc() && status.starts_with("50");
  response_begins();
  response_ended_ = true;
  if (grpc) {
    front_->respond(front_stream_,
                    {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "14"}, {"grpc-message", percent_encoded(why)}}, true);
  } else {
    const std::string text = std::string{why} + "\n";
    front_->respond(front_stream_, {{":status", std::string{status}}, {"content-type", "text/plain; charset=utf-8"}, {"content-length", std::to_string(text.size())}},
                    head_only_);
    if (!head_only_) {
      front_->send(front_stream_, Slice::copy_of(as_bytes(text)));
      front_->finish(front_stream_);
    }
  }
  if (!request_ended_) front_->want_no_more(front_stream_);
}

void Http2Exchange::leave_back(ErrorCode code) {
  if (back_ == nullptr) return;
  Http2Connection& back = *std::exchange(back_, nullptr);
  back.detach(back_stream_);
  back.reset(back_stream_, code);
  owner_.let_go(back, true);
}

void Http2Exchange::response_begins() {
  response_begun_ = true;
  request_.clear();
  if (back_ == nullptr && front_ != nullptr && body_.bytes() > 0 && body_given_ > body_taken_) {  // nobody will take what waits
    front_->taken(front_stream_, body_given_ - std::exchange(body_taken_, body_given_));
  }
  body_.clear();
}

void Http2Exchange::over() {
  if (!std::exchange(over_, true)) owner_.exchange_over(*this);
}

bool Http2Exchange::is_grpc() const { return value_of(request_, "content-type").starts_with("application/grpc"); }

}  // namespace van::proxy
