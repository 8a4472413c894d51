#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "core/base/clock.h"
#include "core/base/slice.h"
#include "core/http2/headers.h"

namespace van::http2 {

enum class Head {
  request,   ///< to a server
  interim,   ///< 1xx; another one follows
  response,  ///< to a client
  trailers,  ///< the end of the peer's direction
};
struct HeadReceived {
  StreamNo stream;
  Head kind = Head::request;
  Headers headers;
  bool end = false;        ///< of the peer's direction: no data and no trailers follow
  bool too_large = false;  ///< above limits::kHttp2HeaderListBytes: what was too much is missing
};
struct DataReceived { StreamNo stream; Slice octets; };  ///< say taken() once they went on
struct EndReceived { StreamNo stream; };                 ///< of the peer's direction, with the last data
struct DataSent { StreamNo stream; std::size_t octets = 0; };  ///< what send() took is in the output now
/// Nothing more comes for the stream. no_error: both directions have ended, or the peer wants no more of the request.
/// refused_stream: the peer has not looked at it (RFC 9113 §8.7). Streams that are open when the connection is over are not told of.
struct StreamClosed { StreamNo stream; ErrorCode code = ErrorCode::no_error; };
struct PeerChanged {};  ///< it has told how many streams it takes, or that it takes no more: can_open()
using Event = std::variant<HeadReceived, DataReceived, EndReceived, DataSent, StreamClosed, PeerChanged>;

/// One end of an HTTP/2 connection (RFC 9113) without TLS and with prior knowledge: frames, header compression, streams and their
/// windows, and the rules of HTTP's messages; what breaks a rule is answered with RST_STREAM or GOAWAY as RFC 9113 says and goes no
/// further; a client that speaks HTTP/1 is told 505. No I/O: feed it with receive(), act on poll_event(), drain take_output().
///
/// A peer has the connection's window for the asking, so that a stream that nobody reads holds up no other one; each stream's opens
/// by taken() alone. At most limits::kHttp2Streams of a peer's are open at once; more are refused. A peer that resets streams, or
/// sends frames that carry nothing, faster than limits::kHttp2Resets and kHttp2IdleFrames let it is sent away
/// (ENHANCE_YOUR_CALM).
class Session {
 public:
  enum class Side { client, server };
  struct Config {
    Side side = Side::server;
    std::uint32_t stream_window = 0;  ///< octets of one stream that may come before they are taken
  };
  explicit Session(const Config& config);
  ~Session();

  // ---- Input ----
  void receive(const Slice& bytes, TimePoint now);

  // ---- Commands; for a stream that is gone they do nothing ----
  /// Client. `end`: without a body. nullopt when this connection takes no more streams.
  std::optional<StreamNo> request(const Headers& headers, bool end);
  void interim(StreamNo stream, const Headers& headers);             ///< server: 1xx
  void respond(StreamNo stream, const Headers& headers, bool end);   ///< server, once
  /// Queues data; there is no limit here, DataSent tells what has gone.
  void send(StreamNo stream, Slice octets);
  void finish(StreamNo stream, Headers trailers = {});               ///< ends our direction behind what send() took
  void reset(StreamNo stream, ErrorCode code);                       ///< at once; StreamClosed follows
  /// Server: once our direction has ended, the rest of the request is not wanted (RFC 9113 §8.1). StreamClosed follows.
  void want_no_more(StreamNo stream);
  void taken(StreamNo stream, std::size_t octets);                   ///< opens the peer's window by so much
  /// No new streams; what runs may finish. Then over().
  void go_away();

  // ---- Output ----
  std::optional<Event> poll_event();
  /// About `budget` octets at most: a frame is not divided.
  void take_output(SliceQueue& output, std::size_t budget);
  [[nodiscard]] bool wants_output() const;

  // ---- Looking ----
  /// Write what there is, and close: by a GOAWAY of either side, or because the peer speaks no HTTP/2.
  [[nodiscard]] bool over() const;
  [[nodiscard]] const std::string& trouble() const;  ///< why it ended, when that was no orderly end
  /// Client: a request would go out now. Before the server has told how many it takes at once, one does.
  [[nodiscard]] bool can_open() const;
  [[nodiscard]] bool greeted() const;                ///< the peer's SETTINGS have come
  [[nodiscard]] std::size_t streams() const;
  [[nodiscard]] bool sends_stopped() const;          ///< the peer lets us send no data on any stream now

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace van::http2
