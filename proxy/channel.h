#pragma once

#include <cstddef>
#include <string_view>

#include "core/base/slice.h"

namespace van::proxy {

/// Octets both ways, with an end in each direction, in the order and at the speed of both ends: a local socket or a stream of the
/// network. For those who look into what passes; a TcpBridge joins the two without looking.
///
/// Destroying it breaks what has not ended in both directions. Nobody destroys it from inside User::channel_moved().
class Channel {
 public:
  class User {
   public:
    virtual ~User() = default;
    /// Something came, or went, or ended, or broke: look again. Never called from inside a call of the channel.
    virtual void channel_moved() = 0;
  };

  virtual ~Channel() = default;
  void set_user(User& user) { user_ = &user; }

  /// What has come; null when there is none. Consume from it what can be passed on, then say how much.
  [[nodiscard]] virtual SliceQueue* input() = 0;
  virtual void taken(std::size_t octets) = 0;
  [[nodiscard]] virtual bool ended() = 0;   ///< input() is empty and nothing comes after it
  [[nodiscard]] virtual bool broken() const = 0;  ///< both directions have failed
  /// For the answer to a client, when the channel of his server broke: 502, or 503 when there is none.
  struct Failure {
    int status = 502;
    std::string_view why = "the connection to the server broke";
  };
  [[nodiscard]] virtual Failure failure() const { return {}; }

  [[nodiscard]] virtual std::size_t room() = 0;  ///< octets that write() should take now
  virtual void write(SliceQueue&& octets, bool last) = 0;  ///< `last`: our direction ends behind them
  [[nodiscard]] virtual bool flushed() const = 0;  ///< nothing written waits here
  virtual void reset() = 0;  ///< breaks it; the user is not called any more

 protected:
  User* user_ = nullptr;
};

}  // namespace van::proxy
