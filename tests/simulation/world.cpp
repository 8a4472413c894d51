#include "tests/simulation/world.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace van::simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kPieceMax = 32 * 1024;
constexpr Duration kHostileTick = 100ms;

/// How a message begins between routers (control-plane 4.3): each is sent from its own annotations on.
constexpr std::uint8_t kAnnotations[] = {0x00, 0x80, 0x53, 0x4B, 0x50, 0x52, 0x2D, 0x2D, 0x52, 0x41};

}  // namespace

World::World(std::uint64_t seed, bool print) : rng_{seed}, log_{print} {}

SiteIndex World::add_site(std::string name, router::Mode mode) {
  auto site = std::make_unique<Site>();
  site->name = std::move(name);
  site->mode = mode;
  site->instance = static_cast<std::int32_t>(1 + rng_.below(1'000'000));
  sites_.push_back(std::move(site));
  start(sites_.size() - 1);
  return sites_.size() - 1;
}

SiteIndex World::add_hostile(std::string name, HostileKind kind, router::PeerRole role, HostileKnowledge knowledge) {
  auto site = std::make_unique<Site>();
  site->name = name;
  site->hostile = make_hostile(kind, role, std::move(name), std::move(knowledge), Rng{rng_.next()}, now_);
  sites_.push_back(std::move(site));
  const SiteIndex index = sites_.size() - 1;
  after(kHostileTick, [this, index] { hostile_tick(index); });
  return index;
}

void World::hostile_tick(SiteIndex index) {
  Site& site = *sites_[index];
  if (!site.hostile) return;
  site.hostile->tick(now_);
  for (const WireIndex wire : site.wires) {
    for (int side = 0; side < 2; ++side) {
      if (wires_[wire].ends[static_cast<std::size_t>(side)].site == index) carry(wire, side);
      else arm_pipe(wire, side);
    }
  }
  after(kHostileTick, [this, index] { hostile_tick(index); });
}

WireIndex World::add_wire(SiteIndex from, SiteIndex to, router::PeerRole role, std::uint32_t cost, Duration delay, Duration jitter) {
  Wire wire;
  wire.ends[0].site = from;
  wire.ends[1].site = to;
  wire.role = role;
  wire.cost = cost;
  wire.delay = delay;
  wire.jitter = jitter;
  wires_.push_back(std::move(wire));
  const WireIndex index = wires_.size() - 1;
  sites_[from]->wires.push_back(index);
  sites_[to]->wires.push_back(index);
  dial(index);
  return index;
}

// ---- Faults ----

void World::set_enabled(WireIndex index, bool enabled) {
  Wire& wire = wires_[index];
  if (wire.enabled == enabled) return;
  wire.enabled = enabled;
  log_.line(now_, sites_[wire.ends[0].site]->name, (enabled ? "joined with " : "cut from ") + sites_[wire.ends[1].site]->name);
  if (enabled) dial(index);
  else tear_down(index);
  settle();
}

void World::set_frozen(WireIndex index, bool frozen) {
  Wire& wire = wires_[index];
  if (wire.frozen == frozen) return;
  wire.frozen = frozen;
  log_.line(now_, sites_[wire.ends[0].site]->name, (frozen ? "hears nothing of " : "hears again of ") + sites_[wire.ends[1].site]->name);
  if (frozen) return;
  for (const int side : {0, 1}) arm_pipe(index, side);
  dial(index);
}

void World::stop(SiteIndex index) {
  Site& site = *sites_[index];
  if (!site.router && !site.hostile) return;
  log_.line(now_, site.name, "stops");
  if (site.router) observer_->on_stop(index);
  site.router.reset();
  site.hostile.reset();
  site.peers.clear();
  site.armed = kNever;
  site.asleep = false;
  for (const WireIndex wire : site.wires) tear_down(wire);
  settle();
}

void World::start(SiteIndex index) {
  Site& site = *sites_[index];
  if (site.router) return;
  log_.line(now_, site.name, "starts");
  ++site.instance;
  site.router = std::make_unique<router::Router>(
      router::Config{.mode = site.mode, .id = site.name, .site_id = "id-" + site.name, .site_name = site.name, .instance = site.instance}, Rng{rng_.next()},
      local_now(index));
  touch(index);
  for (const WireIndex wire : site.wires) dial(wire);
}

void World::jump(SiteIndex index, Duration forward) {
  log_.line(now_, sites_[index]->name, "clock jumps");
  sites_[index]->clock_ahead += forward;
  touch(index);
  settle();
}

void World::set_asleep(SiteIndex index, bool asleep) {
  Site& site = *sites_[index];
  if (site.asleep == asleep || !site.router) return;
  site.asleep = asleep;
  log_.line(now_, site.name, asleep ? "falls asleep" : "wakes up");
  if (asleep) return;
  touch(index);
  for (const WireIndex wire : site.wires) {
    for (const int side : {0, 1}) arm_pipe(wire, side);
    dial(wire);
  }
  settle();
}

