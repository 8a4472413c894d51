#include "proxy/socks_client.h"

#include <utility>

#include "core/link/log.h"

namespace van::proxy {
namespace {

SocksReply reply_to(NameRefusal::Kind kind) {
  switch (kind) {
    case NameRefusal::Kind::address:
    case NameRefusal::Kind::port: return SocksReply::not_allowed;
    case NameRefusal::Kind::unknown:
    case NameRefusal::Kind::ambiguous:
    case NameRefusal::Kind::protocol: return SocksReply::host_unreachable;
    case NameRefusal::Kind::full: return SocksReply::failure;
  }
  return SocksReply::failure;
}

}  // namespace

SocksClient::SocksClient(const Parts& parts, std::unique_ptr<io::Stream> socket)
    : parts_{parts}, socket_{std::move(socket)}, limit_{parts.routes.parts().loop, [this] { over(); }} {
  socket_->set_handler(*this);
  socket_->read_start();
  limit_.arm(parts_.word_time);
}

SocksClient::~SocksClient() = default;

void SocksClient::on_data(Slice data) {
  if (handshake_.state() != SocksHandshake::State::reading) return;  // refused: what it still says is of no use
  const std::size_t used = handshake_.feed(data.view());
  write_output();
  switch (handshake_.state()) {
    case SocksHandshake::State::reading:
    case SocksHandshake::State::granted: return;
    case SocksHandshake::State::refused: return close_soon();
    case SocksHandshake::State::asking:
      early_ = data.from(used);
      return ask();
  }
}

void SocksClient::ask() {
  socket_->read_stop();
  limit_.cancel();
  auto service = parts_.routes.find(handshake_.request().host, handshake_.request().port);
  if (!service) return refuse(reply_to(service.error().kind), service.error().why);
  service_ = *std::move(service);
  opening_ = std::make_unique<NamedStream>(parts_.routes, service_, Slice{}, *this);
}

void SocksClient::stream_opened(router::StreamId stream) {
  opening_.reset();
  handshake_.answer(SocksReply::granted);
  write_output();
  link::Node& node = parts_.routes.parts().node;
  bridge_ = std::make_unique<TcpBridge>(node, std::move(socket_), parts_.counters, *this);
  node.attach_stream(stream, *bridge_);
  parts_.counters.bytes_out += early_.size();
  if (!early_.empty()) node.write(stream, std::exchange(early_, {}));
  bridge_->start(stream, true);
}

void SocksClient::stream_not_opened(NamedStream::Failure why) {
  opening_.reset();
  switch (why) {
    case NamedStream::Failure::no_provider: return refuse(SocksReply::host_unreachable, "nobody provides it now");
    case NamedStream::Failure::refused: return refuse(SocksReply::refused, "its target can't be connected");
    case NamedStream::Failure::lost: return refuse(SocksReply::network_unreachable, "the way to it broke");
  }
}

void SocksClient::refuse(SocksReply reply, std::string_view why) {
  parts_.routes.parts().log.debug("socks client refused why=\"{}\"", why);
  handshake_.answer(reply);
  write_output();
  close_soon();
}

/// The client reads the reply before it hears of the end: what it says meanwhile must not reset the connection.
void SocksClient::close_soon() {
  socket_->shutdown();
  socket_->read_start();
  limit_.arm(parts_.linger);
}

void SocksClient::write_output() {
  const std::string output = handshake_.take_output();
  if (!output.empty()) socket_->write(Slice::copy_of(as_bytes(output)));
}

void SocksClient::on_end() { over(); }
void SocksClient::on_closed(const io::Error&) { over(); }
void SocksClient::bridge_over(TcpBridge&) { over(); }

void SocksClient::over() {
  if (std::exchange(over_, true)) return;
  parts_.owner.client_over(*this);
}

}  // namespace van::proxy
