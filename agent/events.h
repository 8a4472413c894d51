#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/http_server.h"
#include "agent/presence.h"
#include "core/io/loop.h"
#include "core/io/timer.h"

namespace van::agent {

/// Events, which are messages to multicast addresses, from and to local commands (docs/events.md).
class Events final : private link::DatagramHandler {
 public:
  explicit Events(io::Loop& loop);
  ~Events() override;
  /// Where events go and come from now on; nullptr: nowhere. It must be there until the next call.
  void attach(Presence* presence);

  /// What comes to the address from now on, a line of JSON each: {"text"}, or {"base64"} when it is no UTF-8, and {"lost": N}
  /// in the place of N messages that the client was too slow for. nullptr when there are limits::kSubscribers already. This must
  /// outlive the source.
  std::unique_ptr<HttpBodySource> subscribe(const std::string& address);

  struct Published {
    std::size_t messages = 0;
    std::size_t dropped = 0;  ///< of them, on at least one way that was stuck for longer than we wait
    bool known = true;        ///< somebody may have got them
  };
  using Done = std::function<void(const Published&)>;
  /// Sends one after the other, no faster than our own links take them. `done` comes once, perhaps at once; not when this goes before.
  void publish(const std::string& address, std::vector<std::string> messages, Done done);

 private:
  class Subscription;
  struct Topic {
    router::EndpointId receiver;
    std::vector<Subscription*> subscriptions;
  };
  struct Publication {
    std::string address;
    std::vector<std::string> messages;
    Done done;
    std::size_t next = 0;
    TimePoint stuck_since = kNever;
    Published published = {};
  };

  void on_message(router::EndpointId receiver, const Slice& message) override;
  void unsubscribe(const std::string& address, Subscription& subscription);
  void work();
  /// Sends what can be sent; false when some has to wait.
  bool advance(Publication& publication);

  Presence* presence_ = nullptr;
  std::map<std::string, Topic> topics_;  // by the address on the wire
  std::list<Publication> publications_;  // that wait
  BlockWriter blocks_{64 * 1024};
  io::Timer retry_;
};

}  // namespace van::agent
