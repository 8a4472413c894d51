#include "cli/duration_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace van::cli {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
// Largest first.
constexpr std::array kUnits{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000},
                            Unit{"ms", 1}};
constexpr std::int64_t kMillisecondsMax = std::chrono::milliseconds{kDurationMax}.count();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes the characters that `wanted` accepts off the front.
template <class Predicate>
std::string_view take_while(std::string_view& text, Predicate wanted) {
  const auto end = std::find_if_not(text.begin(), text.end(), wanted);
  const std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

std::optional<std::int64_t> number(std::string_view digits) {
  if (digits.empty() || digits.size() > 12) return std::nullopt;  // twelve digits stay far below 2^63
  std::int64_t value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

/// `.5` of a unit, cut to whole milliseconds; 0 when there is no fraction.
std::optional<std::int64_t> take_fraction(std::string_view& text, std::int64_t unit) {
  if (text.empty() || text.front() != '.') return 0;
  text.remove_prefix(1);
  const std::string_view digits = take_while(text, is_digit);
  if (digits.empty()) return std::nullopt;
  std::int64_t scale = 1;
  std::int64_t value = 0;
  for (const char c : digits.substr(0, 6)) {
    value = value * 10 + (c - '0');
    scale *= 10;
  }
  return value * unit / scale;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::size_t units_left = 0;  // index of the largest unit that may still come
  bool first = true;
  while (!text.empty()) {
    const auto whole = number(take_while(text, is_digit));
    if (!whole) return std::nullopt;
    std::string_view rest = text;  // the unit stands behind the fraction, and the fraction needs the unit
    if (!rest.empty() && rest.front() == '.') {
      rest.remove_prefix(1);
      take_while(rest, is_digit);
    }
    std::string_view name = take_while(rest, [](char c) { return c >= 'a' && c <= 'z'; });
    if (name.empty() && first && rest.empty()) name = "s";
    std::size_t unit = units_left;
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (unit == kUnits.size()) return std::nullopt;
    const bool fraction = text.starts_with('.');
    const auto part = take_fraction(text, kUnits[unit].milliseconds);
    if (!part || (fraction && !rest.empty())) return std::nullopt;
    if (*whole > kMillisecondsMax / kUnits[unit].milliseconds) return std::nullopt;
    total += *whole * kUnits[unit].milliseconds + *part;
    if (total > kMillisecondsMax) return std::nullopt;
    units_left = unit + 1;
    text = rest;
    first = false;
  }
  return std::chrono::milliseconds{total};
}

std::string duration_text(std::chrono::seconds duration) {
  std::int64_t left = std::max<std::int64_t>(duration.count(), 0) * 1000;
  std::string text;
  int parts = 0;
  for (const Unit& unit : kUnits) {
    if (unit.milliseconds < 1000 || parts == 2) break;
    const std::int64_t count = left / unit.milliseconds;
    if (count == 0) {
      if (parts > 0) break;
      continue;
    }
    text += std::to_string(count) + std::string{unit.name};
    left -= count * unit.milliseconds;
    ++parts;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace van::cli
