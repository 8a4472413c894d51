#pragma once

#include <functional>

#include "core/io/timer.h"
#include "core/link/node.h"

namespace van::proxy {

/// A stream of which all is said: ends our direction and waits a moment for the service to end its own, as most do; then resets it.
/// What still comes is dropped.
class Farewell final : private link::StreamHandler {
 public:
  static constexpr std::chrono::seconds kPatience{2};

  /// `done` may come late, never from inside a call; destroying this from it is not allowed.
  Farewell(link::Node& node, io::Loop& loop, router::StreamId stream, std::function<void()> done);
  ~Farewell() override;
  [[nodiscard]] bool over() const { return !stream_; }

 private:
  void on_stream_opened() override {}
  void on_stream_readable() override;
  void on_stream_writable() override {}
  void on_stream_failed(router::StreamFailure why) override;
  void reset();

  link::Node& node_;
  router::StreamId stream_;
  std::function<void()> done_;
  io::Timer patience_;
};

}  // namespace van::proxy
