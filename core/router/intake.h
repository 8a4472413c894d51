#pragma once

#include <cstddef>

#include "core/router/core.h"
#include "core/router/delivery.h"

namespace van::router {

/// The octets that wait here, by the peer that they came from. Of one from whom too many wait the session windows stay shut until half
/// of them are gone (limits::kPeerPendingBytes, kClientPendingBytes).
class Intake {
 public:
  explicit Intake(Core& core) : core_{core} {}

  void take(Delivery& delivery, std::size_t octets);
  void release(Delivery& delivery, std::size_t octets);  ///< no more than wait of it
  void release_all(Delivery& delivery) { release(delivery, delivery.pending); }

 private:
  void set_paused(Peer& peer, bool paused);

  Core& core_;
};

}  // namespace van::router
