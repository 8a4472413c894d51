#include "core/routing/control_plane.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace van::routing {

ControlPlane::ControlPlane(ControlPlaneConfig config)
    : config_{std::move(config)}, neighbours_{config_.timings.hello_max_age}, states_{config_.routers_max} {
  VAN_ASSERT(valid_router_id(config_.id));
  VAN_ASSERT(config_.instance != 0);
  VAN_ASSERT(config_.site_id.size() <= kSiteTextBytes && config_.site_name.size() <= kSiteTextBytes);
  const Paths::Router self{config_.id, &published_};
  paths_.rebuild({&self, 1}, config_.id);
}

// Inputs and commands

void ControlPlane::link_up(LinkNo link, std::uint32_t cost, TimePoint now) {
  VAN_ASSERT(cost >= 1);
  neighbours_.link_up(link, cost);
  if (tick_at_ == kNever) {
    tick_at_ = now;
  } else {
    send_hello({link}, now);
  }
}

void ControlPlane::link_down(LinkNo link, TimePoint now) { take(neighbours_.link_down(link, now), now); }

void ControlPlane::link_cost_changed(LinkNo link, std::uint32_t cost, TimePoint now) {
  VAN_ASSERT(cost >= 1);
  if (!neighbours_.set_cost(link, cost)) return;
  links_changed_ = true;
  hurry(now);
}

void ControlPlane::handle_deadline(TimePoint now) {
  if (now >= tick_at_) {
    tick(now);
  } else if (now >= settle_at_) {
    settle(now);
    send_requests(Requests::first);
  }
  if (now >= tell_at()) tell_addresses();
  if (ra_due_) send_ra(now);
}

bool ControlPlane::set_local_address(const AddressKey& key, LocalAddress address, TimePoint now) {
  return local_.set(key, std::move(address), now);
}

void ControlPlane::remove_local_address(const AddressKey& key, TimePoint now) { local_.remove(key, now); }

// The tick: control-plane 3.5

void ControlPlane::tick(TimePoint now) {
  const Timings& timings = config_.timings;
  send_hello(neighbours_.links(), now);

  take(neighbours_.expire(now), now);
  if (states_.age(now, timings.remote_ls_max_age)) paths_due_ = true;
  drop_idle_nodes(now);
  settle_at_ = kNever;
  publish_link_state(now);
  compute_paths(now);
  forget_unreachable(now);
  refresh(now);
  send_requests(Requests::all);

  const bool flux = flux_since_ && now - *flux_since_ <= timings.flux;
  if (!ra_sent_at_ || now - *ra_sent_at_ >= (flux ? timings.ra_interval_flux : timings.ra_interval)) ra_due_ = true;
  tick_at_ = now + timings.hello_interval;
  if (settle_at_ == kNever && !neighbours_.any_link()) sleep(now);
}

/// Nobody is there to learn from or to keep up with: forget everything, and start again with the next link.
void ControlPlane::sleep(TimePoint now) {
  tick_at_ = settle_at_ = kNever;
  if (states_.nodes().empty()) return;
  states_.erase_all();
  paths_due_ = true;
  compute_paths(now);
}

/// What has changed is taken into account before the next tick, but not sooner after the last time than the size of the
/// network lets: a computation of paths may not take more than some hundredths of the time.
void ControlPlane::hurry(TimePoint now) {
  const Duration pause =
      std::min<Duration>(kSettlePause + kSettlePauseEach * states_.nodes().size(), config_.timings.hello_interval);
  settle_at_ = std::min(settle_at_, changed_at_ ? std::max(now, *changed_at_ + pause) : now);
}

void ControlPlane::settle(TimePoint now) {
  settle_at_ = kNever;
  if (now >= publish_at_) publish_link_state(now);
  if (links_changed_) settle_at_ = publish_at_;
  compute_paths(now);
  forget_unreachable(now);
}

void ControlPlane::take(const Neighbours::Changes& changes, TimePoint now) {
  for (const auto& [id, link] : changes) {
    if (link) {
      events_.emplace_back(event::NeighbourUp{id, *link});
      if (Node* node = states_.find(id)) node->link_state_requests = kRequestsMax;
    } else {
      events_.emplace_back(event::NeighbourDown{id});
    }
  }
  if (changes.empty()) return;
  paths_changed();  // by link at once, by cost with the next computation
  links_changed_ = true;
  hurry(now);
}

void ControlPlane::drop_idle_nodes(TimePoint now) {
  // "On the third such tick": two intervals after the first.
  for (const std::string& id : states_.idle(neighbours_.peers(), now, 2 * config_.timings.hello_interval)) {
    forget_addresses(*states_.find(id), id);
    states_.erase(id);
    paths_due_ = true;
  }
}

/// Each number costs every router of the network a question. The first changes are told almost at once, those of a link
/// that comes and goes with the ticks, as often as real routers do.
void ControlPlane::publish_link_state(TimePoint now) {
  if (!std::exchange(links_changed_, false) || published_ == neighbours_.peers()) return;
  const Duration interval = config_.timings.hello_interval;
  publish_pause_ = now >= publish_at_ + interval ? kPublishPause : std::min<Duration>(2 * publish_pause_, interval);
  publish_at_ = now + publish_pause_;
  published_ = neighbours_.peers();
  ++ls_seq_;
  flux_since_ = now;
  paths_due_ = true;
  ra_due_ = true;
}

