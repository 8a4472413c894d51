#pragma once

#include <memory>
#include <unordered_map>

#include "core/router/delivery.h"

namespace van::router {

/// Owns the deliveries that are under way.
class Deliveries {
 public:
  Delivery& create() {
    const DeliveryNo no{++last_};
    auto& slot = deliveries_[no];
    slot = std::make_unique<Delivery>();
    slot->no = no;
    return *slot;
  }
  Delivery* find(DeliveryNo no) {
    const auto found = deliveries_.find(no);
    return found == deliveries_.end() ? nullptr : found->second.get();
  }
  [[nodiscard]] const Delivery* find(DeliveryNo no) const {
    const auto found = deliveries_.find(no);
    return found == deliveries_.end() ? nullptr : found->second.get();
  }
  /// The copy that `ref` names, if it still matters.
  Out* find_out(OutRef ref) {
    Delivery* delivery = find(ref.delivery);
    return delivery == nullptr || ref.index >= delivery->outs.size() ? nullptr : &delivery->outs[ref.index];
  }
  [[nodiscard]] std::size_t size() const { return deliveries_.size(); }
  /// Erased by collect(): who is on the stack may still hold a reference.
  void doom(DeliveryNo no) { doomed_.push_back(no); }
  void collect() {
    for (const DeliveryNo no : doomed_) deliveries_.erase(no);
    doomed_.clear();
  }

 private:
  std::uint64_t last_ = 0;
  std::vector<DeliveryNo> doomed_;
  std::unordered_map<DeliveryNo, std::unique_ptr<Delivery>> deliveries_;
};

}  // namespace van::router
