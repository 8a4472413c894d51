#include "cli/suggestion.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace van::cli {
namespace {

constexpr std::size_t kWordMax = 64;  // longer than any valid word: not worth the square of its length

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last;
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::exchange(last, row);
  }
  return last[b.size()];
}

std::string_view nearest(std::string_view typed, std::span<const std::string_view> valid) {
  if (typed.empty() || typed.size() > kWordMax) return {};
  std::string_view best;
  std::size_t best_distance = kWordMax;
  for (const std::string_view word : valid) {
    const std::size_t limit = std::clamp<std::size_t>(std::max(typed.size(), word.size()) / 3, 1, 3);
    const std::size_t distance = edit_distance(typed, word);
    if (distance <= limit && distance < best_distance) {
      best = word;
      best_distance = distance;
    }
  }
  if (!best.empty()) return best;
  const auto begins = [typed](std::string_view word) { return word.starts_with(typed); };
  const auto found = std::find_if(valid.begin(), valid.end(), begins);
  return found == valid.end() ? std::string_view{} : *found;
}

std::string did_you_mean(std::string_view typed, std::span<const std::string_view> valid, std::string otherwise) {
  const std::string_view word = nearest(typed, valid);
  if (word.empty()) return otherwise;
  return "did you mean '" + std::string{word} + "'?";
}

}  // namespace van::cli
