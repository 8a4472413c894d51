#pragma once

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/tls/certificate.h"
#include "core/tls/secure_random.h"
#include "proxy/tls_entrance.h"
#include "proxy/tls_handshake.h"
#include "tests/proxy/tunnel.h"

namespace van::proxy::test {

/// An authority with its certificate as a file, and certificates of it.
class Authority {
 public:
  explicit Authority(const van::test::TemporaryFolder& folder, const std::string& name = "ca") : folder_{folder}, name_{name} {
    auto made = tls::create_authority({.common_name = name, .now = std::chrono::system_clock::now(), .validity = std::chrono::hours{24}}, random_);
    REQUIRE(made);
    authority_ = *std::move(made);
    write(name + ".pem", authority_.certificate_pem);
  }
  [[nodiscard]] std::string file() const { return path(name_ + ".pem"); }
  [[nodiscard]] const std::string& pem() const { return authority_.certificate_pem; }

  struct Leaf {
    std::string host = "127.0.0.1";
    tls::LeafOptions::Use use = tls::LeafOptions::Use::server;
    std::chrono::hours age{0};  ///< made so long ago; good for 24 hours
  };
  tls::Issued issue(const Leaf& leaf) {
    std::vector<std::string> hosts;
    if (leaf.use == tls::LeafOptions::Use::server) hosts.push_back(leaf.host);
    auto issued = tls::issue(authority_, {.use = leaf.use, .common_name = leaf.host, .hosts = hosts, .now = std::chrono::system_clock::now() - leaf.age, .validity = std::chrono::hours{24}}, random_);
    REQUIRE(issued);
    return *std::move(issued);
  }
  /// The same as files.
  TlsFiles files(const std::string& name, const Leaf& leaf) {
    const tls::Issued issued = issue(leaf);
    write(name + ".pem", issued.certificate_pem);
    write(name + "-key.pem", issued.key_pem);
    return {.certificate = path(name + ".pem"), .key = path(name + "-key.pem")};
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream{path(name), std::ios::binary} << text; }

 private:
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  const van::test::TemporaryFolder& folder_;
  std::string name_;
  tls::SystemRandom random_;
  tls::Issued authority_;
};

/// A socket that speaks TLS once its handshake is done.
struct TlsSocket : Socket {
  TlsSocket(io::Loop& loop, io::Worker& worker, std::unique_ptr<io::Stream> plain, std::shared_ptr<const tls::Context> context, std::string_view host) {
    handshake = std::make_unique<TlsHandshake>(loop, worker, std::move(plain), std::move(context), host, [this](io::Result<Secured> result) {
      if (!result) return heard.on_closed(result.error());
      alpn = result->alpn;
      take(std::move(result->stream));
    });
  }
  std::unique_ptr<TlsHandshake> handshake;
  std::string alpn;
};

/// A server that speaks TLS and keeps all its connections.
class TlsServer {
 public:
  TlsServer(io::Loop& loop, std::shared_ptr<const tls::Context> context)
      : worker_{loop}, listener_{std::move(io::TcpListener::listen(loop, "127.0.0.1", 0, [this, &loop, context](std::unique_ptr<io::Stream> stream) {
                                   sockets.push_back(std::make_unique<TlsSocket>(loop, worker_, std::move(stream), context, std::string_view{}));
                                 })).value()} {}
  [[nodiscard]] Endpoint endpoint() const { return {.host = "127.0.0.1", .port = listener_->port(), .path = {}}; }

 private:
  io::Worker worker_;

 public:
  std::vector<std::unique_ptr<TlsSocket>> sockets;

 private:
  std::unique_ptr<io::TcpListener> listener_;
};

template <class Options>
std::shared_ptr<const tls::Context> server_context(const tls::Issued& own, Options more) {
  more.certificate_pem = own.certificate_pem;
  more.key_pem = own.key_pem;
  auto context = tls::Context::server(more);
  REQUIRE(context);
  return *std::move(context);
}

}  // namespace van::proxy::test