// ---- Connections ----

void World::dial_later(WireIndex index) {
  Wire& wire = wires_[index];
  if (wire.dialing) return;
  wire.dialing = true;
  after(Duration{500ms} + Duration{static_cast<std::int64_t>(rng_.below(2'000'000'000))}, [this, index] {
    wires_[index].dialing = false;
    dial(index);
    settle();
  });
}

void World::dial(WireIndex index) {
  Wire& wire = wires_[index];
  if (!wire.enabled || wire.frozen || wire.connected || wire.dialing) return;
  for (const Wire::End& end : wire.ends) {
    const Site& site = *sites_[end.site];
    if (site.asleep || (!site.router && !site.hostile)) return;
  }
  connect(wire, index);
}

void World::connect(Wire& wire, WireIndex index) {
  wire.connected = true;
  log_.line(now_, sites_[wire.ends[0].site]->name, "connects to " + sites_[wire.ends[1].site]->name);
  for (const int side : {0, 1}) {
    Wire::End& end = wire.ends[static_cast<std::size_t>(side)];
    Site& site = *sites_[end.site];
    end.open = true;
    end.ending = false;
    if (!site.router) continue;
    const bool connects = side == 0;
    end.peer = site.router->add_peer({.role = wire.role,
                                      .direction = connects ? router::Direction::outgoing : router::Direction::incoming,
                                      .cost = connects ? wire.cost : 1,
                                      .hostname = connects ? sites_[wire.ends[1].site]->name : std::string{},
                                      .external = false},
                                     local_now(end.site));
    site.peers[end.peer] = {index, side};
    touch(end.site);
  }
}

/// Router and wire have nothing to do with each other any more.
void World::close_end(WireIndex index, int side) {
  Wire::End& end = wires_[index].ends[static_cast<std::size_t>(side)];
  if (!std::exchange(end.open, false)) return;
  Site& site = *sites_[end.site];
  site.peers.erase(end.peer);
  if (!site.router) return;
  site.router->transport_closed(end.peer, local_now(end.site));
  touch(end.site);
}

void World::tear_down(WireIndex index) {
  Wire& wire = wires_[index];
  if (!std::exchange(wire.connected, false)) return;
  for (const int side : {0, 1}) close_end(index, side);
  for (Pipe& pipe : wire.pipes) pipe.clear();
  wire.armed = {kNever, kNever};
  dial_later(index);
}

/// The router has closed: what it still had to say is sent, then the end of file.
void World::peer_closed(SiteIndex site, router::PeerId peer) {
  const auto found = sites_[site]->peers.find(peer);
  if (found == sites_[site]->peers.end()) return;
  const auto [index, side] = found->second;
  Wire& wire = wires_[index];
  wire.ends[static_cast<std::size_t>(side)].ending = true;
  const Wire::End& other = wire.ends[static_cast<std::size_t>(1 - side)];
  if (!other.open || other.ending) return tear_down(index);
  carry(index, side);
}

// ---- Bytes ----

SliceQueue* World::output_of(const Wire::End& end) {
  Site& site = *sites_[end.site];
  if (site.router) return site.router->output(end.peer);
  return site.hostile ? &site.hostile->output() : nullptr;
}

void World::look_at(SiteIndex from, const SliceQueue& output, std::size_t count) {
  std::size_t seen = 0;
  for (const Slice& slice : output.slices()) {
    if (seen >= count) return;
    seen += slice.size();
    const ByteView view = slice.view();
    if (view.size() < sizeof kAnnotations || !std::equal(std::begin(kAnnotations), std::end(kAnnotations), view.begin())) continue;
    ++messages_;
    if (observer_ == nullptr) continue;
    const auto header = amqp::read_message_header(view, false, true);
    if (header && header->has_value() && (*header)->annotations) observer_->on_message(from, *(*header)->annotations);
  }
}

void World::carry(WireIndex index, int side) {
  const auto from = static_cast<std::size_t>(side);
  Wire& wire = wires_[index];
  Wire::End& end = wire.ends[from];
  Site& site = *sites_[end.site];
  while (end.open) {
    SliceQueue* output = output_of(end);
    if (output == nullptr || output->empty()) {
      if (end.ending) {
        wire.pipes[from].push(Slice{}, now_, wire.delay, 0);
        close_end(index, side);
      }
      break;
    }
    const std::size_t limit = rng_.below(4) == 0 ? 1 + rng_.below(2000) : kPieceMax;
    const std::size_t count = std::min({output->bytes(), wire.pipes[from].room(), limit});
    if (count == 0) break;
    if (site.router) look_at(end.site, *output, count);
    Bytes piece = output->peek(count);
    output->consume(count);
    log_.bytes(now_, site.name, sites_[wire.ends[1 - from].site]->name, piece);
    wire.octets += count;
    const Duration jitter{wire.jitter.count() > 0 ? static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(wire.jitter.count()))) : 0};
    wire.pipes[from].push(Slice::copy_of(piece), now_, wire.delay + jitter, wire.bytes_per_second);
    if (site.router) {
      site.router->output_consumed(end.peer, local_now(end.site));
      touch(end.site);
    }
  }
  arm_pipe(index, side);
}

