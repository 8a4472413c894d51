#pragma once

#include <cstdint>
#include <cstdio>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/clock.h"

namespace van::simulation {

/// Everything that happens, as one number: two runs of one seed must come to the same. Printed, too, when asked for.
class EventLog {
 public:
  explicit EventLog(bool print) : print_{print} {}

  void bytes(TimePoint now, std::string_view from, std::string_view to, ByteView what) {
    add(static_cast<std::uint64_t>(now.time_since_epoch().count()));
    add(from);
    add(to);
    add(as_text(what));
  }
  void line(TimePoint now, std::string_view site, std::string_view what) {
    add(static_cast<std::uint64_t>(now.time_since_epoch().count()));
    add(site);
    add(what);
    if (!print_) return;
    std::printf("%12.6f %.*s: %.*s\n", std::chrono::duration<double>(now.time_since_epoch()).count(), static_cast<int>(site.size()), site.data(),
                static_cast<int>(what.size()), what.data());
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::uint64_t entries() const { return entries_; }

 private:
  void add(std::uint64_t number) {
    hash_ = (hash_ ^ number) * 0x9E3779B97F4A7C15u;
    hash_ ^= hash_ >> 29;
    ++entries_;
  }
  void add(std::string_view text) {
    std::uint64_t word = text.size();
    for (std::size_t i = 0; i < text.size(); ++i) {
      word = (word << 8 | word >> 56) ^ static_cast<std::uint8_t>(text[i]);
      if (i % 8 == 7) add(word);
    }
    add(word);
  }

  bool print_;
  std::uint64_t hash_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace van::simulation
