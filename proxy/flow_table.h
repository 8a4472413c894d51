#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <unordered_map>
#include <utility>

#include "core/base/clock.h"

namespace van::proxy {

/// Flows of datagrams by key, in the order of their last use. A flow stays where it is in memory until it is taken out.
template <class Key, class Flow>
class FlowTable {
 public:
  struct Entry {
    Key key;
    Flow flow;
    TimePoint used;
  };

  /// Notes the use; nullptr when there is none.
  Flow* use(const Key& key, TimePoint now) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    found->second->used = now;
    by_use_.splice(by_use_.end(), by_use_, found->second);
    return &found->second->flow;
  }
  /// A new one; the key must not be there.
  Flow& add(Key key, Flow flow, TimePoint now) {
    by_use_.push_back({std::move(key), std::move(flow), now});
    const auto last = std::prev(by_use_.end());
    index_.emplace(last->key, last);
    return last->flow;
  }
  /// Takes out the one that was not used for longest. There must be one.
  Flow take_oldest() {
    Entry entry = std::move(by_use_.front());
    index_.erase(entry.key);
    by_use_.pop_front();
    return std::move(entry.flow);
  }
  [[nodiscard]] TimePoint oldest_use() const { return by_use_.empty() ? kNever : by_use_.front().used; }
  [[nodiscard]] std::size_t size() const { return by_use_.size(); }
  [[nodiscard]] bool empty() const { return by_use_.empty(); }
  [[nodiscard]] auto begin() { return by_use_.begin(); }
  [[nodiscard]] auto end() { return by_use_.end(); }
  [[nodiscard]] auto begin() const { return by_use_.begin(); }
  [[nodiscard]] auto end() const { return by_use_.end(); }
  void clear() {
    index_.clear();
    std::exchange(by_use_, {}).clear();
  }

 private:
  std::list<Entry> by_use_;
  std::unordered_map<Key, typename std::list<Entry>::iterator> index_;
};

}  // namespace van::proxy
