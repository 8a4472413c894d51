#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "core/http2/session.h"
#include "core/io/deferred.h"
#include "core/io/timer.h"
#include "proxy/byte_link.h"

namespace van::proxy {

/// Either end of an HTTP/2 connection over a ByteLink. What it is told to do goes out at the end of the loop's turn, so that what
/// comes together goes together.
class Http2Connection final : private ByteLink::Handler {
 public:
  /// How a stream ended.
  struct StreamEnd {
    http2::ErrorCode code = http2::ErrorCode::no_error;
    bool lost = false;       ///< with its connection
    bool untouched = false;  ///< lost, and no server has seen it
    std::string why = {};    ///< lost: in words
  };
  class StreamHandler {
   public:
    virtual ~StreamHandler() = default;
    virtual void on_head(http2::HeadReceived& head) = 0;
    virtual void on_data(Slice octets) = 0;
    virtual void on_end() = 0;
    virtual void on_sent(std::size_t octets) = 0;
    virtual void on_closed(const StreamEnd& end) = 0;  ///< the last call
  };
  class Owner {
   public:
    virtual ~Owner() = default;
    /// A server's: attach() a handler, or reset it.
    virtual void request_came(Http2Connection& connection, http2::HeadReceived& head) = 0;
    virtual void room_changed(Http2Connection&) {}                 ///< can_open() may have turned true
    virtual void connection_over(Http2Connection& connection) = 0;  ///< destroy it, but not from inside this call
  };

  Http2Connection(io::Loop& loop, std::unique_ptr<ByteLink> link, const http2::Session::Config& config, Owner& owner);
  ~Http2Connection() override = default;  ///< breaks it, without a word to its streams

  void attach(http2::StreamNo stream, StreamHandler& handler) { handlers_[stream] = &handler; }
  void detach(http2::StreamNo stream) { handlers_.erase(stream); }

  // As http2::Session's.
  std::optional<http2::StreamNo> request(const http2::Headers& headers, bool end, StreamHandler& handler);
  void interim(http2::StreamNo stream, const http2::Headers& headers);
  void respond(http2::StreamNo stream, const http2::Headers& headers, bool end);
  void send(http2::StreamNo stream, Slice octets);
  void finish(http2::StreamNo stream, http2::Headers trailers = {});
  void reset(http2::StreamNo stream, http2::ErrorCode code);
  void want_no_more(http2::StreamNo stream);
  void taken(http2::StreamNo stream, std::size_t octets);
  [[nodiscard]] bool can_open() const { return !closing_ && session_.can_open(); }
  [[nodiscard]] bool greeted() const { return session_.greeted(); }
  [[nodiscard]] bool sends_stopped() const { return session_.sends_stopped(); }
  [[nodiscard]] std::size_t streams() const { return session_.streams(); }

  void close();    ///< takes no new streams, and is over once the others are
  void abort();    ///< at once: the other end sees a broken connection
  void goodbye();  ///< tells the other end, as far as it listens, before it is destroyed
  [[nodiscard]] const std::string& trouble() const { return session_.trouble(); }

 private:
  void on_bytes(Slice bytes) override;
  void on_end() override;
  void on_room() override { pump_.schedule(); }
  void on_broken(const ByteLink::Broken& broken) override;

  void pump();
  void flush();
  void dispatch();
  void handle(http2::HeadReceived& head);
  void handle(http2::DataReceived& data);
  void handle(const http2::EndReceived& end);
  void handle(const http2::DataSent& sent);
  void handle(const http2::StreamClosed& closed);
  void handle(const http2::PeerChanged&);
  StreamHandler* handler_of(http2::StreamNo stream);
  void lose_streams(const StreamEnd& end);
  void begin_close(const std::string& why);
  void over();

  io::Loop& loop_;
  Owner& owner_;
  http2::Session session_;
  std::unordered_map<http2::StreamNo, StreamHandler*> handlers_;
  std::unique_ptr<ByteLink> link_;
  bool closing_ = false, over_ = false;
  io::Timer linger_;  ///< the other end is given so long to take our last words
  io::Deferred pump_;
};

}  // namespace van::proxy
