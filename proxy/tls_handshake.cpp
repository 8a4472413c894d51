#include "proxy/tls_handshake.h"

#include <utility>

#include "proxy/tls_stream.h"

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kHandshakeTimeout{10};

}  // namespace

TlsHandshake::TlsHandshake(io::Loop& loop, io::Worker& worker, std::unique_ptr<io::Stream> stream, std::shared_ptr<const tls::Context> context,
                           std::string_view host, Done done)
    : loop_{loop},
      worker_{worker},
      stream_{std::move(stream)},
      context_{std::move(context)},
      session_{std::make_shared<tls::Session>(*context_, host)},
      done_{std::move(done)},
      limit_{loop, [this] { failed("the TLS handshake was not done within 10 s"); }} {
  stream_->set_handler(*this);
  limit_.arm(kHandshakeTimeout);
  send_output();  // a client's first flight
  stream_->read_start();
}

void TlsHandshake::on_data(Slice data) {
  early_.push(std::move(data));
  if (computing_ == nullptr) return compute();
  if (early_.bytes() >= kEarlyBytes) stream_->read_stop();
}

void TlsHandshake::on_end() {
  ended_ = true;
  if (computing_ == nullptr) compute();
}

void TlsHandshake::on_closed(const io::Error& error) { failed("during the TLS handshake: " + error.message); }

void TlsHandshake::compute() {
  while (!early_.empty()) session_->receive(early_.pop(early_.bytes()));
  if (ended_) session_->receive_end();
  const auto plaintext = std::make_shared<Plaintext>(std::nullopt);
  computing_ = worker_.run([context = context_, session = session_, plaintext] { *plaintext = session->read(); },
                           [this, plaintext] { computed(std::move(*plaintext)); });
}

void TlsHandshake::computed(Plaintext plaintext) {
  computing_.reset();
  send_output();
  if (!plaintext) return failed(plaintext.error().message);
  if (session_->handshake_done()) return secured(plaintext->value_or(Slice{}));
  stream_->read_start();
  if (!early_.empty() || ended_) compute();
}

void TlsHandshake::secured(Slice plaintext) {
  stream_->read_stop();
  while (!early_.empty()) session_->receive(early_.pop(early_.bytes()));
  Secured secured;
  secured.alpn = session_->peer().alpn;
  secured.stream = std::make_unique<TlsStream>(
      loop_, TlsStream::Parts{.inner = std::move(stream_), .context = context_, .session = session_, .plaintext = std::move(plaintext), .inner_ended = ended_});
  over(std::move(secured));
}

void TlsHandshake::failed(std::string why) {
  over(Unexpected{io::Error{io::Error::Code::other, std::move(why)}});
}

void TlsHandshake::over(io::Result<Secured> result) {
  limit_.cancel();
  computing_.reset();
  stream_.reset();
  const Done done = std::move(done_);  // may destroy us
  done(std::move(result));
}

void TlsHandshake::send_output() {
  if (!session_->output().empty()) stream_->write(std::move(session_->output()));
}

}  // namespace van::proxy
