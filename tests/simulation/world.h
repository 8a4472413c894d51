#pragma once

#include <array>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/amqp/message.h"
#include "core/base/random.h"
#include "core/router/router.h"
#include "tests/simulation/event_log.h"
#include "tests/simulation/hostile.h"
#include "tests/simulation/pipe.h"

namespace van::simulation {

using SiteIndex = std::size_t;
using WireIndex = std::size_t;

/// Sees what happens in the world. Called between steps of routers, so it may give them commands.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_event(SiteIndex site, const router::Event& event) = 0;
  virtual void on_stop(SiteIndex site) = 0;  ///< the router is gone with all that it had
  virtual void on_message(SiteIndex from, const amqp::RouterAnnotations& annotations) = 0;  ///< begins to leave a router
};

/// Whole routers in one process, on a network and in a time of its own. Nothing in it depends on anything but the calls
/// and the seed.
class World {
 public:
  struct Site {
    std::string name;
    router::Mode mode = router::Mode::interior;
    std::int32_t instance = 0;
    std::unique_ptr<router::Router> router;  ///< null: stopped, or hostile
    std::unique_ptr<Hostile> hostile;
    Duration clock_ahead{};  ///< its clock before the world's
    bool asleep = false;
    bool dirty = false;
    TimePoint armed = kNever;  ///< of the world
    std::unordered_map<router::PeerId, std::pair<WireIndex, int>> peers;
    std::vector<WireIndex> wires;
  };
  struct Wire {
    struct End {
      SiteIndex site = 0;
      router::PeerId peer{};
      bool open = false;    ///< the router (or hostile) has the transport
      bool ending = false;  ///< it wrote its last words, which are on their way
    };
    std::array<End, 2> ends;     ///< the first one connects
    std::array<Pipe, 2> pipes{}; ///< from the end of that number
    std::array<TimePoint, 2> armed{kNever, kNever};
    router::PeerRole role = router::PeerRole::inter_router;
    std::uint32_t cost = 1;
    Duration delay{}, jitter{};
    std::uint64_t bytes_per_second = 0;  ///< 0: no bound
    bool enabled = true;
    bool frozen = false;  ///< nothing passes and nobody is told
    bool connected = false;
    bool dialing = false;
    std::uint64_t octets = 0;  ///< carried, both ways, since the beginning
  };

  World(std::uint64_t seed, bool print);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void observe(Observer& observer) { observer_ = &observer; }

  SiteIndex add_site(std::string name, router::Mode mode);
  SiteIndex add_hostile(std::string name, HostileKind kind, router::PeerRole role, HostileKnowledge knowledge);
  WireIndex add_wire(SiteIndex from, SiteIndex to, router::PeerRole role, std::uint32_t cost, Duration delay, Duration jitter);

  // ---- Faults ----
  void set_enabled(WireIndex wire, bool enabled);  ///< false: cut, both ends are told
  void set_frozen(WireIndex wire, bool frozen);
  void set_rate(WireIndex wire, std::uint64_t bytes_per_second) { wires_[wire].bytes_per_second = bytes_per_second; }
  void stop(SiteIndex site);   ///< the process ends; its connections are reset
  void start(SiteIndex site);  ///< a new process
  void jump(SiteIndex site, Duration forward);
  void set_asleep(SiteIndex site, bool asleep);

  // ---- Running ----
  void at(TimePoint when, std::function<void()> action);
  void after(Duration delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }
  void touch(SiteIndex site);  ///< its router was given a command
  /// Takes the next step, if it is not after `end`; false when there is none.
  bool step(TimePoint end);
  void run_until(TimePoint end);

  // ---- Looking ----
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] TimePoint local_now(SiteIndex site) const { return now_ + sites_[site]->clock_ahead; }
  [[nodiscard]] const Site& site(SiteIndex index) const { return *sites_[index]; }
  [[nodiscard]] router::Router* router(SiteIndex index) { return sites_[index]->router.get(); }
  [[nodiscard]] std::size_t sites() const { return sites_.size(); }
  [[nodiscard]] const Wire& wire(WireIndex index) const { return wires_[index]; }
  [[nodiscard]] std::size_t wires() const { return wires_.size(); }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }  ///< sent by routers over wires, router protocol included
  EventLog& log() { return log_; }
  Rng& rng() { return rng_; }

 private:
  enum class Kind : std::uint32_t { action, deadline, pipe };
  struct Due {
    TimePoint at;
    std::uint64_t number;
    Kind kind;
    std::uint32_t index;
    friend bool operator>(const Due& a, const Due& b) { return a.at != b.at ? a.at > b.at : a.number > b.number; }
  };

  void push(TimePoint at, Kind kind, std::size_t index);
  void arm_deadline(SiteIndex site);
  void arm_pipe(WireIndex wire, int side);
  void dial(WireIndex wire);
  void dial_later(WireIndex wire);
  void connect(Wire& wire, WireIndex index);
  void close_end(WireIndex wire, int side);
  void tear_down(WireIndex wire);
  void hostile_tick(SiteIndex site);
  void settle();
  void run_router(SiteIndex site);
  void peer_closed(SiteIndex site, router::PeerId peer);
  void carry(WireIndex wire, int side);
  void deliver(WireIndex wire, int side);
  SliceQueue* output_of(const Wire::End& end);
  void look_at(SiteIndex from, const SliceQueue& output, std::size_t count);

  Rng rng_;
  EventLog log_;
  Observer* observer_ = nullptr;
  TimePoint now_{};
  std::uint64_t last_due_ = 0;
  std::uint64_t messages_ = 0;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> queue_;
  std::unordered_map<std::uint64_t, std::function<void()>> actions_;
  std::vector<std::unique_ptr<Site>> sites_;
  std::vector<Wire> wires_;
  std::vector<SiteIndex> dirty_;
};

}  // namespace van::simulation
