#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <spdlog/fwd.h>

#include "agent/error.h"
#include "agent/events.h"
#include "agent/log.h"
#include "agent/presence.h"
#include "agent/state.h"
#include "core/base/random.h"
#include "core/io/deferred.h"
#include "core/io/loop.h"
#include "core/io/timer.h"
#include "core/link/node.h"

namespace van::agent {

inline constexpr std::uint16_t kInterRouterPort = 55671;  ///< defaults, tokens 7
inline constexpr std::uint16_t kEdgePort = 45671;
inline constexpr std::chrono::hours kJoinWaitMax{1};
inline constexpr std::chrono::seconds kPortWait{2};
inline constexpr std::size_t kLinksMax = 64;          ///< of a site; more: conflict
inline constexpr std::size_t kExposuresMax = 1024;    ///< the same
inline constexpr std::size_t kBindingsMax = 1024;
inline constexpr std::size_t kIssuedTokensMax = 4096;

struct CreateSite {
  std::string name = {};
  std::optional<std::string> listen = std::nullopt;       ///< [HOST:]PORT; port 0 picks one, which is then kept
  std::optional<std::string> listen_edge = std::nullopt;
  std::vector<std::string> public_hosts = {};
  bool no_listen = false;
};
struct CreateToken {
  std::string name = {};  ///< label; empty: one is made up
  std::uint32_t cost = 1;
  std::optional<std::chrono::seconds> validity = std::nullopt;
};
struct CreatedToken {
  std::string text = {};
  std::string name = {};
  tls::WallTime expires;
};
struct Join {
  std::string token = {};  ///< its text
  std::string site_name = {};  ///< of ours; empty: as it is, else like the machine's name
  std::optional<router::Mode> role = std::nullopt;  ///< absent: the site's, else edge
  std::optional<std::uint32_t> cost = std::nullopt;  ///< absent: the token's
  std::string link_name = {};  ///< empty: the token's, made unique
  std::chrono::milliseconds wait{30'000};  ///< up to kJoinWaitMax; 0: does not wait for the link
};
struct Joined {
  bool before = false;  ///< this token was joined with already
  std::vector<std::string> links = {};
};
struct Expose {
  std::string address = {};
  std::string target = {};
  std::optional<std::string> protocol = std::nullopt;  ///< absent: the target's scheme, else tcp
  std::uint32_t cost = 0;
  std::optional<std::uint16_t> port = std::nullopt;  ///< absent: the target's
  std::optional<std::string> health = std::nullopt;  ///< as parse_health_check(); absent: none
  std::optional<std::chrono::milliseconds> health_interval = std::nullopt;  ///< these three only with `health`
  std::optional<std::uint32_t> health_failures = std::nullopt;
  std::optional<std::uint32_t> health_successes = std::nullopt;
  bool proxy_protocol = false;
  proxy::TlsFiles tls = {};  ///< for a target of TLS, as its scheme tells
  bool multicast = false;                            ///< udp only
};
struct Bind {
  std::string address = {};
  std::optional<std::string> local = std::nullopt;  ///< absent: the service's own port, else a free one
  std::optional<std::string> protocol = std::nullopt;  ///< absent: the service's own when it is known, else tcp
  bool multicast = false;                              ///< false: as the service is when it is known
  std::optional<std::string> forwarded = std::nullopt;  ///< as http::forwarded_of(); absent: none
  proxy::TlsFiles tls = {};  ///< certificate and key, or neither
};
struct OpenProxy {
  std::map<std::string, std::optional<std::string>> places = {};  ///< by NamePort::name; none: all that are not open, where it suits
};
struct Bound {
  bool before = false;
  BindingState binding;
};

/// One profile's site: what it remembers, what runs of it, and the commands that change both. A command is persisted and in force
/// when it returns, or neither: after an error everything is as before.
class Site final : private link::NodeObserver, private link::MessageHandler {
 public:
  struct Parts {  ///< all must outlive the site
    io::Loop& loop;
    SecureRandom& random;
    Logs& logs;
    StateStore store;
    std::string machine;  ///< its host name: default name of a site
    Duration idle_timeout = std::chrono::seconds{4};  ///< of links
    ProxyState configured_proxy = {};  ///< by agent.toml; goes before what the state says
    std::uint32_t workers = 1;                        ///< of an interior: threads that carry streams
  };
  using JoinDone = std::function<void(Result<Joined>)>;
  using BindDone = std::function<void(Result<Bound>)>;

