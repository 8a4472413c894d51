#include "core/link/peer_connection.h"

#include "core/base/limits.h"

namespace van::link {
namespace {

constexpr std::chrono::seconds kHandshakeTimeout{10};
constexpr std::size_t kEarlyBytes = 64 * 1024;  ///< received while the handshake is computed; above it we stop reading
constexpr std::size_t kSealedBytes = 320 * 1024;  ///< sealed for one write: a large read of a client, and it stays in the processor's cache

bool is_refusal(tls::Error::Code code) {
  using Code = tls::Error::Code;
  switch (code) {
    case Code::not_trusted:
    case Code::expired:
    case Code::not_yet_valid:
    case Code::wrong_host:
    case Code::no_client_certificate:
    case Code::refused_by_peer:
      return true;
    case Code::bad_certificate_file:
    case Code::bad_key:
    case Code::key_mismatch:
    case Code::bad_name:
    case Code::protocol:
    case Code::closed:
    case Code::internal:
      return false;
  }
  return false;
}

}  // namespace

PeerConnection::PeerConnection(io::Loop& loop, io::Worker& worker, std::unique_ptr<io::Stream> stream, std::shared_ptr<tls::Context> tls,
                               router::Router& router, router::PeerConfig config, Owner& owner)
    : worker_{worker},
      stream_{std::move(stream)},
      context_{std::move(tls)},
      router_{router},
      config_{std::move(config)},
      owner_{owner},
      handshake_timer_{loop, [this] { over("the TLS handshake was not done within 10 s", false); }} {
  stream_->set_handler(*this);
  stream_->set_low_water(limits::kOutputHighWater / 2);
}

PeerConnection::PeerConnection(io::Loop& loop, io::Worker& worker, std::unique_ptr<io::Stream> stream, MovingConnection& moving,
                               router::Router& router, Owner& owner)
    : PeerConnection{loop, worker, std::move(stream), std::move(moving.context), router, std::move(moving.config), owner} {
  session_ = std::move(moving.session);
  adopted_ = std::move(moving.peer);
}

PeerConnection::~PeerConnection() {
  if (peer_) router_.transport_closed(peer_, io::Loop::now());  // forgets what was left to write
}

void PeerConnection::start() {
  stream_->read_start();
  if (adopted_) return ready();
  if (context_ == nullptr) return ready();
  const bool client = config_.direction == router::Direction::outgoing;
  session_ = std::make_shared<tls::Session>(*context_, client ? std::string_view{config_.hostname} : std::string_view{});
  handshake_timer_.arm(kHandshakeTimeout);
  send_tls_output();
}

void PeerConnection::ready() {
  handshake_timer_.cancel();
  peer_ = adopted_ ? router_.adopt_peer(*adopted_, io::Loop::now()) : router_.add_peer(config_, io::Loop::now());
  adopted_.reset();
  owner_.connection_ready(*this);
}

std::shared_ptr<MovingConnection> PeerConnection::move_away() {
  if (over_ || finishing_ || stream_->queued_bytes() > 0) return nullptr;
  auto socket = stream_->detach();
  if (!socket) return nullptr;
  auto peer = router_.take_peer(peer_);
  if (peer == nullptr) return nullptr;
  over_ = finished_ = true;
  peer_ = {};
  return std::make_shared<MovingConnection>(MovingConnection{*std::move(socket), std::move(context_), std::move(session_), config_, std::move(peer)});
}

const tls::Peer* PeerConnection::tls_peer() const {
  return session_ && peer_ ? &session_->peer() : nullptr;
}

void PeerConnection::on_data(Slice data) {
  if (over_ || finishing_) return;
  const std::size_t octets = data.size();
  octets_.in += octets;
  if (!session_) {
    router_.receive(peer_, std::move(data), io::Loop::now());
  } else if (!peer_) {
    early_.push(std::move(data));
    shake_hands();
  } else {
    session_->receive(std::move(data));
    read_tls();
  }
  owner_.router_fed(octets);
}

void PeerConnection::shake_hands() {
  if (shaking_) {
    if (early_.bytes() >= kEarlyBytes) stream_->read_stop();
    return;
  }
  while (!early_.empty()) session_->receive(early_.pop(early_.bytes()));
  if (early_end_) session_->receive_end();
  const auto plaintext = std::make_shared<Plaintext>(std::nullopt);
  shaking_ = worker_.run([context = context_, session = session_, plaintext] { *plaintext = session->read(); },
                         [this, plaintext] { shaken(*plaintext); });
}

void PeerConnection::shaken(const Plaintext& plaintext) {
  shaking_.reset();
  send_tls_output();
  if (plaintext && session_->handshake_done()) ready();
  if (take(plaintext)) {
    stream_->read_start();
    if (peer_) {
      while (!early_.empty()) session_->receive(early_.pop(early_.bytes()));
      if (early_end_) session_->receive_end();
      read_tls();
    } else if (!early_.empty() || early_end_) {
      shake_hands();
    }
  }
  owner_.router_touched();
}

void PeerConnection::read_tls() {
  for (;;) {
    const Plaintext plaintext = session_->read();
    send_tls_output();
    if (!take(plaintext)) return;
    if (!plaintext->has_value()) break;
  }
  if (session_->peer_closed()) over("the peer closed the connection", false);
}

/// False: the connection is over.
bool PeerConnection::take(const Plaintext& plaintext) {
  if (!plaintext) {
    over(plaintext.error().message, is_refusal(plaintext.error().code));
    return false;
  }
  if (plaintext->has_value()) router_.receive(peer_, **plaintext, io::Loop::now());
  return !over_ && !finishing_;
}

void PeerConnection::send_tls_output() {
  if (session_->output().empty() || stream_->shut()) return;
  octets_.out += session_->output().bytes();
  stream_->write(std::move(session_->output()));
}

void PeerConnection::flush() {
  if (over_ || finished_ || !peer_) return;
  SliceQueue* output = router_.output(peer_);
  while (output != nullptr && !output->empty() && stream_->queued_bytes() < limits::kOutputHighWater) {
    if (session_) {
      const auto written = session_->write(*output, kSealedBytes);
      send_tls_output();
      if (!written) return over(written.error().message, false);
    } else {
      octets_.out += output->bytes();
      stream_->write(std::move(*output));
    }
    router_.output_consumed(peer_, io::Loop::now());
    output = router_.output(peer_);
  }
  if (finishing_ && (output == nullptr || output->empty())) {
    if (session_) {
      session_->close_notify();
      send_tls_output();
    }
    if (!stream_->shut()) stream_->shutdown();
    finished_ = stream_->queued_bytes() == 0;
  }
}

void PeerConnection::finish() {
  finishing_ = true;
  handshake_timer_.arm(kHandshakeTimeout);  // a peer that takes nothing must not keep the socket for ever
  flush();
}

void PeerConnection::on_end() {
  if (session_ && !over_ && !finishing_) {
    if (!peer_) {
      early_end_ = true;
      return shake_hands();
    }
    session_->receive_end();
    read_tls();
  }
  over("the peer closed the connection", false);
  owner_.router_touched();
}

void PeerConnection::on_drained() {
  flush();
  owner_.router_touched();
}

void PeerConnection::on_closed(const io::Error& error) {
  over(error.message, false);
  owner_.router_touched();
}

void PeerConnection::over(const std::string& reason, bool refused) {
  if (finishing_) {
    finished_ = true;
    owner_.router_touched();
    return;
  }
  if (std::exchange(over_, true)) return;
  handshake_timer_.cancel();
  shaking_.reset();
  stream_->read_stop();
  if (peer_) router_.transport_closed(peer_, io::Loop::now());
  owner_.connection_over(*this, reason, refused);
}

}  // namespace van::link
