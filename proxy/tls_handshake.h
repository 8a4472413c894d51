#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/io/stream.h"
#include "core/io/timer.h"
#include "core/io/worker.h"
#include "core/tls/context.h"
#include "core/tls/session.h"

namespace van::proxy {

/// A stream that speaks TLS, and what was agreed on.
struct Secured {
  std::unique_ptr<io::Stream> stream;
  std::string alpn;  ///< RFC 7301; empty: nothing was agreed on
};

/// Makes a connected stream one of TLS. The computations, some milliseconds, are the worker's. It takes ten seconds at most, and
/// reads at most kEarlyBytes, and what one read brings, ahead of a computation.
class TlsHandshake final : private io::StreamHandler {
 public:
  static constexpr std::size_t kEarlyBytes = 64 * 1024;
  /// Comes once, never from inside the constructor; it may destroy the handshake. The error's words are for people.
  using Done = std::function<void(io::Result<Secured>)>;

  /// `host`: as tls::Session's. `loop` and `worker` must outlive it. Destroying it closes the stream unless Done has it.
  TlsHandshake(io::Loop& loop, io::Worker& worker, std::unique_ptr<io::Stream> stream, std::shared_ptr<const tls::Context> context,
               std::string_view host, Done done);

 private:
  using Plaintext = Expected<std::optional<Slice>, tls::Error>;

  void on_data(Slice data) override;
  void on_end() override;
  void on_closed(const io::Error& error) override;

  void compute();
  void computed(Plaintext plaintext);
  void send_output();
  void secured(Slice plaintext);
  void failed(std::string why);
  void over(io::Result<Secured> result);

  io::Loop& loop_;
  io::Worker& worker_;
  std::unique_ptr<io::Stream> stream_;
  std::shared_ptr<const tls::Context> context_;
  std::shared_ptr<tls::Session> session_;  ///< the worker's while computing_
  Done done_;
  SliceQueue early_;  ///< has come while computing_
  bool ended_ = false;
  io::Timer limit_;
  std::unique_ptr<io::Worker::Task> computing_;
};

}  // namespace van::proxy
