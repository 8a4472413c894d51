#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/routing/control_plane.h"
#include "tests/core/routing/network.h"

namespace van::routing::test {

/// One ControlPlane "S" and, on link 1, a peer "A" that says what the test says. Time stands still unless turned.
class ScriptedPeer {
 public:
  /// Without a config, one that does not refresh what it knows within the time of a test.
  explicit ScriptedPeer(ControlPlaneConfig config = {.timings = {.refresh_interval = std::chrono::hours{1}}}) : plane_{with_id(std::move(config))} {}

  ControlPlane& plane() { return plane_; }
  [[nodiscard]] TimePoint now() const { return now_; }

  void up(LinkNo link = LinkNo{1}, std::uint32_t cost = 1) { plane_.link_up(link, cost, now_); }
  void say(const Message& message, LinkNo link = LinkNo{1}) {
    plane_.receive(link, message, now_);
    plane_.check_invariants();
  }
  void say_hello(std::int64_t instance = 7, LinkNo link = LinkNo{1}) {
    say(Hello{.id = "A", .instance = instance, .seen = {"S"}}, link);
  }
  /// Link up, neighbour up, paths computed, outputs and events of that thrown away.
  void settle() {
    up();
    say_hello();
    run();
    take();
    take_events();
  }
  /// The same with A's link state, which has S and `behind` as neighbours.
  void settle_with(const std::vector<std::string>& behind) {
    settle();
    PeerCosts peers{{"S", 1}};
    for (const std::string& id : behind) peers[id] = 1;
    say(Lsu{.id = "A", .instance = 7, .ls_seq = 1, .peers = peers});
    turn(std::chrono::seconds{1});
    take();
    take_events();
  }
  /// What is due now.
  void run() {
    while (plane_.next_deadline() <= now_) plane_.handle_deadline(now_);
    plane_.check_invariants();
  }
  /// Time passes in steps of 100 ms; A's HELLOs keep coming.
  void turn(Duration time) {
    const TimePoint end = now_ + time;
    while (now_ < end) {
      now_ += std::chrono::milliseconds{100};
      if ((now_ - TimePoint{}) % std::chrono::seconds{1} == Duration::zero()) say_hello();
      run();
    }
  }
  /// Time passes and the peer is silent.
  void turn_silent(Duration time) {
    now_ += time;
    run();
  }

  std::vector<Outgoing> take() {
    std::vector<Outgoing> all;
    while (auto out = plane_.poll_output()) all.push_back(*std::move(out));
    return all;
  }
  template <class T>
  std::vector<T> take_only() {
    std::vector<T> matching;
    for (const Outgoing& out : take()) {
      if (const T* match = std::get_if<T>(&out.message)) matching.push_back(*match);
    }
    return matching;
  }
  std::vector<Event> take_events() {
    std::vector<Event> all;
    while (auto event = plane_.poll_event()) all.push_back(*std::move(event));
    return all;
  }

 private:
  static ControlPlaneConfig with_id(ControlPlaneConfig config) {
    config.id = std::string{"S"};
    config.instance = 100;
    return config;
  }
  ControlPlane plane_;
  TimePoint now_{std::chrono::seconds{50}};
};

}  // namespace van::routing::test
