#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/router/router.h"
#include "tests/support/catch.h"

namespace van::router::test {

/// Routers in one process, joined by wires, with a clock that we turn. Bytes arrive in pieces whose sizes a seed decides.
class Network {
 public:
  explicit Network(std::uint64_t seed = 1) : rng_{seed} {}

  struct Site {
    std::string name;
    std::unique_ptr<Router> router;
    std::vector<Event> events;  ///< not yet looked at
    std::map<PeerId, std::size_t> wires;
    template <class T>
    std::vector<T> take() {
      std::vector<T> found;
      std::erase_if(events, [&](const Event& event) {
        if (const T* value = std::get_if<T>(&event)) found.push_back(*value);
        return std::holds_alternative<T>(event);
      });
      return found;
    }
  };

  Site& add(const std::string& name, Mode mode) {
    return add({.mode = mode, .id = name, .site_id = "id-" + name, .site_name = name, .instance = ++instance_});
  }
  /// The workers of one interior, the first one first, joined to each other.
  std::vector<Site*> add_workers(const std::string& name, std::uint32_t count) {
    std::vector<Site*> workers;
    const std::int32_t instance = ++instance_;
    for (std::uint32_t worker = 0; worker < count; ++worker) {
      workers.push_back(&add({.mode = Mode::interior, .id = name, .site_id = "id-" + name, .site_name = name, .instance = instance, .worker = worker, .workers = count}));
      for (std::uint32_t other = 0; other < worker; ++other) {
        lay(*workers[worker], {.role = PeerRole::inter_router, .external = false, .sibling = other}, *workers[other],
            {.role = PeerRole::inter_router, .direction = Direction::incoming, .external = false, .sibling = worker});
      }
    }
    settle();
    return workers;
  }

  std::size_t connect(Site& from, Site& to, PeerRole role, std::uint32_t cost = 1) {
    const std::size_t index = lay(from, to, role, cost);
    settle();
    return index;
  }
  /// The same over a wire that takes `delay` to carry the first octets.
  std::size_t connect_slowly(Site& from, Site& to, PeerRole role, Duration delay) {
    const std::size_t index = lay(from, to, role, 1);
    hold(index, true);
    advance(delay);
    hold(index, false);
    return index;
  }

  /// One more connection from an interior to another, for streams alone.
  std::size_t connect_data(Site& from, Site& to) {
    const std::size_t index = lay(from, {.role = PeerRole::inter_router, .external = false, .data = true}, to,
                                  {.role = PeerRole::inter_router, .direction = Direction::incoming, .external = false});
    settle();
    return index;
  }
  /// Does what PeerMoves asks for.
  void move(Site& from, PeerId peer, Site& to) {
    const std::size_t index = from.wires.at(peer);
    const auto moving = from.router->take_peer(peer);
    REQUIRE(moving != nullptr);
    from.wires.erase(peer);
    const PeerId id = to.router->adopt_peer(*moving, now);
    to.wires[id] = index;
    wires_[index].b = &to;
    wires_[index].peer_b = id;
    settle();
  }
  [[nodiscard]] std::size_t carried(std::size_t index) const { return wires_[index].octets; }

  void cut(std::size_t index) {
    Wire& wire = wires_[index];
    wire.cut = true;
    wire.a->router->transport_closed(wire.peer_a, now);
    wire.b->router->transport_closed(wire.peer_b, now);
    settle();
  }
  /// Held: nothing passes, nobody is told. What waits goes on when it is let go.
  void hold(std::size_t index, bool held) {
    Wire& wire = wires_[index];
    wire.held = held;
    if (held) return;
    transmit(*wire.a, wire.peer_a);
    transmit(*wire.b, wire.peer_b);
    settle();
  }

  /// Moves bytes and collects events until nothing happens any more at this moment.
  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto& site : sites_) {
        while (auto event = site->router->poll_event()) site->events.push_back(std::move(*event));
        while (const auto peer = site->router->poll_output()) moved |= transmit(*site, *peer);
      }
    }
  }

  void advance(Duration duration) {
    const TimePoint end = now + duration;
    for (;;) {
      TimePoint next = end;
      for (auto& site : sites_) next = std::min(next, site->router->next_deadline());
      if (next >= end) break;
      now = std::max(now, next);
      for (auto& site : sites_) {
        if (site->router->next_deadline() <= now) site->router->handle_deadline(now);
      }
      settle();
    }
    now = end;
    settle();
  }

  TimePoint now{};
  std::size_t octets_carried = 0;  ///< by all wires together
  bool strangers = false;          ///< each takes the others for routers of another kind

 private:
  struct Wire {
    Site *a, *b;
    PeerId peer_a, peer_b;
    bool cut, held;
    std::size_t octets = 0;
  };

  Site& add(Config config) {
    auto site = std::make_unique<Site>();
    site->name = config.id;
    site->router = std::make_unique<Router>(std::move(config), Rng{rng_.next()}, now);
    sites_.push_back(std::move(site));
    return *sites_.back();
  }

  std::size_t lay(Site& from, Site& to, PeerRole role, std::uint32_t cost) {
    return lay(from, {.role = role, .direction = Direction::outgoing, .cost = cost, .hostname = to.name, .external = false}, to,
               {.role = role, .direction = Direction::incoming, .cost = 1, .hostname = {}, .external = false});
  }

  std::size_t lay(Site& from, PeerConfig from_config, Site& to, PeerConfig to_config) {
    Wire wire{.a = &from, .b = &to, .peer_a = {}, .peer_b = {}, .cut = false, .held = false};
    wire.peer_a = from.router->add_peer(std::move(from_config), now);
    wire.peer_b = to.router->add_peer(std::move(to_config), now);
    wires_.push_back(wire);
    from.wires[wire.peer_a] = to.wires[wire.peer_b] = wires_.size() - 1;
    return wires_.size() - 1;
  }

  static Slice disguised(const Slice& octets) {
    std::string text{as_text(octets.view())};
    constexpr std::string_view kOurs = "product\xa1\x06vanctl";
    if (const std::size_t at = text.find(kOurs); at != std::string::npos) text.replace(at, kOurs.size(), "product\xa1\x06others");
    return Slice::copy_of(as_bytes(text));
  }

  bool transmit(Site& from, PeerId peer) {
    SliceQueue* output = from.router->output(peer);
    const auto found = from.wires.find(peer);
    if (output == nullptr || output->empty() || found == from.wires.end()) return false;
    Wire& wire = wires_[found->second];
    if (wire.held) return false;
    const bool is_a = wire.a == &from && wire.peer_a == peer;
    Site& to = is_a ? *wire.b : *wire.a;
    const PeerId to_peer = is_a ? wire.peer_b : wire.peer_a;
    while (output != nullptr && !output->empty()) {
      const Slice piece = strangers ? disguised(output->pop(output->bytes())) : output->pop(1 + rng_.below(20'000));
      octets_carried += piece.size();
      wire.octets += piece.size();
      from.router->output_consumed(peer, now);
      if (!wire.cut) to.router->receive(to_peer, piece, now);
      output = from.router->output(peer);
    }
    return true;
  }

  Rng rng_;
  std::int32_t instance_ = 1000;
  std::vector<std::unique_ptr<Site>> sites_;
  std::vector<Wire> wires_;
};

}  // namespace van::router::test
