#pragma once

#include <memory>
#include <optional>

#include "core/io/stream.h"
#include "core/io/timer.h"
#include "proxy/name_server.h"
#include "proxy/named_stream.h"
#include "proxy/socks_handshake.h"
#include "proxy/tcp_bridge.h"

namespace van::proxy {

/// A client of the SOCKS port: handshake, then its connection to a service. One that does not say what it wants within
/// limits::kNameWordTime is closed.
class SocksClient final : public NameClient, private io::StreamHandler, public NamedStream::Owner, public TcpBridge::Owner {
 public:
  SocksClient(const Parts& parts, std::unique_ptr<io::Stream> socket);
  ~SocksClient() override;

 private:
  void on_data(Slice data) override;
  void on_end() override;
  void on_closed(const io::Error& error) override;
  void stream_opened(router::StreamId stream) override;
  void stream_not_opened(NamedStream::Failure why) override;
  void bridge_over(TcpBridge& bridge) override;

  void ask();
  void refuse(SocksReply reply, std::string_view why);
  void write_output();
  void close_soon();
  void over();

  NameClient::Parts parts_;
  std::unique_ptr<io::Stream> socket_;
  SocksHandshake handshake_;
  Slice early_;  ///< what came behind the handshake
  NameRoutes::Use service_;
  std::unique_ptr<NamedStream> opening_;
  std::unique_ptr<TcpBridge> bridge_;
  io::Timer limit_;
  bool over_ = false;
};

}  // namespace van::proxy
