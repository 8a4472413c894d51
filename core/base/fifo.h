#pragma once

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace van {

/// A queue in one run of memory. Unlike a deque, an empty one holds none until it is used, and little afterwards: most queues of an
/// idle stream are empty.
template <class T>
class Fifo {
 public:
  [[nodiscard]] bool empty() const { return head_ == items_.size(); }
  [[nodiscard]] std::size_t size() const { return items_.size() - head_; }
  [[nodiscard]] auto begin() { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
  [[nodiscard]] auto end() { return items_.end(); }
  [[nodiscard]] auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
  [[nodiscard]] auto end() const { return items_.end(); }
  [[nodiscard]] T& front() { return items_[head_]; }
  [[nodiscard]] const T& front() const { return items_[head_]; }
  [[nodiscard]] T& back() { return items_.back(); }
  [[nodiscard]] const T& operator[](std::size_t index) const { return items_[head_ + index]; }

  void push_back(T item) {
    if (items_.capacity() == 0) items_.reserve(kFirst);
    items_.push_back(std::move(item));
  }
  void pop_front() {
    [[maybe_unused]] const T gone = std::move(items_[head_]);
    if (++head_ == items_.size()) return clear();
    if (head_ < kPassed || head_ < items_.size() / 2) return;
    items_.erase(items_.begin(), begin());
    head_ = 0;
  }
  template <class Predicate>
  void erase_if(Predicate predicate) {
    items_.erase(items_.begin(), begin());
    head_ = 0;
    std::erase_if(items_, predicate);
  }
  void clear() {
    items_.clear();
    head_ = 0;
    if (items_.capacity() > kKept) items_.shrink_to_fit();
  }

 private:
  static constexpr std::size_t kFirst = 4;    ///< items that there is room for as soon as there is one
  static constexpr std::size_t kPassed = 16;  ///< items that are gone and not moved over yet
  static constexpr std::size_t kKept = 64;    ///< of capacity, while empty

  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace van
