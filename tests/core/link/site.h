#pragma once

#include <spdlog/logger.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/io/listener.h"
#include "core/io/loop.h"
#include "core/io/timer.h"
#include "core/link/node.h"
#include "tests/support/catch.h"

namespace van::link::test {

/// Runs the loop until `done` holds. False after a time that only a hang takes.
inline bool run_until(io::Loop& loop, const std::function<bool()>& done) {
  bool held = false;
  bool hangs = false;
  io::Timer limit{loop, [&hangs] { hangs = true; }};
  limit.arm(std::chrono::minutes{5});
  loop.run_until([&held, &hangs, &done] { return (held = done()) || hangs; });
  return held;
}

/// Runs the loop until what is ready now, and what that makes ready at once, is worked off.
inline void run_turns(io::Loop& loop, int turns = 20) {
  for (int turn = 0; turn < turns; ++turn) {
    bool later = false;
    loop.post([&later] { later = true; });
    loop.run_until([&later] { return later; });
  }
}

/// A loopback port where nobody listens: one that was free a moment ago.
inline std::uint16_t closed_port(io::Loop& loop) {
  return std::move(io::TcpListener::listen(loop, "127.0.0.1", 0, [](std::unique_ptr<io::Stream>) {})).value()->port();
}

/// Notes what the observer of a node hears.
struct LinkChanges : NodeObserver {
  void on_link_changed(const LinkStatus& status) override { seen.push_back(status); }
  [[nodiscard]] auto count(LinkState state) const {
    return std::ranges::count_if(seen, [state](const LinkStatus& status) { return status.state == state; });
  }
  std::vector<LinkStatus> seen;
};

struct ConnectOptions {
  router::PeerRole role = router::PeerRole::edge;
  std::uint32_t cost = 1;
  std::shared_ptr<tls::Context> tls{};
  std::string host = "127.0.0.1";
};

/// A node on loopback whose router is called after it: "mill" has the id "mill-1" and the site id "id-mill".
class Site {
 public:
  Site(io::Loop& loop, const std::string& name, router::Mode mode)
      : log_{name},
        node_{std::make_unique<Node>(
            loop,
            router::Config{.mode = mode, .id = name + "-1", .site_id = "id-" + name, .site_name = name, .instance = 1},
            Rng{std::hash<std::string>{}(name)}, log_, &changes)} {}

  Node& operator*() { return *node_; }
  Node* operator->() { return node_.get(); }
  void vanish() { node_.reset(); }  ///< its sockets close without a word

  ListenerId listen(router::PeerRole role = router::PeerRole::edge, std::shared_ptr<tls::Context> tls = {},
                    std::uint16_t port = 0) {
    const auto listener = node_->add_listener({"127.0.0.1", port, role, std::move(tls)});
    INFO((listener ? std::string{} : listener.error().message));
    REQUIRE(listener);
    return *listener;
  }
  ConnectorId connect(std::uint16_t port, const ConnectOptions& options = {}) {
    return node_->add_connector({"to the other", options.host, port, options.role, options.cost, options.tls});
  }

  [[nodiscard]] std::optional<LinkStatus> link(ConnectorId connector) const {
    for (const LinkStatus& status : node_->links()) {
      if (status.connector == connector) return status;
    }
    return std::nullopt;
  }
  [[nodiscard]] bool is(ConnectorId connector, LinkState state) const { return link(connector)->state == state; }
  [[nodiscard]] std::vector<LinkStatus> incoming() const {
    std::vector<LinkStatus> links = node_->links();
    std::erase_if(links, [](const LinkStatus& status) { return static_cast<bool>(status.connector); });
    return links;
  }

  LinkChanges changes;

 private:
  spdlog::logger log_;  // without sinks
  std::unique_ptr<Node> node_;
};

/// A laptop that hangs on a site; both know that the link is up.
struct Pair {
  io::Loop loop;
  Site mill{loop, "mill", router::Mode::interior};
  Site laptop{loop, "laptop", router::Mode::edge};
  ListenerId listener = mill.listen();
  ConnectorId connector = laptop.connect(mill->port(listener));

  Pair() {
    REQUIRE(run_until(loop, [this] {
      const auto incoming = mill.incoming();
      return laptop.is(connector, LinkState::up) && incoming.size() == 1 && incoming[0].state == LinkState::up;
    }));
  }
};

}  // namespace van::link::test
