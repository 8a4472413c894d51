#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/id.h"
#include "core/routing/messages.h"

namespace van::routing {

/// One control link pair to a neighbour (control-plane 2.2), numbered by the owner of the ControlPlane. A number is not
/// used again as long as the ControlPlane lives.
using LinkNo = Id<struct LinkNoTag>;

/// The HELLO protocol, control-plane 3.3: who is heard on which link, and which link of a neighbour carries its routes.
/// A neighbour stays on its link until that goes down or its confirming HELLOs end; another link on which it answers
/// then takes over.
class Neighbours {
 public:
  /// A neighbour is on `link` now; nullopt: it is gone.
  struct Change {
    std::string id;
    std::optional<LinkNo> link;
  };
  using Changes = std::vector<Change>;

  explicit Neighbours(Duration max_age) : max_age_{max_age} {}

  void link_up(LinkNo link, std::uint32_t cost);
  Changes link_down(LinkNo link, TimePoint now);
  /// Whether the costs of our link state changed.
  bool set_cost(LinkNo link, std::uint32_t cost);

  struct Heard {
    bool first = false;  ///< the router was not heard on this link within max_age
    Changes changes;
  };
  /// A HELLO of another router; `confirms`: our id is among its `seen`. The link is up.
  Heard hear(LinkNo link, std::string_view id, bool confirms, TimePoint now);
  /// Neighbours that did not confirm for max_age.
  Changes expire(TimePoint now);

  [[nodiscard]] bool is_up(LinkNo link) const { return links_.contains(link); }
  [[nodiscard]] bool any_link() const { return !links_.empty(); }
  [[nodiscard]] std::vector<LinkNo> links() const;
  [[nodiscard]] std::vector<std::string> seen(TimePoint now) const;  ///< for our HELLO; each id once
  /// Our own link state.
  [[nodiscard]] const PeerCosts& peers() const { return peers_; }
  [[nodiscard]] std::optional<LinkNo> link_of(std::string_view id) const;
  [[nodiscard]] std::optional<std::string_view> neighbour_on(LinkNo link) const;
  [[nodiscard]] const std::map<std::string, LinkNo, std::less<>>& confirmed() const { return confirmed_; }

 private:
  struct Link {
    std::uint32_t cost = 1;
    std::string id = {};                     ///< the router heard last; empty: none yet
    TimePoint heard = TimePoint::min();      ///< its last HELLO
    TimePoint confirmed = TimePoint::min();  ///< its last HELLO that named us
  };
  [[nodiscard]] bool fresh(TimePoint at, TimePoint now) const { return at != TimePoint::min() && now - at < max_age_; }
  void move_to(const std::string& id, LinkNo link, Changes& changes);
  /// The neighbour lost its link: finds another one or lets it go.
  void replace_link(const std::string& id, TimePoint now, Changes& changes);

  Duration max_age_;
  std::map<LinkNo, Link> links_;
  std::map<std::string, LinkNo, std::less<>> confirmed_;
  PeerCosts peers_;  ///< of each confirmed neighbour, the cost of its link
};

}  // namespace van::routing
