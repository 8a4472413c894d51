#pragma once

#include <string_view>

#include "proxy/counters.h"
#include "proxy/http2_connection.h"

namespace van::proxy {

/// A request and its response between the connection that it came by (front) and the one that it goes on by (back): heads, data,
/// trailers and resets both ways. Data opens its sender's window once the other connection has taken it, so that a slow reader stops
/// its own stream. What the back end has certainly not looked at may be sent once more.
class Http2Exchange {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    /// The exchange is done with `back`; broken off: its stream did not come to an end.
    virtual void let_go(Http2Connection& back, bool broken_off) = 0;
    /// The back end has not looked at the request. True: start() or answer() will be called once more.
    virtual bool try_again(Http2Exchange& exchange) = 0;
    virtual void exchange_over(Http2Exchange& exchange) = 0;  ///< destroy it, but not from inside this call
  };

  /// Takes the request's head. `counters` must outlive the exchange.
  Http2Exchange(Http2Connection& front, http2::HeadReceived& request, Counters& counters, Owner& owner);
  Http2Exchange(const Http2Exchange&) = delete;
  Http2Exchange& operator=(const Http2Exchange&) = delete;
  ~Http2Exchange();  ///< lets go of both connections, without a word

  /// Sends the request on. False when `back` takes no more streams.
  bool start(Http2Connection& back);
  /// Answers in the place of the service: 502 to 504 as UNAVAILABLE to a gRPC client.
  void answer(std::string_view status, std::string_view why);

 private:
  class Front final : public Http2Connection::StreamHandler {
   public:
    explicit Front(Http2Exchange& exchange) : to_{exchange} {}
    void on_head(http2::HeadReceived& head) override { to_.request_ended(head.too_large, std::move(head.headers)); }
    void on_data(Slice octets) override { to_.request_data(std::move(octets)); }
    void on_end() override { to_.request_ended(false, {}); }
    void on_sent(std::size_t octets) override { to_.response_sent(octets); }
    void on_closed(const Http2Connection::StreamEnd& end) override { to_.front_closed(end); }

   private:
    Http2Exchange& to_;
  };
  class Back final : public Http2Connection::StreamHandler {
   public:
    explicit Back(Http2Exchange& exchange) : to_{exchange} {}
    void on_head(http2::HeadReceived& head) override { to_.response_head(head); }
    void on_data(Slice octets) override { to_.response_data(std::move(octets)); }
    void on_end() override { to_.response_ended({}); }
    void on_sent(std::size_t octets) override { to_.request_sent(octets); }
    void on_closed(const Http2Connection::StreamEnd& end) override { to_.back_closed(end); }

   private:
    Http2Exchange& to_;
  };

  void request_data(Slice octets);
  void request_ended(bool too_large, http2::Headers trailers);
  void request_sent(std::size_t octets);
  void front_closed(const Http2Connection::StreamEnd& end);
  void response_head(http2::HeadReceived& head);
  void response_data(Slice octets);
  void response_ended(http2::Headers trailers);
  void response_sent(std::size_t octets);
  void back_closed(const Http2Connection::StreamEnd& end);

  void failed(const Http2Connection::StreamEnd& end);
  void fail(http2::ErrorCode code);
  void leave_back(http2::ErrorCode code);
  void response_begins();
  void over();
  [[nodiscard]] bool is_grpc() const;

  Counters& counters_;
  Owner& owner_;
  Front from_front_{*this};
  Back from_back_{*this};
  Http2Connection* front_;  ///< null once its stream has closed
  Http2Connection* back_ = nullptr;
  http2::StreamNo front_stream_, back_stream_;

  // The request: kept until the response begins, as far as it may have to be sent once more.
  http2::Headers request_, trailers_;
  SliceQueue body_;
  std::size_t body_given_ = 0;  ///< octets of all that has come
  std::size_t body_sent_ = 0;   ///< octets that this back end was sent
  std::size_t body_taken_ = 0;  ///< octets that the front's window was opened by
  int tries_ = 0;
  bool request_ended_ = false, head_only_ = false;
  bool response_begun_ = false, response_ended_ = false;
  bool over_ = false;
};

}  // namespace van::proxy