void ControlPlane::compute_paths(TimePoint now) {
  if (!std::exchange(paths_due_, false)) return;
  changed_at_ = now;
  std::vector<Paths::Router> routers;
  routers.reserve(states_.nodes().size() + 1);
  bool self_listed = false;
  for (const auto& [id, node] : states_.nodes()) {
    if (!self_listed && config_.id < id) {
      routers.push_back({config_.id, &published_});
      self_listed = true;
    }
    routers.push_back({id, &node.peers});
  }
  if (!self_listed) routers.push_back({config_.id, &published_});
  paths_.rebuild(routers, config_.id);

  paths_changed();
  for (auto& [id, node] : states_.nodes()) {
    node.path = paths_.find(id);
    const bool reachable = paths_.reachable(node.path);
    if (std::exchange(node.reachable, reachable) == reachable) continue;
    flux_since_ = now;
    if (reachable) {
      events_.emplace_back(event::NodeReachable{id});
      node.link_state_requests = node.mobile_requests = kRequestsMax;
    } else {
      events_.emplace_back(event::NodeUnreachable{id});
    }
  }
}

void ControlPlane::paths_changed() {
  ++paths_version_;
  events_.emplace_back(event::PathsChanged{});
}

void ControlPlane::forget_unreachable(TimePoint now) {
  for (auto& [id, node] : states_.nodes()) {
    if (node.reachable || (node.mobile_seq == 0 && remote_.count(node) == 0)) {
      node.forget_at = kNever;
    } else if (node.forget_at == kNever) {
      node.forget_at = now + config_.timings.unreachable_holdoff;
    } else if (now >= node.forget_at) {
      forget_addresses(node, id);
    }
    settle_at_ = std::min(settle_at_, node.forget_at);
  }
}

void ControlPlane::forget_addresses(Node& node, const std::string& id) {
  for (const AddressKey& key : remote_.forget(node)) events_.emplace_back(event::AddressRemoved{key, id});
  node.mobile_seq = 0;
  node.forget_at = kNever;
}

void ControlPlane::send_requests(Requests which) {
  const auto due = [which](unsigned left) { return which == Requests::all ? left != 0 : left == kRequestsMax; };
  for (auto& [id, node] : states_.nodes()) {
    if (due(node.link_state_requests) && send_to(id, destination::link_state_of(id), Lsr{.id = config_.id})) {
      --node.link_state_requests;
    }
    if (!due(node.mobile_requests)) continue;
    if (!send_to(id, destination::mobile_of(id), Mar{.id = config_.id, .have_seq = node.mobile_seq})) continue;
    // Without news from the node there may be nothing to send, and silence is its answer.
    node.mobile_requests = node.mobile_seq_told > node.mobile_seq ? node.mobile_requests - 1 : 0;
  }
}

/// Asks one router after the other for its links and all its addresses. What somebody else once said in its name is found
/// so, though the numbers agree; otherwise it would stay for ever.
void ControlPlane::refresh(TimePoint now) {
  const auto& nodes = states_.nodes();
  if (nodes.empty() || now < refresh_at_) return;
  refresh_at_ = now + config_.timings.refresh_interval;
  auto next = nodes.upper_bound(refreshed_);
  if (next == nodes.end()) next = nodes.begin();
  const auto& [id, node] = *next;
  refreshed_ = id;
  if (node.link_state_requests == 0) send_to(id, destination::link_state_of(id), Lsr{.id = config_.id});
  if (node.mobile_requests == 0) send_to(id, destination::mobile_of(id), Mar{.id = config_.id, .have_seq = 0});
}

/// The sender's rules of control-plane 3.7: the update first, then the RA with its number.
void ControlPlane::tell_addresses() {
  auto update = local_.flush();
  if (!update) return;
  send_all(destination::multicast,
           Mau{.id = config_.id, .mobile_seq = local_.sequence(), .content = *std::move(update)});
  ra_due_ = true;
}

TimePoint ControlPlane::tell_at() const {
  if (!neighbours_.any_link() || local_.changed_at() == kNever) return kNever;
  return local_.changed_at() + config_.timings.mobile_collect;
}

// Outputs

void ControlPlane::send_hello(std::vector<LinkNo> links, TimePoint now) {
  if (links.empty()) return;
  Hello hello{.id = config_.id, .instance = config_.instance, .seen = neighbours_.seen(now)};
  outputs_.push_back({std::move(hello), std::string{destination::hello}, std::move(links)});
}

void ControlPlane::send_ra(TimePoint now) {
  ra_due_ = false;
  if (neighbours_.confirmed().empty()) return;
  ra_sent_at_ = now;
  send_all(destination::flood,
           Ra{.id = config_.id, .instance = config_.instance, .ls_seq = ls_seq_, .mobile_seq = local_.sequence()});
}

void ControlPlane::send_all(std::string_view to, Message message) {
  std::vector<LinkNo> links = neighbour_links();
  if (!links.empty()) outputs_.push_back({std::move(message), std::string{to}, std::move(links)});
}

bool ControlPlane::send_to(std::string_view id, std::string to, Message message, std::optional<LinkNo> fallback) {
  auto link = protocol_hop(id);
  if (!link) link = fallback;
  if (!link) return false;
  outputs_.push_back({std::move(message), std::move(to), {*link}});
  return true;
}

void ControlPlane::limit_reached(const std::string& id, event::LimitReached::Bound bound) {
  const std::string note = std::to_string(static_cast<int>(bound)) + "/" + id;
  if (noted_.size() < kNotedMax && noted_.insert(note).second) events_.emplace_back(event::LimitReached{id, bound});
}

std::optional<Outgoing> ControlPlane::poll_output() {
  if (outputs_.empty()) return std::nullopt;
  Outgoing first = std::move(outputs_.front());
  outputs_.pop_front();
  return first;
}

std::optional<Event> ControlPlane::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event first = std::move(events_.front());
  events_.pop_front();
  return first;
}

TimePoint ControlPlane::next_deadline() const { return std::min({tick_at_, settle_at_, tell_at()}); }

}  // namespace van::routing
