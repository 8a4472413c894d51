// How fast a TLS session is: one stream through two sessions in memory, on one thread, in CPU time. One line
// of output.
//   tls_bench [MEBIBYTES]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "core/tls/secure_random.h"
#include "core/tls/self_check.h"
#include "core/tls/session.h"

using namespace van;
using namespace std::chrono_literals;

namespace {

struct Sides {
  std::unique_ptr<tls::Context> client;
  std::unique_ptr<tls::Context> server;
};

Sides make_sides() {
  tls::SystemRandom random;
  const auto now = std::chrono::system_clock::now();
  const auto authority = tls::create_authority({.common_name = "bench", .now = now, .validity = 1h}, random).value();
  const auto server = tls::issue(authority, {.use = tls::LeafOptions::Use::server, .common_name = "bench", .hosts = {"bench.example"},
                                             .now = now, .validity = 1h}, random).value();
  const auto client = tls::issue(authority, {.use = tls::LeafOptions::Use::client, .common_name = "bench", .hosts = {},
                                             .now = now, .validity = 1h}, random).value();
  return {tls::Context::client({.ca_pem = authority.certificate_pem, .certificate_pem = client.certificate_pem, .key_pem = client.key_pem}).value(),
          tls::Context::server({.ca_pem = authority.certificate_pem, .certificate_pem = server.certificate_pem, .key_pem = server.key_pem}).value()};
}

/// Moves what `from` has to say to `to`, and gives the plaintext bytes that came out.
std::size_t carry(tls::Session& from, tls::Session& to) {
  while (!from.output().empty()) to.receive(from.output().pop(65536));
  std::size_t bytes = 0;
  for (auto plaintext = to.read().value(); plaintext; plaintext = to.read().value()) bytes += plaintext->size();
  return bytes;
}

double seconds_since(std::clock_t start) { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; }

/// The handshake of a client that was here before is an abbreviated one.
struct Handshake {
  explicit Handshake(const Sides& sides) : client{*sides.client, "bench.example"}, server{*sides.server} {
    while (!client.handshake_done() || !server.handshake_done()) {
      carry(client, server);
      carry(server, client);
    }
    seconds = seconds_since(start);
  }
  std::clock_t start = std::clock();
  tls::Session client, server;
  double seconds = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t bytes = (argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1024) << 20;
  const Sides sides = make_sides();
  const Handshake whole{sides};
  Handshake second{sides};
  tls::Session& client = second.client;
  tls::Session& server = second.server;

  // As the data path does it: frames of 16 KiB, each a small header beside its payload.
  const Slice header = Slice::copy_of(Bytes(48, 1));
  const Slice payload = Slice::copy_of(Bytes(16336, 2));
  std::size_t sent = 0;
  std::size_t received = 0;
  double sealing = 0;
  const auto start = std::clock();
  while (sent < bytes) {
    SliceQueue frames;
    for (int i = 0; i < 4; ++i) {
      frames.push(header);
      frames.push(payload);
    }
    sent += frames.bytes();
    const auto seal_start = std::clock();
    if (!client.write(frames)) return 1;
    sealing += seconds_since(seal_start);
    received += carry(client, server);
  }
  const double total = seconds_since(start);
  if (received != sent) return 1;
  const double gigabytes = static_cast<double>(sent) / 1e9;
  std::printf("tls_bench: %s, %s, fast AES-GCM %s, handshake %.2f ms both sides, %s %.2f ms, seal %.2f GB/s, open %.2f GB/s\n",
              client.peer().version.c_str(), client.peer().cipher.c_str(), tls::run_self_check().seam_active ? "yes" : "NO",
              whole.seconds * 1e3, client.peer().resumed ? "resumed" : "again", second.seconds * 1e3, gigabytes / sealing, gigabytes / (total - sealing));
  return 0;
}
