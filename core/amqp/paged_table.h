#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace van::amqp {

/// Values by a small number that the peer or we chose (a channel, a handle): O(1), and memory for the pages in use only,
/// so that a peer which picks high numbers gets no more of it than one with low ones. `Value` is pointer-like; an entry
/// that was never set is null.
template <class Value>
class PagedTable {
 public:
  [[nodiscard]] const Value& operator[](std::uint32_t number) const {
    static const Value none{};
    const std::size_t page = number / kPageSize;
    return page < pages_.size() && pages_[page] ? pages_[page]->values[number % kPageSize] : none;
  }
  void set(std::uint32_t number, Value value) {
    const std::size_t index = number / kPageSize;
    if (index >= pages_.size()) pages_.resize(index + 1);
    if (!pages_[index]) pages_[index] = std::make_unique<Page>();
    Page& page = *pages_[index];
    Value& entry = page.values[number % kPageSize];
    if (!entry && value) ++page.used;
    entry = std::move(value);
  }
  /// Gives the value out and forgets it.
  Value take(std::uint32_t number) {
    const std::size_t index = number / kPageSize;
    if (index >= pages_.size() || !pages_[index]) return Value{};
    Page& page = *pages_[index];
    Value value = std::exchange(page.values[number % kPageSize], Value{});
    if (value && --page.used == 0) pages_[index].reset();
    return value;
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& page : pages_) {
      if (!page) continue;
      for (const Value& value : page->values) {
        if (value) visit(*value);
      }
    }
  }

 private:
  static constexpr std::size_t kPageSize = 64;
  struct Page {
    std::array<Value, kPageSize> values{};
    std::size_t used = 0;
  };
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace van::amqp
