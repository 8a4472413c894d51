#include "core/router/outstanding.h"

#include <utility>

namespace van::router {

void Outstanding::count(Out& out, const std::string& key, const Destination& to) {
  out.counted = key;
  out.counted_for = to;
  if (Addresses::Consumer* consumer = addresses_.consumer(to.consumer)) {
    ++consumer->outstanding;
  } else if (Peer* peer = core_.peer(to.peer)) {
    if (PeerLink* proxy = peer->link(to.proxy)) ++proxy->outstanding;
    else ++peer->outstanding[key];
  }
}

void Outstanding::uncount(Out& out) {
  if (out.counted.empty()) return;
  const std::string key = std::exchange(out.counted, {});
  if (out.counted_for.consumer) {
    if (Addresses::Consumer* consumer = addresses_.consumer(out.counted_for.consumer)) --consumer->outstanding;
    return;
  }
  Peer* peer = core_.peer(out.counted_for.peer);
  if (peer == nullptr) return;
  if (out.counted_for.proxy) {
    if (PeerLink* proxy = peer->link(out.counted_for.proxy)) --proxy->outstanding;
    return;
  }
  const auto found = peer->outstanding.find(key);
  if (found != peer->outstanding.end() && --found->second == 0) peer->outstanding.erase(found);
}

}  // namespace van::router
