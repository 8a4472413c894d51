#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/routing/messages.h"
#include "core/routing/neighbours.h"
#include "core/routing/paths.h"

namespace van::routing {

/// Links in all stored link states together: what one hostile router can make us keep.
inline constexpr std::size_t kLinksTotal = 1u << 18;

/// What is known of another interior router.
struct Node {
  std::string id;
  std::int64_t instance = 0;  ///< 0: not known
  std::int64_t ls_seq = 0;
  PeerCosts peers;
  std::string site_id;
  std::string site_name;
  TimePoint heard{};                 ///< last RA, or last LSU taken, or creation
  TimePoint idle_since = kNever;     ///< no peers, and nobody's peer, since then
  Paths::Index path = Paths::kNone;  ///< in the picture of the last computation
  bool reachable = false;            ///< as of the last computation

  std::int64_t mobile_seq = 0;
  std::int64_t mobile_seq_told = 0;  ///< highest number heard of
  TimePoint forget_at = kNever;      ///< end of the holdoff while it can't be reached
  std::optional<TimePoint> lower_since{};  ///< its RAs tell lower numbers than ours of it

  /// The RA of it that was passed on last, to know further copies by.
  struct Flooded {
    std::int64_t instance = 0;
    std::int64_t ls_seq = 0;
    std::int64_t mobile_seq = 0;
    std::size_t hops = 0;
    TimePoint until = TimePoint::min();
    /// A copy of that RA, or one that it has overtaken.
    [[nodiscard]] bool covers(const Ra& ra, TimePoint now) const {
      return instance == ra.instance && ls_seq >= ra.ls_seq && mobile_seq >= ra.mobile_seq && now < until;
    }
    [[nodiscard]] bool overtook(const Ra& ra, TimePoint now) const {
      return covers(ra, now) && (ls_seq > ra.ls_seq || mobile_seq > ra.mobile_seq);
    }
    unsigned counted = 0;  ///< RAs of it passed on
    TimePoint counted_until = TimePoint::min();
  };
  Flooded flooded;
  std::optional<LinkNo> heard_on;            ///< where its last RA came first: the way to it as long as no path is known
  std::int64_t ls_seq_asked = 0;             ///< by the LSR sent last
  unsigned asks = 0;                         ///< LSRs sent for RAs
  TimePoint asked_until = TimePoint::min();  ///< until then they count, and no other LSR for the same number

  // Requests still to be sent, one a tick while it can be reached; 0 when none is due.
  unsigned link_state_requests = 0;
  unsigned mobile_requests = 0;
};

/// The link-state database, control-plane 3.4 and 3.5: other routers by id, in the order of ids. A Node does not move.
class LinkStates {
 public:
  explicit LinkStates(std::size_t nodes_max) : nodes_max_{nodes_max} {}

  [[nodiscard]] Node* find(std::string_view id);
  [[nodiscard]] const Node* find(std::string_view id) const;
  /// The node, made when it is not there yet; nullptr at the limit.
  Node* find_or_create(std::string_view id, TimePoint now);

  /// Whether the update was stored; false at kLinksTotal. Costs and ids are checked already.
  bool store(Node& node, const Lsu& update);
  /// "Clear peers, ls_seq = 0".
  void clear(Node& node);

  /// Clears the state of nodes not heard for `max_age`. Whether one of them was reachable.
  bool age(TimePoint now, Duration max_age);
  /// Ids of the nodes that are not of the network any more: no peers, nobody's peer and none of `neighbours`, for
  /// `patience`.
  std::vector<std::string> idle(const PeerCosts& neighbours, TimePoint now, Duration patience);
  void erase(std::string_view id);
  void erase_all();

  [[nodiscard]] std::map<std::string, Node, std::less<>>& nodes() { return nodes_; }
  [[nodiscard]] const std::map<std::string, Node, std::less<>>& nodes() const { return nodes_; }
  [[nodiscard]] std::size_t links_total() const { return links_total_; }

 private:
  std::size_t nodes_max_;
  std::size_t links_total_ = 0;
  std::map<std::string, Node, std::less<>> nodes_;
};

}  // namespace van::routing
