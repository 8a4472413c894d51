#pragma once

#include <memory>

#include "core/link/node.h"
#include "proxy/channel.h"

namespace van::proxy {

/// A stream of the network. One that asks for a provider begins with what is written first, which goes along with the question; one
/// that was requested is accepted with what is written first, so that a short answer is one message.
class StreamChannel final : public Channel, private link::StreamHandler {
 public:
  /// `one_request`: what is written first is all that goes to the provider, as far as it fits (Router::open_stream()).
  StreamChannel(link::Node& node, router::ProducerId producer, bool one_request) : node_{node}, producer_{producer}, one_request_{one_request} {}
  StreamChannel(link::Node& node, router::StreamId requested);
  ~StreamChannel() override;

  /// Of a requested one: what more its client says may wait for that.
  void accept();
  [[nodiscard]] bool accepted() const { return begun_; }
  /// Of a requested one that was not accepted: another provider may have it.
  void refuse();

  [[nodiscard]] SliceQueue* input() override;
  void taken(std::size_t octets) override;
  [[nodiscard]] bool ended() override;
  [[nodiscard]] bool broken() const override { return broken_; }
  [[nodiscard]] Failure failure() const override { return failure_; }
  [[nodiscard]] std::size_t room() override;
  void write(SliceQueue&& octets, bool last) override;
  [[nodiscard]] bool flushed() const override { return true; }
  void reset() override;

 private:
  void begin(SliceQueue& octets, bool last);
  void on_stream_opened() override {}
  void on_stream_readable() override { user_->channel_moved(); }
  void on_stream_writable() override { user_->channel_moved(); }
  void on_stream_failed(router::StreamFailure why) override;

  link::Node& node_;
  router::ProducerId producer_;
  bool one_request_ = false;
  router::StreamId stream_;
  Failure failure_;
  bool begun_ = false;     ///< opened or accepted
  bool finished_ = false;  ///< our direction has ended
  bool ended_ = false;     ///< theirs has
  bool broken_ = false;
};

}  // namespace van::proxy
