#pragma once

#include <memory>

#include "core/io/stream.h"
#include "proxy/channel.h"

namespace van::proxy {

/// A local connection.
class SocketChannel final : public Channel, private io::StreamHandler {
 public:
  explicit SocketChannel(std::unique_ptr<io::Stream> socket);
  ~SocketChannel() override;

  /// Begins to read; `first`: what was read of it before.
  void start(Slice first = {});
  [[nodiscard]] io::Stream& socket() { return *socket_; }

  [[nodiscard]] SliceQueue* input() override { return &input_; }
  void taken(std::size_t octets) override;
  [[nodiscard]] bool ended() override { return ended_ && input_.empty(); }
  [[nodiscard]] bool broken() const override { return broken_; }
  [[nodiscard]] std::size_t room() override;
  void write(SliceQueue&& octets, bool last) override;
  [[nodiscard]] bool flushed() const override { return broken_ || socket_->queued_bytes() == 0; }
  void reset() override;

 private:
  void on_data(Slice data) override;
  void on_end() override;
  void on_drained() override;
  void on_closed(const io::Error& error) override;

  std::unique_ptr<io::Stream> socket_;
  SliceQueue input_;
  bool ended_ = false, broken_ = false;
};

}  // namespace van::proxy
