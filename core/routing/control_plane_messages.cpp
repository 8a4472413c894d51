// What a ControlPlane does with each router protocol message: the readers' rules of control-plane 3.3 to 3.7.
#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "core/routing/control_plane.h"

namespace van::routing {

namespace {

/// Numbers grow by one a second at most; what is above this is no number of a router.
constexpr std::int64_t kSequenceMax = std::int64_t{1} << 53;
constexpr std::size_t kMeshIdBytes = 64;

bool valid_sequence(std::int64_t sequence) { return sequence >= 0 && sequence <= kSequenceMax; }

bool valid_peers(const PeerCosts& peers) {
  return peers.size() <= limits::kRouters && std::all_of(peers.begin(), peers.end(), [](const auto& peer) {
           return valid_router_id(peer.first) && peer.second >= 1;
         });
}

std::string bounded(const std::string& text) { return text.size() <= kSiteTextBytes ? text : std::string{}; }

}  // namespace

void ControlPlane::receive(LinkNo link, const Message& message, TimePoint now) {
  if (!neighbours_.is_up(link) || !valid_router_id(sender_of(message))) return;
  std::visit([&](const auto& body) { accept(body, link, now); }, message);
}

bool ControlPlane::understood(const std::string& id, std::int64_t pv, std::int64_t pv_max) {
  if (pv <= pv_max) return true;
  if (noted_.size() < kNotedMax && noted_.insert("pv/" + id).second)
    events_.emplace_back(event::VersionIgnored{id, pv});
  return false;
}

void ControlPlane::notice_duplicate(std::int64_t instance) {
  if (instance == config_.instance || instance == duplicate_instance_) return;
  duplicate_instance_ = instance;
  events_.emplace_back(event::DuplicateId{instance});
}

Node* ControlPlane::node_of(const std::string& id, TimePoint now) {
  Node* node = states_.find_or_create(id, now);
  if (node == nullptr) limit_reached(id, event::LimitReached::Bound::routers);
  return node;
}

/// Restart, control-plane 3.5. Requests follow at the next tick.
void ControlPlane::check_instance(Node& node, const std::string& id, std::int64_t instance, TimePoint now) {
  if (instance == 0) return;
  const std::int64_t known = std::exchange(node.instance, instance);
  if (known != 0 && known != instance) start_over(node, id, now);
}

/// What we have of a router was not said by it when it goes on to tell lower numbers: higher ones of it would be ignored
/// until it gets there, and its RAs keep the rest from ageing. A copy of an older RA that comes late is no such sign.
void ControlPlane::check_sequence(Node& node, const Ra& ra, TimePoint now) {
  if (ra.ls_seq >= node.ls_seq && ra.mobile_seq >= node.mobile_seq) {
    node.lower_since.reset();
  } else if (!node.lower_since) {
    node.lower_since = now;
  } else if (now - *node.lower_since > config_.timings.flux) {
    start_over(node, ra.id, now);
  }
}

/// Forgets what a router said, and asks again.
void ControlPlane::start_over(Node& node, const std::string& id, TimePoint now) {
  node.lower_since.reset();
  states_.clear(node);
  node.ls_seq_asked = 0;
  forget_addresses(node, id);
  node.mobile_seq_told = 0;
  node.link_state_requests = node.mobile_requests = kRequestsMax;
  paths_due_ = true;
  hurry(now);
}

// Control-plane 3.3
void ControlPlane::accept(const Hello& hello, LinkNo link, TimePoint now) {
  if (!understood(hello.id, hello.pv, kLinkStateVersion)) return;
  if (hello.id == config_.id) return notice_duplicate(hello.instance);

  bool confirms = std::find(hello.seen.begin(), hello.seen.end(), config_.id) != hello.seen.end();
  if (confirms && node_of(hello.id, now) == nullptr) confirms = false;  // no room for it
  const auto [first, changes] = neighbours_.hear(link, hello.id, confirms, now);
  take(changes, now);
  if (first) send_hello({link}, now);
  if (Node* node = states_.find(hello.id)) check_instance(*node, hello.id, hello.instance, now);
}

// Control-plane 3.4
void ControlPlane::accept(const Ra& ra, LinkNo link, TimePoint now) {
  if (!understood(ra.id, ra.pv, kLinkStateVersion)) return;
  if (ra.id == config_.id) return notice_duplicate(ra.instance);
  if (!valid_sequence(ra.ls_seq) || !valid_sequence(ra.mobile_seq)) return;
  Node* node = node_of(ra.id, now);
  if (node == nullptr) return;

  check_instance(*node, ra.id, ra.instance, now);
  check_sequence(*node, ra, now);
  node->heard = now;
  if (!node->flooded.covers(ra, now)) node->heard_on = link;
  if (now >= node->asked_until) node->asks = 0;
  const bool asked = node->asks > 0 && ra.ls_seq == node->ls_seq_asked;  // by another copy of this RA
  // Told by a router to which no path leads: its links may be others than we think.
  const bool astray = !node->reachable && ra.ls_seq == node->ls_seq && ra.ls_seq != 0;
  if ((ra.ls_seq > node->ls_seq || astray) && !asked) {
    node->link_state_requests = kRequestsMax;
    if (node->asks < kAsksMax) {  // more often than a router can have news: the next tick will do
      if (++node->asks == 1) node->asked_until = now + config_.timings.hello_interval;
      node->ls_seq_asked = ra.ls_seq;
      if (send_to(ra.id, destination::link_state_of(ra.id), Lsr{.id = config_.id}, link)) --node->link_state_requests;
    }
  }
  if (ra.mobile_seq > node->mobile_seq) {
    node->mobile_seq_told = ra.mobile_seq;
    node->mobile_requests = kRequestsMax;
  }
}

bool ControlPlane::flood_goes_on(const Message& message, std::span<const std::string> trace, TimePoint now) {
  const Ra* ra = std::get_if<Ra>(&message);
  Node* node = ra == nullptr ? nullptr : states_.find(ra->id);
  if (node == nullptr) return true;
  Node::Flooded& last = node->flooded;
  if (last.overtook(*ra, now) || (last.covers(*ra, now) && trace.size() >= last.hops)) return false;
  if (now >= last.counted_until) {
    last.counted = 0;
    last.counted_until = now + config_.timings.hello_interval;
  }
  if (++last.counted > kFloodsMax) return false;
  last.instance = ra->instance;
  last.ls_seq = ra->ls_seq;
  last.mobile_seq = ra->mobile_seq;
  last.hops = trace.size();
  last.until = now + config_.timings.ra_interval_flux / 2;
  return true;
}

void ControlPlane::accept(const Lsr& lsr, LinkNo link, TimePoint now) {
  if (!understood(lsr.id, lsr.pv, kLinkStateVersion) || lsr.id == config_.id) return;
  node_of(lsr.id, now);
  Lsu answer{.id = config_.id,
             .instance = config_.instance,
             .ls_seq = ls_seq_,
             .peers = published_,
             .site_id = config_.site_id,
             .site_name = config_.site_name};
  send_to(lsr.id, destination::link_state_of(lsr.id), std::move(answer), link);
}

void ControlPlane::accept(const Lsu& lsu, LinkNo, TimePoint now) {
  if (!understood(lsu.id, lsu.pv, kLinkStateVersion) || lsu.id == config_.id) return;
  if (!valid_sequence(lsu.ls_seq) || !valid_peers(lsu.peers)) return;
  Node* node = node_of(lsu.id, now);
  if (node == nullptr) return;

  node->link_state_requests = 0;
  if (node->instance == 0) node->instance = lsu.instance;
  // A router says one thing under one number: if we have another, it was not the one that said it.
  const bool differs = lsu.ls_seq == node->ls_seq && lsu.peers != node->peers && (lsu.instance == 0 || lsu.instance == node->instance);
  if (lsu.ls_seq <= node->ls_seq && !differs) return;
  if (!states_.store(*node, lsu)) return limit_reached(lsu.id, event::LimitReached::Bound::links);
  node->site_id = bounded(lsu.site_id);
  node->site_name = bounded(lsu.site_name);
  node->heard = now;
  for (const auto& peer : lsu.peers) {
    if (peer.first != config_.id) node_of(peer.first, now);
  }
  paths_due_ = true;
  hurry(now);
}

// Control-plane 3.7
void ControlPlane::accept(const Mar& mar, LinkNo link, TimePoint) {
  if (!understood(mar.id, mar.pv, kMobileVersion) || mar.id == config_.id) return;
  if (mar.have_seq >= local_.sequence()) return;
  Mau answer{.id = config_.id, .mobile_seq = local_.sequence(), .content = local_.told()};
  send_to(mar.id, destination::mobile_of(mar.id), std::move(answer), link);
}

void ControlPlane::accept(const Mau& mau, LinkNo, TimePoint) {
  if (!understood(mau.id, mau.pv, kMobileVersion) || !valid_sequence(mau.mobile_seq)) return;
  Node* node = states_.find(mau.id);
  if (node == nullptr) return;  // HELLO or RA must have come first; our own id is not in the database either

  const auto* differential = std::get_if<Mau::Differential>(&mau.content);
  if (differential != nullptr && mau.mobile_seq != node->mobile_seq + 1) {
    node->mobile_seq_told = std::max(node->mobile_seq_told, mau.mobile_seq);
    node->mobile_requests = kRequestsMax;  // at the next tick, however many more arrive until then
    return;
  }
  node->mobile_seq = mau.mobile_seq;
  if (differential == nullptr || node->mobile_seq >= node->mobile_seq_told) node->mobile_requests = 0;
  std::visit([&](const auto& update) { apply(*node, mau.id, update); }, mau.content);
}

void ControlPlane::apply(Node& node, const std::string& id, const Mau::Differential& update) {
  for (const AddressDescriptor& descriptor : update.add) add_address(node, id, descriptor);
  for (const AddressKey& key : update.del) {
    if (remote_.remove(node, key)) events_.emplace_back(event::AddressRemoved{key, id});
  }
}

void ControlPlane::apply(Node& node, const std::string& id, const Mau::Absolute& update) {
  std::set<AddressKey> named;
  for (const AddressDescriptor& descriptor : update.exist) named.insert(descriptor.key);
  for (const AddressKey& key : remote_.of(node)) {
    if (named.contains(key)) continue;
    remote_.remove(node, key);
    events_.emplace_back(event::AddressRemoved{key, id});
  }
  for (const AddressDescriptor& descriptor : update.exist) add_address(node, id, descriptor);
}

void ControlPlane::add_address(Node& node, const std::string& id, const AddressDescriptor& descriptor) {
  if (!descriptor.key.advertisable()) return;
  const bool known = remote_.find(descriptor.key) != nullptr || local_.find(descriptor.key) != nullptr;
  const auto configured = config_.treatments.find(descriptor.key);
  const auto treatment = configured ? configured : descriptor.treatment;
  if (!known && treatment == Treatment::unavailable) return;

  AddressDescriptor bounded_descriptor = descriptor;
  if (descriptor.mesh && descriptor.mesh->size() > kMeshIdBytes) bounded_descriptor.mesh.reset();
  switch (remote_.add(node, bounded_descriptor)) {
    case RemoteAddresses::Added::unchanged:
      return;
    case RemoteAddresses::Added::changed:
      events_.emplace_back(event::AddressAdded{descriptor.key, id});
      return;
    case RemoteAddresses::Added::limit:
      limit_reached(id, event::LimitReached::Bound::addresses);
      return;
  }
}

}  // namespace van::routing
