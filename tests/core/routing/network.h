#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/routing/control_plane.h"

namespace van::routing::test {

/// A control message on a cable.
struct Transit {
  std::string from;
  std::string to_router;
  LinkNo arrives_on;
  std::string ingress;
  std::vector<std::string> trace;
  std::string address;  ///< properties `to`
  Message message;
  TimePoint arrives;
};

/// Routers on cables, in virtual time. Each router is a ControlPlane and the forwarding of control messages that
/// control-plane 3.2 asks of whoever runs it.
class Network {
 public:
  explicit Network(std::uint64_t seed = 1) : random_{seed} {}

  void add(const std::string& id, ControlPlaneConfig config = {});
  /// A connection, with its control links attached at both ends.
  void connect(const std::string& a, const std::string& b, std::uint32_t cost = 1);
  /// All connections between the two go down at both ends.
  void cut(const std::string& a, const std::string& b);
  /// The newest connection between the two only.
  void cut_newest(const std::string& a, const std::string& b);
  void set_cost(const std::string& a, const std::string& b, std::uint32_t cost);
  /// The process ends and another one starts with a new instance; its connections come up again.
  void restart(const std::string& id);
  /// The process ends: its connections go down at the other ends.
  void stop(const std::string& id);

  /// Messages for which this says true are lost.
  void lose(std::function<bool(const Transit&)> rule) { lose_ = std::move(rule); }
  void lose_nothing() { lose_ = {}; }
  /// Sees each message as it is sent.
  void watch(std::function<void(const Transit&)> observer) { watch_ = std::move(observer); }
  /// The most that a message needs for one cable; 1 ms when not set. Order on a cable is kept.
  void set_delay_max(Duration delay) { delay_max_ = delay; }

  /// After each call, as is the rule; large networks do without.
  void set_check_invariants(bool check) { check_invariants_ = check; }

  void advance(Duration time);
  /// Runs until `done` says true; false when it did not within `limit`.
  bool advance_until(const std::function<bool()>& done, Duration limit);
  [[nodiscard]] TimePoint now() const { return now_; }

  ControlPlane& operator[](const std::string& id) { return *routers_.at(id); }
  /// Hands out what `id` reports, once.
  std::vector<Event> take_events(const std::string& id);
  void set_address(const std::string& id, std::string_view key, LocalAddress address = {});
  void remove_address(const std::string& id, std::string_view key);

  [[nodiscard]] std::vector<std::string> ids() const;
  /// The router at the other end of a link of `id`.
  [[nodiscard]] std::string far_end(const std::string& id, LinkNo link) const;
  /// Cables that are up: both directions, at the cost they have.
  [[nodiscard]] std::map<std::string, PeerCosts> cables() const;
  /// The link of `a` towards `b`: the newest connection.
  [[nodiscard]] LinkNo link(const std::string& a, const std::string& b) const;
  [[nodiscard]] std::size_t in_flight() const { return flying_.size(); }

 private:
  struct End {
    std::string router;
    LinkNo link;
  };
  struct Cable {
    End a;
    End b;
    std::uint32_t cost;
    TimePoint last_arrival{};
  };
  void drain(const std::string& id);
  void send(const std::string& from, LinkNo link, Transit transit);
  void arrive(Transit transit);
  void forward(const std::string& at, const std::vector<LinkNo>& links, const Transit& transit);
  void remove_cable(std::size_t index);
  std::size_t cable_of(const std::string& id, LinkNo link) const;
  TimePoint next_at() const;
  void step();

  Rng random_;
  TimePoint now_{std::chrono::seconds{1000}};
  Duration delay_max_ = std::chrono::milliseconds{1};
  std::map<std::string, std::unique_ptr<ControlPlane>> routers_;
  std::map<std::string, ControlPlaneConfig> configs_;
  std::map<std::string, std::vector<Event>> events_;
  std::vector<Cable> cables_;
  std::deque<Transit> flying_;  ///< by arrival
  std::uint32_t links_ = 0;
  bool check_invariants_ = true;
  std::function<bool(const Transit&)> lose_;
  std::function<void(const Transit&)> watch_;
};

/// "R" and 7 give "R7".
std::string numbered(std::string_view prefix, std::uint64_t number);

inline AddressKey key_of(std::string_view text) { return AddressKey::parse(text).value(); }

template <class T>
std::vector<T> only(const std::vector<Event>& events) {
  std::vector<T> matching;
  for (const Event& event : events) {
    if (const T* match = std::get_if<T>(&event)) matching.push_back(*match);
  }
  return matching;
}

}  // namespace van::routing::test
