#pragma once

#include <vector>

#include "core/base/id_table.h"
#include "core/router/delivery.h"

namespace van::router {

/// Owns the deliveries that are under way.
class Deliveries {
 public:
  Delivery& create() {
    const auto [no, delivery] = deliveries_.create();
    delivery.no = no;
    return delivery;
  }
  Delivery* find(DeliveryNo no) { return deliveries_.find(no); }
  [[nodiscard]] const Delivery* find(DeliveryNo no) const { return deliveries_.find(no); }
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
  std::vector<DeliveryNo> doomed_;
  IdTable<DeliveryNo, Delivery> deliveries_;
};

}  // namespace van::router
