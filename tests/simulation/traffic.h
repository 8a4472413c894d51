#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "tests/simulation/services.h"
#include "tests/simulation/verdict.h"
#include "tests/simulation/world.h"

namespace van::simulation {

/// TCP streams between places of the world, and what must hold of them: each octet arrives once, in order, at exactly one
/// provider of the right address, or both ends hear that the stream has failed, within a bound.
class Traffic {
 public:
  /// A stream's end hears within this of the end of the other one, and no stream stands still longer.
  static constexpr Duration kPatience = std::chrono::seconds{120};

  Traffic(World& world, Services& services, Verdict& verdict, Rng rng) : world_{world}, services_{services}, verdict_{verdict}, rng_{rng} {}

  /// A stream from `site` to `address`, which is used there. `must_succeed`: its failure breaks the run.
  void open(SiteIndex site, const std::string& address, bool must_succeed);
  void on_event(SiteIndex site, const router::Event& event);
  void on_stop(SiteIndex site);
  void check_second();  ///< once a simulated second
  void expect_strangers(bool expected) { strangers_ = expected; }  ///< hostile peers may open streams and swallow ours

  [[nodiscard]] std::size_t running() const { return running_; }
  [[nodiscard]] std::size_t opened() const { return transfers_.size(); }
  [[nodiscard]] std::size_t succeeded() const { return succeeded_; }
  [[nodiscard]] std::size_t failed() const { return failed_; }
  [[nodiscard]] std::uint64_t octets() const { return octets_; }
  /// Ends what still runs, as applications that are told to go.
  void reset_all();

 private:
  struct End {
    SiteIndex site = 0;
    router::StreamId stream{};
    bool exists = false;
    bool gone = false;
    TimePoint gone_at{};
    std::uint64_t to_send = 0, sent = 0, received = 0;
    bool fin_sent = false, fin_passed_on = false;
    bool reading = false;  ///< an action is on its way
  };
  struct Transfer {
    std::uint64_t number = 0;
    std::string address;
    std::array<End, 2> ends;  ///< client, server
    bool must_succeed = false;
    bool slow_reader = false;
    bool may_fail = false;  ///< an application gave up or refused
    bool over = false;
    TimePoint progress{};
  };
  /// A stream at a provider that has not said yet which one it is.
  struct Arrival {
    router::ConsumerId consumer{};
    std::string address;
    TimePoint since{};
    Bytes head;
    bool accepted = false;  ///< nobody reads before
    bool reading = false;
  };
  using Place = std::pair<SiteIndex, router::StreamId>;

  void requested(SiteIndex site, const router::StreamRequested& request);
  void answer(Place place);
  void identify(Place place);
  void read_later(Place place, bool& reading, bool slow);
  void read(Place place);
  void read_end(Transfer& transfer, int side);
  void write(Transfer& transfer, int side);
  void end_gone(Transfer& transfer, int side, bool good);
  void finish_if_over(Transfer& transfer);
  std::string words(const Transfer& transfer) const;

  World& world_;
  Services& services_;
  Verdict& verdict_;
  Rng rng_;
  std::unordered_map<std::uint64_t, Transfer> transfers_;
  std::map<std::uint64_t, bool> alive_;  ///< transfers that are not over, in order
  std::map<Place, std::pair<std::uint64_t, int>> ends_;
  std::map<Place, Arrival> arrivals_;
  std::size_t running_ = 0, succeeded_ = 0, failed_ = 0;
  std::uint64_t octets_ = 0;
  bool strangers_ = false;
};

}  // namespace van::simulation
