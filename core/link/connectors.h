#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/fwd.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/io/deferred.h"
#include "core/io/dialer.h"
#include "core/io/error.h"
#include "core/io/loop.h"
#include "core/io/timer.h"
#include "core/link/backoff.h"
#include "core/link/connections.h"
#include "core/link/link_status.h"
#include "core/router/router.h"
#include "core/tls/context.h"

namespace van::link {

struct ConnectorConfig {
  std::string name;  ///< of the link, for people
  std::string host;  ///< name or address; IPv6 without brackets
  std::uint16_t port = 0;
  router::PeerRole role = router::PeerRole::edge;
  std::uint32_t cost = 1;
  std::shared_ptr<tls::Context> tls;  ///< client context of the token; null: plain TCP (tests)
  bool data = false;                  ///< a data connection, of a worker, beside the connector's own
  std::string correlator = {};        ///< of a data connection: the connector's (LinkStatus)
};

/// The links that this node makes itself. Each connector dials until it has a connection, and anew when that is over: after a
/// pause, exponential with full jitter, a longer one where the other end has refused. What becomes of the connection it is told.
class Connectors {
 public:
  /// All must outlive it. `pump` is scheduled when take_changed() has something to say.
  Connectors(io::Loop& loop, const router::Router& router, Connections& connections, io::Deferred& pump, Rng& rng, spdlog::logger& log)
      : loop_{loop}, router_{router}, connections_{connections}, pump_{pump}, rng_{rng}, log_{log} {}

  ConnectorId add(ConnectorConfig config);
  void remove(ConnectorId id);  ///< closes its connection

  // ---- What becomes of a connector's connection ----
  void came_up(ConnectorId id, LinkState state);  ///< `state`: up or standby
  void fell_silent(ConnectorId id);               ///< the connection stays
  /// The connection is over, or could not be made. `refused`: trying again soon will not help.
  void failed(ConnectorId id, const std::string& reason, bool refused);

  void retry_now();  ///< who waits to dial dials

  /// Those whose state is another one, or who have failed once more, since the last call; without data connections. Some may be
  /// gone meanwhile.
  [[nodiscard]] std::vector<ConnectorId> take_changed() { return std::exchange(changed_, {}); }
  [[nodiscard]] std::optional<LinkStatus> status(ConnectorId id) const;  ///< nullopt: it is gone
  [[nodiscard]] std::vector<LinkStatus> links() const;                   ///< without data connections, in the order they were added

 private:
  static constexpr Backoff::Range kRefusedRange{.first = std::chrono::seconds{15}, .longest = std::chrono::seconds{120}};
  struct Connector {
    ConnectorConfig config;
    std::unique_ptr<io::Timer> retry;
    TimePoint since;  ///< of the state
    LinkState state = LinkState::connecting;
    Backoff backoff{Backoff::Range{}};
    Backoff refused_backoff{kRefusedRange};
    std::unique_ptr<io::Dialer> dialer = {};  ///< while it dials
    PeerConnection* connection = nullptr;
    std::string correlator = {};  ///< of the connection
    std::string error = {};       ///< the last one; empty when up
    bool refused = false;
  };
  void dial(ConnectorId id);
  void dialled(ConnectorId id, io::Result<std::unique_ptr<io::Stream>> result);
  [[nodiscard]] std::string correlator_for(const ConnectorConfig& config);
  void set_state(ConnectorId id, Connector& connector, LinkState state);
  [[nodiscard]] LinkStatus status(ConnectorId id, const Connector& connector) const;

  io::Loop& loop_;
  const router::Router& router_;
  Connections& connections_;
  io::Deferred& pump_;
  Rng& rng_;
  spdlog::logger& log_;
  std::uint32_t last_id_ = 0;
  std::map<ConnectorId, Connector> connectors_;
  std::vector<ConnectorId> changed_;
};

}  // namespace van::link
