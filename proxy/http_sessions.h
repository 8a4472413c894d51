#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "core/io/deferred.h"
#include "core/io/loop.h"
#include "core/io/timer.h"
#include "proxy/http_session.h"

namespace van::proxy {

/// All sessions of a stand-in or an exposure: keeps their time and reaps them.
class HttpSessions {
 public:
  explicit HttpSessions(io::Loop& loop);

  /// Makes one; start() it then.
  HttpSession& add(std::unique_ptr<Channel> client, HttpSession::Config config, Counters& counters, HttpSession::Owner& owner);
  void reap(HttpSession& session);             ///< at the end of this turn
  void reap(std::unique_ptr<Channel> channel);  ///< the same
  [[nodiscard]] bool empty() const { return sessions_.empty(); }
  [[nodiscard]] std::size_t size() const { return sessions_.size(); }
  void drain();
  void clear();

 private:
  void tick();
  void reap_all();

  std::unordered_map<HttpSession*, std::unique_ptr<HttpSession>> sessions_;
  std::vector<HttpSession*> over_;
  std::vector<std::unique_ptr<Channel>> channels_;
  io::Timer timer_;
  io::Deferred reap_;
};

}  // namespace van::proxy
