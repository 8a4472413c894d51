#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/base/slice.h"
#include "core/router/router.h"

namespace van::simulation {

/// A peer that does not do what it should. It always is the end that connects.
class Hostile {
 public:
  virtual ~Hostile() = default;
  virtual void receive(Slice bytes, TimePoint now) = 0;
  virtual void tick(TimePoint now) = 0;  ///< each 100 ms
  virtual SliceQueue& output() = 0;
  /// Whether it takes bytes from its transport now.
  [[nodiscard]] virtual bool reads() const { return true; }
};

enum class HostileKind {
  garbage,        ///< random octets from the first on
  bad_frames,     ///< a good start, then octets that are no frames, or frames that make no sense
  silent,         ///< opens the transport and says nothing
  half_open,      ///< opens streams and never ends them; never reports
  never_grants,   ///< a neighbour that gives no credit on any link
  never_reads,    ///< a neighbour that sends its HELLOs and reads nothing
  liar,           ///< a neighbour that speaks of routers, links and addresses that are not there
  impostor,       ///< a neighbour that speaks in the name of others
};
inline constexpr HostileKind kHostileKinds[] = {HostileKind::garbage,      HostileKind::bad_frames,  HostileKind::silent, HostileKind::half_open,
                                                HostileKind::never_grants, HostileKind::never_reads, HostileKind::liar,   HostileKind::impostor};
const char* name_of(HostileKind kind);

/// What it may know of the network, to lie well.
struct HostileKnowledge {
  std::vector<std::string> routers;
  std::vector<std::string> addresses;
};

std::unique_ptr<Hostile> make_hostile(HostileKind kind, router::PeerRole role, std::string id, HostileKnowledge knowledge, Rng rng, TimePoint now);

}  // namespace van::simulation
