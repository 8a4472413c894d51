#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/assert.h"

namespace van {

/// Owns values by ids that it gives out, which are never 0: found without hashing, and not moved while they live. The id of one that is
/// gone finds nothing, for the next 2^36 ids. `Id` is a van::Id of 64 bits.
template <class Id, class Value>
class IdTable {
 public:
  /// Made with default values; at most 2^28 at a time: memory ends before.
  std::pair<Id, Value&> create() {
    if (free_.empty()) {
      VAN_ASSERT(slots_.size() < std::size_t{1} << kIndexBits);
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    if (++serial_ << kIndexBits == 0) ++serial_;
    slot.id = Id{serial_ << kIndexBits | index};
    slot.value = std::make_unique<Value>();
    return {slot.id, *slot.value};
  }
  /// nullptr when there is none.
  [[nodiscard]] Value* find(Id id) const {
    const std::size_t index = id.value & kIndexMask;
    return index < slots_.size() && slots_[index].id == id ? slots_[index].value.get() : nullptr;
  }
  void erase(Id id) {
    if (find(id) == nullptr) return;
    const auto index = static_cast<std::uint32_t>(id.value & kIndexMask);
    const std::unique_ptr<Value> gone = std::move(slots_[index].value);
    slots_[index].id = {};
    free_.push_back(index);
    if (size() > 0 || slots_.size() <= kKept) return;
    std::exchange(slots_, std::vector<Slot>{}).clear();
    std::exchange(free_, std::vector<std::uint32_t>{}).clear();
  }
  [[nodiscard]] std::size_t size() const { return slots_.size() - free_.size(); }

 private:
  static constexpr int kIndexBits = 28;
  static constexpr std::uint64_t kIndexMask = (std::uint64_t{1} << kIndexBits) - 1;
  static constexpr std::size_t kKept = 1024;  ///< slots that stay when all are free
  struct Slot {
    Id id{};
    std::unique_ptr<Value> value;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t serial_ = 0;
};

}  // namespace van
