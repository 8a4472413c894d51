#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/amqp/delivery.h"

namespace van::amqp {

/// The deliveries of one session and direction by their delivery-id, a serial number (AMQP 1.0 §2.8.4).
class DeliveryNumbers {
 public:
  void add(Delivery& delivery);
  void remove(Delivery& delivery);  ///< does nothing when it is not in here
  [[nodiscard]] Delivery* find(std::uint32_t wire_id) const;
  /// Those of first..last, in this order. Costs the smaller of the range and what is known, however wide the range is.
  /// Valid until the next call.
  const std::vector<Delivery*>& in_range(std::uint32_t first, std::uint32_t last);
  [[nodiscard]] std::size_t size() const { return by_number_.size(); }

 private:
  std::unordered_map<std::uint32_t, Delivery*> by_number_;
  std::vector<Delivery*> found_;
};

}  // namespace van::amqp
