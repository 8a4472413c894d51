#include "tests/simulation/options.h"

#include <charconv>
#include <cstdio>
#include <span>
#include <utility>

namespace van::simulation {

namespace {

constexpr const char* kUsage =
    "simulation [--seed N] [--runs N] [--seconds S] [--interiors I] [--edges E] [--faults all|none|NAME,...] [--log] [--twice]\n"
    "simulation --fresh [--for WALL_SECONDS]\n";

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read_faults(std::string_view text, unsigned& faults) {
  faults = 0;
  if (text == "none") return true;
  if (text == "all") {
    faults = (1u << kFaultNames.size()) - 1;
    return true;
  }
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    unsigned bit = 0;
    while (bit < kFaultNames.size() && kFaultNames[bit] != name) ++bit;
    if (bit == kFaultNames.size()) return false;
    faults |= 1u << bit;
  }
  return true;
}

}  // namespace

std::string Options::command() const {
  std::string names;
  for (unsigned bit = 0; bit < kFaultNames.size(); ++bit) {
    if ((faults >> bit & 1u) == 0) continue;
    names += (names.empty() ? "" : ",") + std::string{kFaultNames[bit]};
  }
  return "simulation --seed " + std::to_string(seed) + " --seconds " + std::to_string(seconds) + " --interiors " + std::to_string(interiors) + " --edges " +
         std::to_string(edges) + " --faults " + (names.empty() ? "none" : names);
}

std::optional<Options> parse_options(int argc, char** argv) {
  Options options;
  const std::span<char*> words{argv + 1, static_cast<std::size_t>(argc - 1)};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--log") {
      options.print = true;
    } else if (word == "--twice") {
      options.twice = true;
    } else if (word == "--fresh") {
      options.fresh = true;
    } else {
      const std::string_view value = i + 1 < words.size() ? std::string_view{words[++i]} : std::string_view{};
      const std::pair<std::string_view, unsigned*> numbers[] = {{"--seconds", &options.seconds}, {"--interiors", &options.interiors}, {"--edges", &options.edges},
                                                                {"--for", &options.wall_seconds}, {"--runs", &options.runs}};
      bool good = false;
      if (word == "--seed") good = read_number(value, options.seed);
      else if (word == "--faults") good = read_faults(value, options.faults);
      for (const auto& [name, number] : numbers) good = good || (word == name && read_number(value, *number));
      if (!good || options.interiors == 0) {
        std::fputs(kUsage, stderr);
        return std::nullopt;
      }
    }
  }
  return options;
}

}  // namespace van::simulation
