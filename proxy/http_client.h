#pragma once

#include <list>
#include <memory>

#include "core/io/deferred.h"
#include "core/io/stream.h"
#include "core/io/timer.h"
#include "proxy/farewell.h"
#include "proxy/http_conversation.h"
#include "proxy/name_server.h"
#include "proxy/named_stream.h"
#include "proxy/tcp_bridge.h"

namespace van::proxy {

/// A client of the port for HTTP: an HttpConversation between its socket and the streams to services.
class HttpClient final : public NameClient, private io::StreamHandler, public NamedStream::Owner, private link::StreamHandler, public TcpBridge::Owner {
 public:
  HttpClient(const NameClient::Parts& parts, std::unique_ptr<io::Stream> socket);
  ~HttpClient() override;

 private:
  void on_data(Slice data) override;
  void on_end() override;
  void on_drained() override;
  void on_closed(const io::Error& error) override;
  void stream_opened(router::StreamId stream) override;
  void stream_not_opened(NamedStream::Failure why) override;
  void on_stream_opened() override {}
  void on_stream_readable() override;
  void on_stream_writable() override;
  void on_stream_failed(router::StreamFailure why) override;
  void bridge_over(TcpBridge& bridge) override;

  void pump();
  bool step();
  [[nodiscard]] bool may_find() const;
  void find_what_is_asked();
  void open_service();
  void answer_own_page();
  void to_service();
  bool from_service();
  void to_client();
  void drop_stream();
  void hand_over();
  void end_client();
  void watch_client();
  void over();

  NameClient::Parts parts_;
  link::Node& node_;
  io::Loop& loop_;
  std::unique_ptr<io::Stream> socket_;
  HttpConversation conversation_;
  NameRoutes::Use service_;
  std::unique_ptr<NamedStream> opening_;
  router::StreamId stream_;
  std::size_t unreported_ = 0;  ///< octets of the stream that wait for the client, and were not told to the router
  std::list<Farewell> farewells_;
  std::unique_ptr<TcpBridge> bridge_;
  io::Timer limit_;
  io::Deferred reap_;
  bool fin_sent_ = false, over_ = false;
};

}  // namespace van::proxy
