#include "proxy/target.h"

#include <utility>

#include "core/base/assert.h"
#include "proxy/proxy_header.h"

namespace van::proxy {

Target::Target(link::Node& node, io::Loop& loop, spdlog::logger& log, const Config& config) : node_{node}, loop_{loop}, config_{config} {
  VAN_ASSERT(!config.tls || !config.endpoint.is_path());
  if (config.tls) contexts_ = std::make_unique<TlsContexts>(*config.tls, TlsSide::target, log);
}

std::unique_ptr<Target::Connecting> Target::connect(const router::ClientFacts& client, Duration timeout, Done done) {
  return std::make_unique<Connecting>(*this, client, timeout, std::move(done));
}

Target::Connecting::Connecting(Target& target, router::ClientFacts client, Duration timeout, Done done)
    : target_{target},
      client_{std::move(client)},
      done_{std::move(done)},
      dialer_{target.loop_, dial_target(target.config_.endpoint), io::Dialer::Options{.timeout = timeout},
              [this](io::Result<std::unique_ptr<io::Stream>> result) { connected(std::move(result)); }} {}

void Target::Connecting::connected(io::Result<std::unique_ptr<io::Stream>> result) {
  if (result && target_.config_.proxy_protocol) {
    (*result)->set_handler(*this);
    (*result)->write(Slice::copy_of(proxy_header(client_.from, client_.to)));
  }
  if (!result || target_.contexts_ == nullptr) return over(std::move(result));
  secure(*std::move(result));
}

/// What the client has agreed on with its stand-in is what is offered: data-plane 5.5. Another text than these is not believed.
void Target::Connecting::secure(std::unique_ptr<io::Stream> stream) {
  std::vector<std::string> alpn;
  if (client_.alpn == "h2" || client_.alpn == "http/1.1") alpn.push_back(client_.alpn);
  auto context = target_.contexts_->context(alpn);
  if (!context) return over(Unexpected{context.error()});
  handshake_ = std::make_unique<TlsHandshake>(target_.loop_, target_.node_.handshakes(), std::move(stream), *std::move(context),
                                              target_.config_.endpoint.host, [this](io::Result<Secured> secured) {
                                                if (!secured) return over(Unexpected{secured.error()});
                                                over(std::move(secured->stream));
                                              });
}

void Target::Connecting::over(io::Result<std::unique_ptr<io::Stream>> result) {
  const Done done = std::move(done_);  // may destroy us
  done(std::move(result));
}

}  // namespace van::proxy
