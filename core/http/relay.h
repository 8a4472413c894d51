#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <string_view>

#include "core/base/fifo.h"
#include "core/base/slice.h"
#include "core/http/body_reader.h"
#include "core/http/forwarding.h"
#include "core/http/gathered.h"
#include "core/http/request_reader.h"
#include "core/http/response_reader.h"

namespace van::http {

/// Forwards the requests of one client connection, one after the other, each to a server connection that its owner chooses for it, and
/// the answers back: both ways at once, as the octets come. Knows where every message ends (RFC 9112), keeps the two connections' own
/// matters apart, and turns into a tunnel when the server switches protocols. No I/O: the owner hands in queues and how much there is
/// room for, and takes what is to be sent.
///
/// One request is with a server at a time; what the client has sent beyond it stays in the owner's queue, and so does content for
/// which there is no room. Kept here is at most one head for each direction, and what is needed to send a request again.
class Relay {
 public:
  /// The state of both connections for one call of advance().
  struct Ends {
    SliceQueue* client = nullptr;  ///< what has come and was not consumed yet; null: nothing
    bool client_ended = false;     ///< nothing comes after it
    std::size_t client_room = 0;   ///< octets of content that to_client() may get
    SliceQueue* server = nullptr;
    bool server_ended = false;
    std::size_t server_room = 0;
  };
  enum class Event {
    connect,        ///< a request wants a server: attach() one, or fail()
    connect_again,  ///< the same, but one that was never used: the last one was gone before it could have read the request
    release,        ///< the exchange is over and the server's connection can be used for another one
    done,           ///< the exchange is over and it can't: end it in order
    drop,           ///< the exchange was given up: break it, or stop making it
    finish_server,  ///< tunnel: the client says no more
    finish_client,  ///< tunnel: the server says no more
    close_client,   ///< after what is in to_client(): end our direction, and drop what still comes
    reset_client,   ///< the answer can't be completed
  };

  explicit Relay(RequestForwarding forwarding) : forwarding_{std::move(forwarding)} {}

  /// Goes on as far as it can; events and output may follow.
  void advance(const Ends& ends);
  std::optional<Event> poll_event();
  [[nodiscard]] SliceQueue& to_client() { return to_client_.queue(); }
  [[nodiscard]] SliceQueue& to_server() { return to_server_.queue(); }

  /// `reused`: the connection has carried an exchange before, so its end may have crossed the request.
  void attach(bool reused);
  /// The server's connection failed, or there is none. Answers with `status` unless a part of the answer is out already. An idempotent
  /// request that nothing is known to have answered is sent again when its connection was a used one.
  void fail(int status, std::string_view why);
  /// The client took too long with the head of a request.
  void time_out();
  /// No further request is waited for.
  void close_idle();
  /// The request that is with a server is the last one.
  void drain();

  [[nodiscard]] bool idle() const { return step_ == Step::request && !request_.begun(); }  ///< between requests
  [[nodiscard]] bool reading_head() const { return step_ == Step::request && request_.begun(); }
  [[nodiscard]] bool exchanging() const { return step_ == Step::exchange || step_ == Step::tunnel; }
  [[nodiscard]] bool wants_server() const { return server_ == Server::wanted; }
  [[nodiscard]] bool request_whole() const { return exchanging() && sent_whole(); }
  /// And nothing else is said to the server in this exchange, as it would be behind an upgrade.
  [[nodiscard]] bool one_request() const { return request_whole() && request_.head().connection.upgrade.empty(); }
  [[nodiscard]] bool closing() const { return step_ == Step::closing; }
  /// The request may be sent twice without harm (RFC 9110 §9.2.2), and all of it is at hand.
  [[nodiscard]] bool repeatable() const { return repeatable_ && sent_whole(); }

 private:
  enum class Step { request, exchange, tunnel, closing };
  enum class Server { none, wanted, attached };

  bool read_request(const Ends& ends);
  bool begin_exchange();
  bool pass_request(const Ends& ends);
  bool read_response(const Ends& ends);
  bool begin_response(const Ends& ends);
  bool pass_response(const Ends& ends);
  bool pass_piece(SliceQueue& from, std::size_t room);
  bool end_response(const Ends& ends);
  bool tunnel(const Ends& ends);
  void to_server(Slice octets);
  void let_go(Event how);
  void answer(int status, std::string_view why, bool keep_alive);
  void reset();
  void close();
  [[nodiscard]] bool sent_whole() const { return request_body_.complete(); }

  RequestForwarding forwarding_;
  Step step_ = Step::request;
  Server server_ = Server::none;
  Fifo<Event> events_;

  RequestReader request_;
  BodyReader request_body_;
  Gathered to_server_;
  SliceQueue sent_;          ///< of the request's content, while it may have to be sent again
  std::size_t sent_head_bytes_ = 0;
  bool repeatable_ = false;  ///< idempotent, and sent_ has all content that went out
  bool reused_ = false;

  ResponseReader response_;
  BodyReader response_body_;
  Gathered to_client_;
  Coding coding_ = Coding::as_it_came;
  bool continued_ = false;   ///< 100 went to the client
  bool unsure_ = false;      ///< the client may leave out the content that it announced
  bool answered_ = false;    ///< the head of the final response did
  bool heard_ = false;       ///< any octet of an answer has come
  bool draining_ = false;
  bool keep_alive_ = true;   ///< the client's connection goes on after this exchange
  bool server_finished_ = false, client_finished_ = false;  ///< in a tunnel
};

}  // namespace van::http
