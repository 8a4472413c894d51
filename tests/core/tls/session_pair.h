#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "core/tls/session.h"
#include "tests/support/catch.h"

namespace van::test {

inline tls::WallTime today() { return std::chrono::system_clock::now(); }

inline tls::Issued make_authority(SecureRandom& random, const std::string& name = "test authority") {
  auto made = tls::create_authority({.common_name = name, .now = today(), .validity = std::chrono::hours{24}}, random);
  REQUIRE(made);
  return *made;
}

struct LeafDates {
  tls::WallTime now = today();
  std::chrono::seconds validity = std::chrono::hours{1};
};

inline tls::Issued make_server(const tls::Issued& authority, std::vector<std::string> hosts, SecureRandom& random, LeafDates dates = {}) {
  auto made = tls::issue(authority, {.use = tls::LeafOptions::Use::server, .common_name = "test server", .hosts = std::move(hosts),
                                     .now = dates.now, .validity = dates.validity}, random);
  REQUIRE(made);
  return *made;
}

inline tls::Issued make_client(const tls::Issued& authority, SecureRandom& random, LeafDates dates = {}) {
  auto made = tls::issue(authority, {.use = tls::LeafOptions::Use::client, .common_name = "test client", .hosts = {},
                                     .now = dates.now, .validity = dates.validity}, random);
  REQUIRE(made);
  return *made;
}

inline std::unique_ptr<tls::Context> client_context(const tls::ClientOptions& options) {
  auto context = tls::Context::client(options);
  REQUIRE(context);
  return std::move(*context);
}

inline std::unique_ptr<tls::Context> server_context(const tls::ServerOptions& options) {
  auto context = tls::Context::server(options);
  REQUIRE(context);
  return std::move(*context);
}

/// What one end has received, and what went wrong with it.
struct End {
  std::unique_ptr<tls::Session> session;
  Bytes received;
  std::optional<tls::Error> error;

  /// Reads until there is nothing more.
  void read_all() {
    while (!error) {
      auto plaintext = session->read();
      if (!plaintext) {
        error = plaintext.error();
      } else if (!plaintext->has_value()) {
        return;
      } else {
        append(received, (*plaintext)->view());
      }
    }
  }

  void send(ByteView bytes) {
    SliceQueue queue;
    queue.push_copy(bytes);
    REQUIRE(session->write(queue));
    REQUIRE(queue.empty());
  }
};

/// A client and a server on one wire, which carries `chunk` bytes at a time.
struct SessionPair {
  End client;
  End server;
  std::size_t chunk = 65536;

  SessionPair(const tls::Context& client_side, const tls::Context& server_side, std::string_view host) {
    client.session = std::make_unique<tls::Session>(client_side, host);
    server.session = std::make_unique<tls::Session>(server_side);
  }

  /// Carries bytes until both are silent.
  void settle() {
    while (carry(client, server) || carry(server, client)) {
    }
    client.read_all();
    server.read_all();
    while (carry(client, server) || carry(server, client)) {
    }
  }

  bool carry(End& from, End& to) const {
    SliceQueue& output = from.session->output();
    if (output.empty()) return false;
    to.session->receive(output.pop(chunk));
    to.read_all();
    return true;
  }

  [[nodiscard]] bool both_done() const { return client.session->handshake_done() && server.session->handshake_done(); }
};

/// The usual pair: one authority, a server for "a.example", a client with a certificate.
struct Identities {
  tls::Issued authority;
  tls::Issued server;
  tls::Issued client;

  explicit Identities(SecureRandom& random, std::vector<std::string> hosts = {"a.example"})
      : authority{make_authority(random)}, server{make_server(authority, std::move(hosts), random)}, client{make_client(authority, random)} {}

  [[nodiscard]] tls::ClientOptions client_options() const {
    return {.ca_pem = authority.certificate_pem, .certificate_pem = client.certificate_pem, .key_pem = client.key_pem};
  }
  [[nodiscard]] tls::ServerOptions server_options() const {
    return {.ca_pem = authority.certificate_pem, .certificate_pem = server.certificate_pem, .key_pem = server.key_pem};
  }
};

}  // namespace van::test
