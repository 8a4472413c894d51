#pragma once

#include <memory>

#include "core/base/clock.h"
#include "core/http/relay.h"
#include "proxy/channel.h"
#include "proxy/counters.h"

namespace van::proxy {

/// A client's HTTP/1 connection, whose requests go to a server each: moves octets between two channels as http::Relay says, and keeps
/// its time limits. In the counters a request is a connection.
class HttpSession final : private Channel::User {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    /// A request wants a server: attach() or fail(), at once or later. `fresh`: one that was never used.
    virtual void server_wanted(HttpSession& session, bool fresh) = 0;
    virtual void server_not_wanted(HttpSession& session) = 0;  ///< any more
    virtual void server_released(std::unique_ptr<Channel> server) = 0;  ///< it can be used for another request
    virtual void server_done(std::unique_ptr<Channel> server) = 0;      ///< it has answered and is to end in order
    virtual void session_over(HttpSession& session) = 0;  ///< destroy it, but not from inside this call
    virtual void bury(std::unique_ptr<Channel> channel) = 0;  ///< the same
  };
  struct Config {
    http::RequestForwarding forwarding;
    bool to_network = true;  ///< the server's side is the network: what the counters call in and out
  };

  /// `counters` and `owner` must outlive it.
  HttpSession(std::unique_ptr<Channel> client, Config config, Counters& counters, Owner& owner, TimePoint now);
  ~HttpSession() override;

  void start() { pump(); }
  void attach(std::unique_ptr<Channel> server, bool reused);
  void fail(int status, std::string_view why);
  void drain();  ///< the request that is with a server is the last one
  void tick(TimePoint now);  ///< every second or so

  [[nodiscard]] Channel& client() { return *client_; }
  [[nodiscard]] bool repeatable() const { return relay_.repeatable(); }
  [[nodiscard]] bool request_whole() const { return relay_.request_whole(); }
  [[nodiscard]] bool one_request() const { return relay_.one_request(); }
  [[nodiscard]] bool wants_server() const { return relay_.wants_server(); }
  [[nodiscard]] bool waits_for_request() const { return relay_.idle() || relay_.reading_head(); }

 private:
  void channel_moved() override { pump(); }
  void pump();
  bool step();
  void handle(http::Relay::Event event);
  void begin_exchange(bool fresh);
  void end_exchange();
  bool write();
  bool check_ends();
  void over();

  std::unique_ptr<Channel> client_, server_;
  http::Relay relay_;
  Counters& counters_;
  std::uint64_t& from_client_;  ///< of the counters: octets towards the server
  std::uint64_t& to_client_;
  Owner& owner_;
  TimePoint since_;       ///< of the last sign of life
  TimePoint head_since_;  ///< of the head that is being read
  std::uint64_t exchanges_ = 0, head_of_ = 0;  ///< begun; before the head that is being read
  bool stirred_ = false;      ///< since the last tick
  bool in_exchange_ = false, client_last_ = false, server_last_ = false;
  bool pumping_ = false, again_ = false, over_ = false;
};

}  // namespace van::proxy
