#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/amqp/connection.h"

namespace van::amqp {

/// The events that wait for poll_event(), in the order of the bytes. Keeps its memory between bursts.
class EventQueue {
 public:
  void push(Event event) { events_.push_back(std::move(event)); }
  std::optional<Event> pop() {
    if (read_ == events_.size()) return std::nullopt;
    std::optional<Event> event{std::move(events_[read_++])};
    ++popped_;
    if (read_ == events_.size()) {
      events_.clear();
      read_ = 0;
      if (events_.capacity() > kCapacityKept) events_.shrink_to_fit();
    }
    return event;
  }
  [[nodiscard]] bool empty() const { return read_ == events_.size(); }

  /// Pushes a DeliveryUpdated, or joins it with one of the same delivery that still waits at `*place`: a peer that repeats
  /// its states in wide ranges must not make the queue grow faster than the number of deliveries. Only the latest state
  /// matters (data-plane 4.3). `*place` belongs to the delivery, 0 at first.
  void push_update(DeliveryUpdated update, std::uint64_t& place) {
    if (place > popped_) {
      auto& waiting = std::get<DeliveryUpdated>(events_[read_ + static_cast<std::size_t>(place - popped_ - 1)]);
      if (update.state) waiting.state = std::move(update.state);
      waiting.settled = waiting.settled || update.settled;
      return;
    }
    events_.push_back(std::move(update));
    place = popped_ + (events_.size() - read_);
  }

 private:
  static constexpr std::size_t kCapacityKept = 1024;
  std::vector<Event> events_;
  std::size_t read_ = 0;
  std::uint64_t popped_ = 0;
};

}  // namespace van::amqp
