#include "core/routing/link_states.h"

#include <unordered_set>

namespace van::routing {

Node* LinkStates::find(std::string_view id) {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : &found->second;
}

const Node* LinkStates::find(std::string_view id) const {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : &found->second;
}

Node* LinkStates::find_or_create(std::string_view id, TimePoint now) {
  if (Node* node = find(id)) return node;
  if (nodes_.size() >= nodes_max_) return nullptr;
  Node& node = nodes_[std::string{id}];
  node.id = id;
  node.heard = now;
  return &node;
}

bool LinkStates::store(Node& node, const Lsu& update) {
  const std::size_t others = links_total_ - node.peers.size();
  if (others + update.peers.size() > kLinksTotal) return false;
  links_total_ = others + update.peers.size();
  node.ls_seq = update.ls_seq;
  node.peers = update.peers;
  return true;
}

void LinkStates::clear(Node& node) {
  links_total_ -= node.peers.size();
  node.peers.clear();
  node.ls_seq = 0;
}

bool LinkStates::age(TimePoint now, Duration max_age) {
  bool reachable_lost = false;
  for (auto& [id, node] : nodes_) {
    if (now - node.heard <= max_age || (node.peers.empty() && node.ls_seq == 0)) continue;
    clear(node);
    reachable_lost = reachable_lost || node.reachable;
  }
  return reachable_lost;
}

std::vector<std::string> LinkStates::idle(const PeerCosts& neighbours, TimePoint now, Duration patience) {
  std::vector<std::pair<const std::string*, Node*>> lonely;
  for (auto& [id, node] : nodes_) {
    if (node.peers.empty() && !node.reachable && !neighbours.contains(id)) {
      lonely.emplace_back(&id, &node);
    } else {
      node.idle_since = kNever;
    }
  }
  if (lonely.empty()) return {};

  std::unordered_set<std::string_view> listed;
  for (const auto& [id, node] : nodes_) {
    for (const auto& peer : node.peers) listed.insert(peer.first);
  }
  std::vector<std::string> gone;
  for (const auto& [id, node] : lonely) {
    if (listed.contains(*id)) {
      node->idle_since = kNever;
    } else if (node->idle_since == kNever) {
      node->idle_since = now;
    } else if (now - node->idle_since >= patience) {
      gone.push_back(*id);
    }
  }
  return gone;
}

void LinkStates::erase(std::string_view id) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return;
  links_total_ -= found->second.peers.size();
  nodes_.erase(found);
}

void LinkStates::erase_all() {
  nodes_.clear();
  links_total_ = 0;
}

}  // namespace van::routing