  /// Starts what the state says. What can't start because the world has changed (a port is taken by now) is logged, and tried
  /// again at the next start. Errors: failed, when the state can't be used: nothing is changed or started then.
  static Result<std::unique_ptr<Site>> open(Parts parts);
  ~Site() override;

  Result<void> create(const CreateSite& command);
  /// Deletes identity and state, exposures and bindings too. What runs ends with the process.
  Result<void> destroy();
  Result<CreatedToken> create_token(const CreateToken& command);

  /// `done` comes once: at once when the command can't be done, else when a link is up, all are refused (nothing is kept
  /// then), or the time is over (they are kept, and go on trying). Not at all when the Site goes before.
  void join(const Join& command, JoinDone done);
  Result<void> leave(const std::string& link_name);
  /// All links; of a site that only dials out the identity and everything else, too.
  Result<void> leave_all();

  Result<ExposureState> expose(const Expose& command);
  /// The removed ones, at least one.
  Result<std::vector<ExposureState>> unexpose(const std::string& address, const std::optional<std::string>& target);
  /// With what is known now.
  Result<Bound> bind(const Bind& command);
  /// The same, but where the service's own port is wanted and not known yet the network has kPortWait to tell it. `done` comes
  /// once, perhaps at once; not at all when the Site goes before.
  void bind(const Bind& command, BindDone done);
  Result<std::vector<BindingState>> unbind(const std::string& address, const std::optional<std::string>& local);

  /// Opens ports where services are asked for by name. Errors: conflict, for a port in use and for one that agent.toml sets.
  Result<void> open_proxy(const OpenProxy& command);
  Result<void> close_proxy();  ///< all of them

  /// Before the process ends: tells the neighbours. Only destruction may follow.
  void close() { presence_->close(); }

  [[nodiscard]] const State& state() const { return state_; }
  [[nodiscard]] const Presence& presence() const { return *presence_; }
  [[nodiscard]] Events& events() { return events_; }

 private:
  struct PendingJoin {
    std::vector<std::string> links;
    bool before = false;  // a refusal leaves things as they are
    std::chrono::milliseconds wait{};
    JoinDone done;
    std::unique_ptr<io::Timer> timer;
  };
  struct PendingBind {
    Bind command;
    BindDone done;
    std::unique_ptr<io::Timer> timer;
  };
  enum class Missing { refuse, go_on };  // what to do when a listener or stand-in can't start

  explicit Site(Parts parts);
  void on_link_changed(const link::LinkStatus& status) override;
  void on_message(amqp::Message request) override;  // for $management

  /// Replaces what runs by what `next` says, and fills in the ports that the system picked.
  Result<void> start(State& next, Missing missing);
  Result<void> start_listener(ListenerState& listener, const AuthorityState& own);
  void restart_as_before();
  Result<void> save(State next);

  void wait_for_links(PendingJoin pending);
  void settle_joins();
  /// The outcome of a join, once there is one.
  std::optional<Result<Joined>> outcome(const PendingJoin& pending);
  Result<void> forget_links(const std::vector<std::string>& names);
  [[nodiscard]] Error timed_out(const PendingJoin& pending) const;

  [[nodiscard]] Result<Presence::Manner> manner_of(const Bind& command) const;
  [[nodiscard]] Result<void> check_carriage(const std::string& address, const Presence::Manner& manner) const;
  Result<std::string> bind_unasked(BindingState binding);
  [[nodiscard]] bool waits_for_port(const Bind& command) const;
  void settle_bindings();

  void start_proxy(const State& state);
  void reopen_proxy();
  Result<void> open_ports(const OpenProxy& command, ProxyState& next);
  Result<std::string> open_usual(const NamePort& port);

  Parts parts_;
  spdlog::logger& log_;
  State state_;
  Events events_;
  std::unique_ptr<Presence> presence_;
  std::list<PendingJoin> joins_;
  std::list<PendingBind> bindings_;  // that wait
  io::Deferred settle_;
};

}  // namespace van::agent
