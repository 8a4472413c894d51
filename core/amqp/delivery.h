#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "core/amqp/connection.h"
#include "core/amqp/intrusive_list.h"

namespace van::amqp {

struct Link;

/// A delivery between its beginning and the moment when both ends have forgotten it (AMQP 1.0 §2.6.12).
struct Delivery {
  DeliveryId id;
  Link* link = nullptr;
  std::uint32_t wire_id = 0;      ///< delivery-id of the session; of an outgoing one valid once `started`
  bool started = false;           ///< outgoing: the first transfer is out
  bool numbered = false;          ///< in the session's DeliveryNumbers
  bool complete = false;          ///< the transfer without `more` has passed
  bool settled_by_sender = false;
  bool settled_by_receiver = false;
  bool aborting = false;          ///< outgoing: given up by the application, the aborted transfer waits for the window
  std::uint64_t update_place = 0;  ///< EventQueue's
  ListHook<Delivery> of_link;
  ListHook<Delivery> waiting;     ///< for the window, to be aborted
};

/// All deliveries of a connection that are alive, by id. A slot does not move, and is used again; an id is not, since it
/// carries a serial number beside the slot.
class DeliveryTable {
 public:
  /// Gives a fresh delivery; nullptr when limits::kUnsettledPerConnection are alive.
  Delivery* add(Link& link);
  [[nodiscard]] Delivery* find(DeliveryId id);  ///< nullptr also for one that is only waiting to be aborted
  /// The delivery must be in no list.
  void remove(Delivery& delivery);
  [[nodiscard]] std::size_t size() const { return slots_.size() - free_.size(); }

 private:
  std::deque<Delivery> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t serial_ = 0;
};

}  // namespace van::amqp
