#include "proxy/tls_stream.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/assert.h"

namespace van::proxy {
namespace {

constexpr std::size_t kSealedBytes = 320 * 1024;  ///< sealed for one write: it stays in the processor's cache
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

}  // namespace

TlsStream::TlsStream(io::Loop& loop, Parts parts) : parts_{std::move(parts)}, read_limit_{kNoLimit}, deliver_{loop, [this] { deliver(); }} {
  VAN_ASSERT(parts_.session->handshake_done() && !parts_.inner->reading());
  parts_.inner->set_handler(*this);
  if (!parts_.plaintext.empty()) plaintext_.push(std::exchange(parts_.plaintext, {}));
}

TlsStream::~TlsStream() {
  if (gone_ != nullptr) *gone_ = true;
}

void TlsStream::read_start() {
  VAN_ASSERT(handler_ != nullptr);
  if (reading_ || ended_ || closed_) return;
  reading_ = true;
  if (!parts_.inner_ended) parts_.inner->read_start();
  deliver_.schedule();
}

void TlsStream::read_stop() {
  if (!std::exchange(reading_, false)) return;
  parts_.inner->read_stop();
  if (failure_ && !closed_) deliver_.schedule();
}

Slice TlsStream::read_at_once(std::size_t most) {
  VAN_ASSERT(!reading_ && most > 0);
  if (plaintext_.empty() && !parts_.inner_ended) {
    Slice sealed = parts_.inner->read_at_once(most);
    if (!sealed.empty()) parts_.session->receive(std::move(sealed));
  }
  if (plaintext_.empty()) decrypt();
  return plaintext_.empty() ? Slice{} : plaintext_.pop(std::min(most, plaintext_.slices().front().size()));
}

/// What is read of the sealed octets is a little less in plaintext; what a record had more waits here.
void TlsStream::set_read_limit(std::size_t bytes) {
  read_limit_ = bytes;
  parts_.inner->set_read_limit(bytes);
}

void TlsStream::on_data(Slice data) {
  parts_.session->receive(std::move(data));
  deliver();
}

void TlsStream::on_end() {
  parts_.inner_ended = true;  // and the session is not told: it would take the missing close_notify for its own end
  deliver();
}

void TlsStream::on_drained() {
  if (handler_ != nullptr && !closed_) handler_->on_drained();
}

void TlsStream::on_closed(const io::Error& error) {
  if (!failure_) failure_ = error;
  deliver();
}

/// Hands on what has come, as far as it is wanted, and then how it ended.
void TlsStream::deliver() {
  bool gone = false;
  gone_ = &gone;
  while (reading_) {
    if (plaintext_.empty()) decrypt();
    if (plaintext_.empty()) break;
    handler_->on_data(plaintext_.pop(std::min(read_limit_, plaintext_.slices().front().size())));
    if (gone) return;
  }
  gone_ = nullptr;
  tell_end();
}

/// The next record's content becomes plaintext_.
void TlsStream::decrypt() {
  if (failure_ || parts_.session->peer_closed()) return;
  auto content = parts_.session->read();
  send_output();
  if (!content) return fail(content.error());
  if (content->has_value()) plaintext_.push(**std::move(content));
}

void TlsStream::fail(const tls::Error& error) {
  failure_ = io::Error{io::Error::Code::reset, error.message};
}

/// The last call of whoever calls it: the handler may destroy us.
void TlsStream::tell_end() {
  if (closed_ || handler_ == nullptr) return;
  if (failure_ && (plaintext_.empty() || !reading_)) {
    closed_ = true;
    reading_ = false;
    parts_.inner->read_stop();
    return handler_->on_closed(*failure_);
  }
  if (!reading_ || !plaintext_.empty()) return;
  if (!parts_.session->peer_closed() && !parts_.inner_ended) return;
  ended_ = true;
  reading_ = false;
  parts_.inner->read_stop();
  handler_->on_end();
}

void TlsStream::write(SliceQueue&& data) {
  while (!data.empty() && !failure_) {
    const auto sealed = parts_.session->write(data, kSealedBytes);
    send_output();
    if (sealed) continue;
    fail(sealed.error());
    deliver_.schedule();  // and not now: the caller may be the handler
  }
  data.clear();
}

void TlsStream::write(Slice data) {
  SliceQueue queue;
  queue.push(std::move(data));
  write(std::move(queue));
}

void TlsStream::shutdown() {
  if (parts_.inner->shut()) return;
  parts_.session->close_notify();
  send_output();
  parts_.inner->shutdown();
}

io::Result<io::FileDescriptor> TlsStream::detach() {
  return Unexpected{io::Error{io::Error::Code::other, "the keys of a TLS connection do not go with its socket"}};
}

void TlsStream::reset() {
  closed_ = true;
  reading_ = false;
  deliver_.cancel();
  parts_.inner->reset();
}

void TlsStream::send_output() {
  SliceQueue& output = parts_.session->output();
  if (output.empty()) return;
  if (parts_.inner->shut()) return output.clear();
  parts_.inner->write(std::move(output));
}

}  // namespace van::proxy
