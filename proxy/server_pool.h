#pragma once

#include <list>
#include <memory>
#include <vector>

#include "core/base/clock.h"
#include "core/io/deferred.h"
#include "core/io/loop.h"
#include "core/io/timer.h"
#include "proxy/socket_channel.h"

namespace van::proxy {

/// Connections to a local server that are between two requests. One that the server ends, or says something on unasked, leaves; so
/// does one that nobody has used for half a minute, and the longest unused one when there are too many.
class ServerPool {
 public:
  ServerPool(io::Loop& loop, std::size_t most);  ///< `most`: connections

  /// The one that was used last, if that is not longer ago than `most`; nullptr when there is none.
  std::unique_ptr<SocketChannel> take(Duration most);
  void give(std::unique_ptr<SocketChannel> channel);
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting final : Channel::User {
    Waiting(ServerPool& in, std::unique_ptr<SocketChannel> connection, TimePoint now) : pool{in}, channel{std::move(connection)}, since{now} {}
    /// In order: a reset would be an error in its server's log.
    ~Waiting() override {
      if (channel) channel->write(SliceQueue{}, true);
    }
    void channel_moved() override { pool.leave(*this); }
    ServerPool& pool;
    std::unique_ptr<SocketChannel> channel;
    TimePoint since;
  };
  void leave(const Waiting& waiting);
  void expire();

  std::size_t most_;
  std::list<Waiting> waiting_;  ///< longest unused first
  std::list<Waiting> gone_;
  io::Timer timer_;
  io::Deferred reap_;
};

}  // namespace van::proxy
