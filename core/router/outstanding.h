#pragma once

#include <string>

#include "core/router/addresses.h"
#include "core/router/core.h"
#include "core/router/delivery.h"

namespace van::router {

/// What is not settled yet at each consumer, edge's proxy and neighbour, as balancing weighs it (control-plane 4.5).
class Outstanding {
 public:
  Outstanding(Core& core, Addresses& addresses) : core_{core}, addresses_{addresses} {}

  /// `key`: of the address, as neighbours' are counted by it. A copy counts once at most.
  void count(Out& out, const std::string& key, const Destination& to);
  void uncount(Out& out);  ///< does nothing when it does not count

 private:
  Core& core_;
  Addresses& addresses_;
};

}  // namespace van::router
