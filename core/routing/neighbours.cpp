#include "core/routing/neighbours.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace van::routing {

void Neighbours::link_up(LinkNo link, std::uint32_t cost) {
  const bool is_new = links_.try_emplace(link, Link{.cost = cost}).second;
  VAN_ASSERT(is_new);
}

Neighbours::Changes Neighbours::link_down(LinkNo link, TimePoint now) {
  Changes changes;
  const auto found = links_.find(link);
  if (found == links_.end()) return changes;
  const std::string id = std::move(found->second.id);
  links_.erase(found);
  if (link_of(id) == link) replace_link(id, now, changes);
  return changes;
}

bool Neighbours::set_cost(LinkNo link, std::uint32_t cost) {
  const auto found = links_.find(link);
  if (found == links_.end() || found->second.cost == cost) return false;
  found->second.cost = cost;
  const auto id = neighbour_on(link);
  if (!id) return false;
  peers_.find(*id)->second = cost;
  return true;
}

Neighbours::Heard Neighbours::hear(LinkNo link, std::string_view id, bool confirms, TimePoint now) {
  Heard heard;
  Link& on = links_.at(link);
  if (on.id != id) {
    const std::string former = std::exchange(on.id, std::string{id});
    on.heard = on.confirmed = TimePoint::min();
    if (link_of(former) == link) replace_link(former, now, heard.changes);
  }
  heard.first = !fresh(on.heard, now);
  on.heard = now;
  if (!confirms) return heard;
  on.confirmed = now;
  const auto current = link_of(id);
  if (!current || (*current != link && !fresh(links_.at(*current).confirmed, now))) move_to(on.id, link, heard.changes);
  return heard;
}

Neighbours::Changes Neighbours::expire(TimePoint now) {
  Changes changes;
  std::vector<std::string> silent;
  for (const auto& [id, link] : confirmed_) {
    if (!fresh(links_.at(link).confirmed, now)) silent.push_back(id);
  }
  for (const std::string& id : silent) replace_link(id, now, changes);
  return changes;
}

void Neighbours::move_to(const std::string& id, LinkNo link, Changes& changes) {
  confirmed_.insert_or_assign(id, link);
  peers_.insert_or_assign(id, links_.at(link).cost);
  changes.push_back({id, link});
}

void Neighbours::replace_link(const std::string& id, TimePoint now, Changes& changes) {
  const auto other = std::find_if(links_.begin(), links_.end(), [&](const auto& entry) {
    return entry.second.id == id && fresh(entry.second.confirmed, now);
  });
  if (other != links_.end()) return move_to(id, other->first, changes);
  confirmed_.erase(id);
  peers_.erase(id);
  changes.push_back({id, std::nullopt});
}

std::vector<LinkNo> Neighbours::links() const {
  std::vector<LinkNo> all;
  for (const auto& entry : links_) all.push_back(entry.first);
  return all;
}

std::vector<std::string> Neighbours::seen(TimePoint now) const {
  std::vector<std::string> ids;
  for (const auto& entry : links_) {
    if (fresh(entry.second.heard, now)) ids.push_back(entry.second.id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

std::optional<LinkNo> Neighbours::link_of(std::string_view id) const {
  const auto found = confirmed_.find(id);
  return found == confirmed_.end() ? std::nullopt : std::optional{found->second};
}

std::optional<std::string_view> Neighbours::neighbour_on(LinkNo link) const {
  const auto found = links_.find(link);
  if (found == links_.end() || link_of(found->second.id) != link) return std::nullopt;
  return found->second.id;
}

}  // namespace van::routing
