#pragma once

#include <memory>

#include "core/io/stream.h"
#include "core/link/node.h"
#include "proxy/counters.h"

namespace van::proxy {

/// Joins a local socket with a stream of the network: bytes both ways within the stream's windows, half-close in each direction,
/// a reset on one side as a reset on the other.
class TcpBridge final : public link::StreamHandler, private io::StreamHandler {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void bridge_over(TcpBridge& bridge) = 0;  ///< destroy it, but not from inside this call
  };

  /// `counters` and `node` must outlive the bridge.
  TcpBridge(link::Node& node, std::unique_ptr<io::Stream> socket, LiveCounters& counters, Owner& owner);
  ~TcpBridge() override;  ///< resets both sides unless they are over

  /// The network's end, once it is known; `open`: it may be read from at once (C-side), else on_stream_opened() will tell.
  void start(router::StreamId stream, bool open);

  void on_stream_opened() override;
  void on_stream_readable() override;
  void on_stream_writable() override;
  void on_stream_failed(router::StreamFailure why) override;

 private:
  void on_data(Slice data) override;
  void on_end() override;
  void on_drained() override;
  void on_closed(const io::Error& error) override;

  void read_on();
  void to_socket();
  void over();

  link::Node& node_;
  std::unique_ptr<io::Stream> socket_;
  LiveCounters& counters_;
  Owner& owner_;
  router::StreamId stream_;
  std::size_t unreported_ = 0;  ///< octets given to the socket and not yet told to the router
  bool open_ = false, fin_written_ = false, local_end_ = false, over_ = false;
};

}  // namespace van::proxy
