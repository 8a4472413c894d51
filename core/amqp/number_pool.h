#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace van::amqp {

/// Our own channels and handles: small numbers, used again when they are given back.
class NumberPool {
 public:
  /// A free number of at most `highest`; nullopt when there is none. A number given back above `highest` is dropped.
  std::optional<std::uint32_t> take(std::uint32_t highest) {
    while (!free_.empty()) {
      const std::uint32_t number = free_.back();
      free_.pop_back();
      if (number <= highest) return number;
    }
    if (next_ > highest) return std::nullopt;
    return next_++;
  }
  void give_back(std::uint32_t number) { free_.push_back(number); }

 private:
  std::uint32_t next_ = 0;
  std::vector<std::uint32_t> free_;
};

}  // namespace van::amqp
