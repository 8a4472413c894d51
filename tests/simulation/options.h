#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace van::simulation {

/// What a run does to its network, besides letting streams run.
enum class Fault : unsigned { churn, cut, freeze, slow, partition, restart, jump, sleep, hostile };
inline constexpr std::array<std::string_view, 9> kFaultNames{"churn", "cut", "freeze", "slow", "partition", "restart", "jump", "sleep", "hostile"};

struct Options {
  std::uint64_t seed = 1;
  unsigned seconds = 120;  ///< of faults; the calm after them comes on top
  unsigned interiors = 8;
  unsigned edges = 8;
  unsigned faults = (1u << kFaultNames.size()) - 1;  ///< bits by Fault
  bool print = false;  ///< the event log
  bool twice = false;  ///< run it twice and compare
  bool fresh = false;  ///< seeds and sizes at random, for `wall_seconds`
  unsigned wall_seconds = 60;
  unsigned runs = 1;  ///< this many seeds, from `seed` on

  [[nodiscard]] bool has(Fault fault) const { return (faults >> static_cast<unsigned>(fault) & 1u) != 0; }
  [[nodiscard]] std::string command() const;  ///< that repeats it
};

/// nullopt: not understood; the reason is on stderr.
std::optional<Options> parse_options(int argc, char** argv);

}  // namespace van::simulation
