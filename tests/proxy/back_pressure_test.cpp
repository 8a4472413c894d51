#include "core/base/limits.h"
#include "tests/proxy/tunnel.h"

namespace van::proxy {
using test::Kind;
using test::Socket;
using test::Tunnel;

namespace {

constexpr std::size_t kTotal = 8u << 20;
/// What a local socket's kernel buffers take at most, both ends together; above what systems give by default.
constexpr std::size_t kKernel = 1u << 20;
/// A window between the ends, one read more, and what waits beside the slow socket.
constexpr std::size_t kInFlight = limits::kStreamWindow + 64 * 1024 + 256 * 1024 + limits::kStreamReportOctets;

/// Octets pass back and forth on another connection, so that whatever could move on the first one has moved.
void ping_pong(Tunnel& tunnel, int rounds) {
  const auto ends = tunnel.open();
  for (int round = 1; round <= rounds; ++round) {
    const auto bytes = static_cast<std::size_t>(round);
    ends.client->write("x");
    REQUIRE(tunnel.run([&] { return ends.server.heard.bytes == bytes; }));
    ends.server.write("y");
    REQUIRE(tunnel.run([&] { return ends.client->heard.bytes == bytes; }));
  }
}

}  // namespace

TEST_CASE("a reader that stalls holds the writer at the other end, after a bounded number of octets",
          "[proxy][back-pressure]") {
  const bool client_writes = GENERATE(true, false);
  CAPTURE(client_writes);
  Tunnel tunnel{Kind::local};
  const auto ends = tunnel.open();
  Socket& writer = client_writes ? *ends.client : ends.server;
  Socket& reader = client_writes ? ends.server : *ends.client;
  const auto taken = [&] {  // from the writer's socket
    return client_writes ? tunnel.stand_in->counters().bytes_out : tunnel.exposure->counters().bytes_out;
  };
  reader.stream->read_stop();
  std::string sent(kTotal, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 2654435761u >> 13);
  writer.write(sent);
  writer.stream->shutdown();

  REQUIRE(tunnel.run([&] { return taken() >= limits::kStreamWindow; }));
  ping_pong(tunnel, 200);
  CHECK(taken() <= kKernel + kInFlight + 200);
  CHECK(writer.stream->queued_bytes() > kTotal - 2 * kKernel - kInFlight);
  CHECK(reader.heard.bytes == 0);
  CHECK_FALSE(reader.over());

  reader.stream->read_start();
  REQUIRE(tunnel.run([&reader] { return reader.over(); }));
  CHECK(reader.heard.ends == 1);
  CHECK((reader.heard.received == sent));
}

TEST_CASE("a stalled reader may be reset by the other end, or by its own", "[proxy][back-pressure]") {
  Tunnel tunnel{Kind::tcp};
  const auto ends = tunnel.open();
  ends.server.stream->read_stop();
  ends.client->write(std::string(kTotal, 'x'));
  REQUIRE(tunnel.run([&] { return tunnel.stand_in->counters().bytes_out >= limits::kStreamWindow; }));
  ping_pong(tunnel, 20);
  SECTION("its own") {
    ends.server.stream->reset();
    REQUIRE(tunnel.run([&ends] { return ends.client->over(); }));
    CHECK(ends.client->reset());
  }
  SECTION("its exposure") {
    tunnel.exposure.reset();
    REQUIRE(tunnel.run([&ends] { return ends.client->over(); }));
    CHECK(ends.client->reset());
    return;
  }
  REQUIRE(tunnel.run([&tunnel] { return tunnel.exposure->counters().in_flight <= 1; }));
}

}  // namespace van::proxy
