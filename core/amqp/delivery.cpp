#include "core/amqp/delivery.h"

#include "core/base/limits.h"

namespace van::amqp {
namespace {

constexpr unsigned kSlotBits = 24;
constexpr std::uint64_t kSlotMask = (std::uint64_t{1} << kSlotBits) - 1;
static_assert(limits::kUnsettledPerConnection <= kSlotMask);

std::uint32_t slot_of(DeliveryId id) { return static_cast<std::uint32_t>(id.value & kSlotMask); }

}  // namespace

Delivery* DeliveryTable::add(Link& link) {
  if (size() >= limits::kUnsettledPerConnection) return nullptr;
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Delivery& delivery = slots_[slot];
  delivery = Delivery{};
  delivery.id = DeliveryId{(++serial_ << kSlotBits) | slot};
  delivery.link = &link;
  return &delivery;
}

Delivery* DeliveryTable::find(DeliveryId id) {
  const std::uint32_t slot = slot_of(id);
  if (!id || slot >= slots_.size() || slots_[slot].id != id || slots_[slot].aborting) return nullptr;
  return &slots_[slot];
}

void DeliveryTable::remove(Delivery& delivery) {
  VAN_ASSERT(delivery.id && !delivery.of_link.linked && !delivery.waiting.linked);
  free_.push_back(slot_of(delivery.id));
  delivery.id = {};
}

}  // namespace van::amqp
