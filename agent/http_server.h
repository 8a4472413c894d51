#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <spdlog/fwd.h>

#include "agent/http_request.h"
#include "core/base/id.h"
#include "core/io/deferred.h"
#include "core/io/loop.h"
#include "core/io/stream.h"

namespace van::agent {

/// A body that goes on until the client closes. It is pulled as the client reads, so that a slow one holds nothing up.
class HttpBodySource {
 public:
  virtual ~HttpBodySource() = default;
  /// What is there now, about `bytes` at most; empty when there is nothing.
  virtual std::string pull(std::size_t bytes) = 0;
  /// Calls `wake` whenever there may be more; `wake` only takes a note, so it may be called from anywhere. Nothing after the
  /// destructor.
  virtual void set_wake(std::function<void()> wake) = 0;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::unique_ptr<HttpBodySource> source = {};  ///< instead of `body`: chunked, until the client closes
};

/// One request that waits for its answer.
using ExchangeId = Id<struct ExchangeTag, std::uint64_t>;

/// Serves HTTP/1.1 on streams that are given to it. Answers come in the order of a connection's requests, as the next request
/// is only read when the one before is answered. At most limits::kApiConnections: at the limit a connection that has been idle
/// for five seconds gives way, else the new one is closed.
class HttpServer {
 public:
  /// Answers now or later, by answer(). Called on the loop's thread, never from inside a call into the server but accept().
  using Handler = std::function<void(ExchangeId exchange, const HttpRequest& request)>;

  /// `loop` must outlive it.
  HttpServer(io::Loop& loop, Handler handler);
  ~HttpServer();

  void accept(std::unique_ptr<io::Stream> stream);
  /// The client may be gone by now: then nothing happens.
  void answer(ExchangeId exchange, HttpResponse response);
  /// Calls `done` in a later turn, when what was answered before is written, or its clients are gone.
  void flush(std::function<void()> done);

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  class Connection;

  void make_room();
  void reap();
  [[nodiscard]] bool all_written() const;

  io::Loop& loop_;
  Handler handler_;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;  // by the number in the upper half of exchange ids
  std::uint64_t last_connection_ = 0;
  std::function<void()> flushed_;
  io::Deferred reaper_;
};

}  // namespace van::agent
