#include "proxy/tls_entrance.h"

#include <utility>

#include "core/link/log.h"

namespace van::proxy {

std::vector<std::string> alpn_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp: return {"http/1.1", "h2"};
    case Protocol::http: return {"http/1.1"};
    case Protocol::http2: return {"h2"};
    case Protocol::udp:
    case Protocol::amqp: return {};
  }
  return {};
}

TlsEntrance::TlsEntrance(link::Node& node, io::Loop& loop, spdlog::logger& log, const TlsFiles& files, Protocol protocol, OnSecured on_secured)
    : node_{node},
      loop_{loop},
      log_{log},
      contexts_{files, TlsSide::stand_in, log},
      alpn_{alpn_of(protocol)},
      on_secured_{std::move(on_secured)} {}

void TlsEntrance::accept(std::unique_ptr<io::Stream> client) {
  if (handshakes_.size() >= kHandshakesMax) return client->reset();
  auto context = contexts_.context(alpn_);
  if (!context) {
    log_.debug("client dropped, no certificate why=\"{}\"", context.error().message);
    return client->reset();
  }
  const std::uint64_t number = ++last_;
  handshakes_[number] = std::make_unique<TlsHandshake>(loop_, node_.handshakes(), std::move(client), *std::move(context), std::string_view{},
                                                       [this, number](io::Result<Secured> result) { done(number, std::move(result)); });
}

void TlsEntrance::done(std::uint64_t number, io::Result<Secured> result) {
  handshakes_.erase(number);
  if (!result) return log_.debug("client dropped why=\"{}\"", result.error().message);
  on_secured_(*std::move(result));
}

}  // namespace van::proxy
