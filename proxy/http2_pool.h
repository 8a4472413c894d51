#pragma once

#include <functional>
#include <list>
#include <memory>
#include <unordered_map>

#include "core/io/timer.h"
#include "proxy/http2_exchange.h"
#include "proxy/service.h"
#include "proxy/target.h"

namespace van::proxy {

/// HTTP/2 connections to one local server, with prior knowledge: the requests of all clients share them. A new one is made when the
/// others have as many streams as the server lets them, up to limits::kHttp2PoolConnections; then requests wait. One that has
/// nothing to do for Times::idle, or a little more, is closed.
class Http2Pool final : private Http2Connection::Owner {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void pool_ready() = 0;  ///< a connection has been made
    /// None could be made, and there is no other. Requests that waited have been answered 503.
    virtual void pool_failed(const io::Error& error) = 0;
    virtual void pool_noticed(const std::string& why) = 0;  ///< a connection ended for no good reason
  };
  struct Times {
    Duration greeting = std::chrono::seconds{10};  ///< of a connection without the server's SETTINGS; then requests are answered 502
    Duration idle = std::chrono::seconds{60};      ///< of a connection without streams; then it is closed
  };
  Http2Pool(io::Loop& loop, Target& target, Owner& owner, const Times& times);  ///< all but the times must outlive it
  ~Http2Pool() override = default;

  [[nodiscard]] bool ready() const;  ///< there is a connection that takes streams, now or later
  [[nodiscard]] bool full() const;   ///< no more requests may wait
  void prepare();                    ///< pool_ready() or pool_failed() will follow, unless ready()
  /// Starts the exchange on a connection, now or when one is free.
  void serve(Http2Exchange& exchange);
  void forget(Http2Exchange& exchange) { std::erase(waiting_, &exchange); }  ///< it waits no more

 private:
  struct Held {
    std::unique_ptr<Http2Connection> connection;
    TimePoint idle_since;  ///< kNever while it has streams
  };

  void request_came(Http2Connection&, http2::HeadReceived&) override {}
  void room_changed(Http2Connection&) override { serve_later_.schedule(); }
  void connection_over(Http2Connection& connection) override;

  bool place(Http2Exchange& exchange);
  void serve_waiting();
  void dial();
  void connected(io::Result<std::unique_ptr<io::Stream>> result);
  void close_idle();
  void drop_silent();
  void reap();

  io::Loop& loop_;
  Target& target_;
  Owner& owner_;
  std::list<Held> connections_;
  std::list<Held> over_;
  std::vector<Http2Exchange*> waiting_;
  std::unique_ptr<Target::Connecting> connecting_, connecting_over_;
  io::Deferred serve_later_;
  io::Deferred reap_;
  io::Timer idle_;
  Times times_;
  io::Timer silence_;
};

}  // namespace van::proxy
