#include "core/amqp/delivery_numbers.h"

#include <algorithm>

namespace van::amqp {

void DeliveryNumbers::add(Delivery& delivery) {
  VAN_ASSERT(!delivery.numbered);
  const bool added = by_number_.emplace(delivery.wire_id, &delivery).second;
  VAN_ASSERT(added);
  delivery.numbered = true;
}

void DeliveryNumbers::remove(Delivery& delivery) {
  if (!delivery.numbered) return;
  by_number_.erase(delivery.wire_id);
  delivery.numbered = false;
}

Delivery* DeliveryNumbers::find(std::uint32_t wire_id) const {
  const auto found = by_number_.find(wire_id);
  return found == by_number_.end() ? nullptr : found->second;
}

const std::vector<Delivery*>& DeliveryNumbers::in_range(std::uint32_t first, std::uint32_t last) {
  found_.clear();
  const std::uint32_t width = last - first;
  if (width < by_number_.size()) {
    for (std::uint32_t offset = 0; offset <= width; ++offset) {
      if (Delivery* delivery = find(first + offset)) found_.push_back(delivery);
    }
    return found_;
  }
  for (const auto& [number, delivery] : by_number_) {
    if (number - first <= width) found_.push_back(delivery);
  }
  std::sort(found_.begin(), found_.end(),
            [first](const Delivery* a, const Delivery* b) { return a->wire_id - first < b->wire_id - first; });
  return found_;
}

}  // namespace van::amqp