void World::deliver(WireIndex index, int side) {
  const auto from = static_cast<std::size_t>(side);
  Wire& wire = wires_[index];
  wire.armed[from] = kNever;
  const Wire::End& to = wire.ends[1 - from];
  Site& receiver = *sites_[to.site];
  if (wire.frozen || receiver.asleep || (receiver.hostile && !receiver.hostile->reads())) return;
  Pipe& pipe = wire.pipes[from];
  while (!pipe.empty() && pipe.next() <= now_) {
    Pipe::Piece piece = pipe.pop();
    if (!to.open) continue;
    if (piece.bytes.empty()) {  // end of file
      close_end(index, 1 - side);
    } else if (receiver.router) {
      receiver.router->receive(to.peer, std::move(piece.bytes), local_now(to.site));
      touch(to.site);
    } else if (receiver.hostile) {
      receiver.hostile->receive(std::move(piece.bytes), now_);
      carry(index, 1 - side);
    }
  }
  carry(index, side);
  if (wire.connected && !wire.ends[0].open && !wire.ends[1].open) tear_down(index);
}

// ---- Running ----

void World::push(TimePoint at, Kind kind, std::size_t index) { queue_.push({std::max(at, now_), ++last_due_, kind, static_cast<std::uint32_t>(index)}); }

void World::at(TimePoint when, std::function<void()> action) {
  push(when, Kind::action, 0);
  actions_.emplace(last_due_, std::move(action));
}

void World::arm_deadline(SiteIndex index) {
  Site& site = *sites_[index];
  if (!site.router) return;
  const TimePoint local = site.router->next_deadline();
  const TimePoint at = local == kNever ? kNever : std::max(now_, local - site.clock_ahead);
  if (at == site.armed) return;
  site.armed = at;
  if (at != kNever) push(at, Kind::deadline, index);
}

void World::arm_pipe(WireIndex index, int side) {
  Wire& wire = wires_[index];
  const auto from = static_cast<std::size_t>(side);
  const TimePoint next = wire.pipes[from].next();
  if (next == kNever || wire.armed[from] <= next) return;
  wire.armed[from] = next;
  push(next, Kind::pipe, index * 2 + from);
}

void World::touch(SiteIndex index) {
  if (std::exchange(sites_[index]->dirty, true)) return;
  dirty_.push_back(index);
}

void World::settle() {
  while (!dirty_.empty()) {
    const SiteIndex index = dirty_.back();
    dirty_.pop_back();
    sites_[index]->dirty = false;
    run_router(index);
  }
}

void World::run_router(SiteIndex index) {
  Site& site = *sites_[index];
  while (site.router) {
    auto event = site.router->poll_event();
    if (!event) break;
    if (const auto* closed = std::get_if<router::PeerClosed>(&*event)) {
      log_.line(now_, site.name, "peer closed: " + closed->reason);
      peer_closed(index, closed->peer);
    }
    if (observer_ != nullptr) observer_->on_event(index, *event);
  }
  while (site.router) {
    const auto peer = site.router->poll_output();
    if (!peer) break;
    const auto found = site.peers.find(*peer);
    if (found != site.peers.end()) carry(found->second.first, found->second.second);
  }
  arm_deadline(index);
}

bool World::step(TimePoint end) {
  settle();
  if (queue_.empty() || queue_.top().at > end) return false;
  const Due due = queue_.top();
  queue_.pop();
  now_ = due.at;
  switch (due.kind) {
    case Kind::action: {
      const auto found = actions_.find(due.number);
      const std::function<void()> action = std::move(found->second);
      actions_.erase(found);
      action();
      break;
    }
    case Kind::deadline: {
      Site& site = *sites_[due.index];
      if (site.armed != due.at || !site.router) return true;
      site.armed = kNever;
      if (site.asleep) return true;
      site.router->handle_deadline(local_now(due.index));
      touch(due.index);
      break;
    }
    case Kind::pipe:
      if (wires_[due.index / 2].armed[due.index % 2] != due.at) return true;
      deliver(due.index / 2, static_cast<int>(due.index % 2));
      break;
  }
  settle();
  return true;
}

void World::run_until(TimePoint end) {
  while (step(end)) {
  }
  now_ = end;
  settle();
}

}  // namespace van::simulation
