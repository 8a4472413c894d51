// The parts of the data path alone, in memory and on one thread: AMQP transfers, TLS records, and where a new stream goes.
//   micro_bench [--benchmark_filter=PART OF A NAME]
#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/amqp/frame_decoder.h"
#include "core/amqp/performatives.h"
#include "core/base/limits.h"
#include "core/tls/certificate.h"
#include "core/tls/secure_random.h"
#include "core/tls/session.h"
#include "tests/core/router/network.h"

using namespace van;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// ---- AMQP: transfers in the middle of a stream ----

constexpr amqp::Transfer kTransfer{.handle = 3, .more = true};

void encode_transfer(benchmark::State& state) {
  std::array<std::uint8_t, amqp::kTransferHeaderMax> header{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(amqp::encode_transfer_header(header, 1, kTransfer, 16'000));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(encode_transfer);

/// Bytes of payload in each frame: how much the decoder is given at once is 64 KiB, as a socket gives it.
void decode_transfers(benchmark::State& state) {
  const auto payload_bytes = static_cast<std::size_t>(state.range(0));
  std::array<std::uint8_t, amqp::kTransferHeaderMax> header{};
  const std::size_t header_bytes = amqp::encode_transfer_header(header, 1, kTransfer, payload_bytes);
  Bytes input;
  std::int64_t frames = 0;
  for (; input.size() + header_bytes + payload_bytes <= 64 * 1024; ++frames) {
    input.insert(input.end(), header.begin(), header.begin() + static_cast<std::ptrdiff_t>(header_bytes));
    input.resize(input.size() + payload_bytes);
  }
  const Slice block = Slice::copy_of(input);
  amqp::FrameDecoder decoder{limits::kMaxFrameSize};
  for (auto _ : state) {
    decoder.push(block);
    for (auto frame = decoder.next(); *frame; frame = decoder.next()) {
      const auto decoded = amqp::decode_performative((*frame)->body.view());
      if (!decoded) state.SkipWithError("no performative");
      benchmark::DoNotOptimize((*frame)->body.from(decoded->bytes));
    }
  }
  state.SetItemsProcessed(state.iterations() * frames);
}
BENCHMARK(decode_transfers)->Arg(64)->Arg(1024)->Arg(16'000);

// ---- TLS: the batches that the data path seals, four frames of 16 KiB ----

class Sides {
 public:
  Sides() {
    while (!client_->handshake_done() || !server_->handshake_done()) {
      carry(*client_, *server_);
      carry(*server_, *client_);
    }
  }

  tls::Session& client() { return *client_; }
  tls::Session& server() { return *server_; }

  static std::size_t carry(tls::Session& from, tls::Session& to) {
    while (!from.output().empty()) to.receive(from.output().pop(65536));
    std::size_t bytes = 0;
    for (auto plaintext = to.read().value(); plaintext; plaintext = to.read().value()) bytes += plaintext->size();
    return bytes;
  }

 private:
  static constexpr std::string_view kHost = "bench.example";

  tls::SystemRandom random_;
  const std::chrono::system_clock::time_point now_ = std::chrono::system_clock::now();
  const tls::Issued authority_ = tls::create_authority({.common_name = "bench", .now = now_, .validity = 1h}, random_).value();
  const tls::Issued server_identity_ = leaf(tls::LeafOptions::Use::server, {std::string{kHost}});
  const tls::Issued client_identity_ = leaf(tls::LeafOptions::Use::client, {});
  std::unique_ptr<tls::Context> client_context_ =
      tls::Context::client({.ca_pem = authority_.certificate_pem, .certificate_pem = client_identity_.certificate_pem, .key_pem = client_identity_.key_pem})
          .value();
  std::unique_ptr<tls::Context> server_context_ =
      tls::Context::server({.ca_pem = authority_.certificate_pem, .certificate_pem = server_identity_.certificate_pem, .key_pem = server_identity_.key_pem})
          .value();
  std::unique_ptr<tls::Session> client_ = std::make_unique<tls::Session>(*client_context_, kHost);
  std::unique_ptr<tls::Session> server_ = std::make_unique<tls::Session>(*server_context_);

  tls::Issued leaf(tls::LeafOptions::Use use, std::vector<std::string> hosts) {
    return tls::issue(authority_, {.use = use, .common_name = "bench", .hosts = std::move(hosts), .now = now_, .validity = 1h}, random_).value();
  }
};

SliceQueue four_frames() {
  static const Slice header = Slice::copy_of(Bytes(48, 1));
  static const Slice payload = Slice::copy_of(Bytes(16'336, 2));
  SliceQueue frames;
  for (int i = 0; i < 4; ++i) {
    frames.push(header);
    frames.push(payload);
  }
  return frames;
}

enum class Part { seal, open };

/// Both are done in turn, one is timed: what is opened must have been sealed, and sequence numbers go on.
void records(benchmark::State& state, Part part) {
  Sides sides;
  std::int64_t bytes = 0;
  for (auto _ : state) {
    SliceQueue frames = four_frames();
    bytes += static_cast<std::int64_t>(frames.bytes());
    const auto start = Clock::now();
    if (!sides.client().write(frames)) state.SkipWithError("not sealed");
    const double sealing = seconds_since(start);
    const auto opening_start = Clock::now();
    benchmark::DoNotOptimize(Sides::carry(sides.client(), sides.server()));
    state.SetIterationTime(part == Part::seal ? sealing : seconds_since(opening_start));
  }
  state.SetBytesProcessed(bytes);
}
BENCHMARK_CAPTURE(records, seal, Part::seal)->UseManualTime();
BENCHMARK_CAPTURE(records, open, Part::open)->UseManualTime();

// ---- Routing: one site with a stand-in, four neighbours that provide the address ----

class Star {
 public:
  explicit Star(std::size_t streams) {
    for (int i = 0; i < 4; ++i) {
      auto& site = network_.add("provider-" + std::to_string(i), router::Mode::interior);
      site.router->add_consumer("service", 0, network_.now);
      providers_.push_back(&site);
      network_.connect(centre_, site, router::PeerRole::inter_router);
    }
    producer_ = centre_.router->add_producer("service", network_.now);
    network_.advance(30s);
    while (open_ < streams) {
      for (int i = 0; i < 200 && open_ < streams; ++i, ++open_) centre_.router->open_stream(producer_, network_.now);
      settle();
    }
  }

  bool reachable() const { return centre_.router->reachable(producer_); }

  /// Seconds that the router takes to choose where a new stream goes and to begin it there; then the stream is gone again.
  double open_one() {
    const auto start = Clock::now();
    const router::StreamId stream = centre_.router->open_stream(producer_, network_.now);
    const double seconds = seconds_since(start);
    settle();
    centre_.router->reset(stream, network_.now);
    settle();
    return seconds;
  }

  std::size_t lost() const { return lost_; }
  std::size_t held() const { return centre_.router->held().streams; }

 private:
  void settle() {
    network_.settle();
    for (auto* provider : providers_) {
      for (const auto& request : provider->take<router::StreamRequested>()) provider->router->accept_stream(request.stream, network_.now);
    }
    network_.settle();
    lost_ += centre_.take<router::StreamFailed>().size();
    for (auto* provider : providers_) provider->events.clear();
    centre_.events.clear();
  }

  router::test::Network network_;
  router::test::Network::Site& centre_ = network_.add("centre", router::Mode::interior);
  std::vector<router::test::Network::Site*> providers_;
  router::ProducerId producer_{};
  std::size_t open_ = 0;
  std::size_t lost_ = 0;
};

void open_stream(benchmark::State& state) {
  Star star{static_cast<std::size_t>(state.range(0))};
  if (!star.reachable() || star.lost() != 0) state.SkipWithError("the streams are not open");
  for (auto _ : state) state.SetIterationTime(star.open_one());
  state.counters["open"] = static_cast<double>(star.held());
}
BENCHMARK(open_stream)->Arg(10)->Arg(1'000)->Arg(100'000)->UseManualTime()->Iterations(20'000);

}  // namespace

BENCHMARK_MAIN();
